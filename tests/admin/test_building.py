"""A template is built, validated and activated entirely in the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from badges import api
from badges.models import (
    BadgePenalty,
    BadgeProgress,
    BadgeRequirement,
    BadgeTemplate,
    DataRule,
    PenaltyDataRule,
    ProviderAccount,
    RulebookVersion,
)
from tests import builders
from tests.admin.pages import adding, deleting, listing, messages, page, rule_rows, text
from tests.builders import PASSING

IDENTITY = "0c1c7ff5-2d2b-4f2e-8a39-3a7e35a2a001"
CCX = "org.openedx.learning.ccx.course.passing.status.updated.v1"


def template_form(account: ProviderAccount, **fields: str) -> dict[str, str]:
    given = {"account": str(account.pk), "external_id": IDENTITY, "name": "Two courses", "state": "active", "site": "1"}
    return {**given, "allow_reaward": "on", **fields}


def activate(client: Client, template: BadgeTemplate) -> Any:
    return client.post(page(template), {"site": "1", "is_active": "on", "allow_reaward": "on"}, follow=True)


def add_step(client: Client, model: str, template: BadgeTemplate, *rules: tuple[str, str, str], **fields: Any) -> Any:
    data = {"template": template.pk, "key": "step", "event_type": PASSING, **rule_rows(*rules), **fields}
    return client.post(f"{adding(model)}?template={template.pk}", data, follow=True)


def change_step(client: Client, row: Any, *rules: tuple[str, str, str], **fields: Any) -> Any:
    stored = tuple(row.rules.values_list("pk", flat=True))
    data = {"key": row.key, "event_type": row.event_type, **rule_rows(*rules, stored=stored[: len(rules)]), **fields}
    return client.post(page(row), data, follow=True)


def errors_of_rules(response: Any) -> list[dict[str, list[str]]]:
    (formset,) = response.context["inline_admin_formsets"]
    return [dict(form) for form in formset.formset.errors]


def test_a_badge_is_built_activated_and_earned(admin_client: Client) -> None:
    account = builders.account()
    response = admin_client.post(adding("badgetemplate"), template_form(account), follow=True)
    template = BadgeTemplate.objects.get()
    assert response.redirect_chain[-1][0] == page(template)
    assert (str(template.uuid), template.provider, template.is_active) == (IDENTITY, "credly", False)
    for course in "AB":
        passed = ("is_passing", "eq", "true"), ("course.course_key", "eq", builders.course_key(course))
        response = add_step(admin_client, "badgerequirement", template, *passed, key=f"pass-{course}", group="either")
        assert response.redirect_chain[-1][0] == page(template)
    add_step(admin_client, "badgerequirement", template, key="any-course")
    failed = ("is_passing", "eq", "false"), ("course.course_key", "eq", builders.course_key("A"))
    pass_a = BadgeRequirement.objects.get(key="pass-A")
    add_step(admin_client, "badgepenalty", template, *failed, key="fail-A", resets=[pass_a.pk])

    activate(admin_client, template)
    shown = text(admin_client.get(page(template)))
    assert "Group either: one of these" in shown
    assert "course.course_key is “course-v1:edX+A+1”" in shown
    assert "is_passing is “false”" in shown
    assert "no rules: applies to every event of this type" in shown  # S11

    api.receive_event(event=builders.event("A"))
    progress = BadgeProgress.objects.get()
    assert progress.credential is not None and progress.credential.status == "awarded"
    api.receive_event(event=builders.event("A", passing=False, at="11:00"))
    progress.credential.refresh_from_db()
    assert progress.credential.status == "revoked"


class TestAddingATemplate:
    def test_the_form_starts_with_the_site_and_without_activation(self, admin_client: Client) -> None:
        form = admin_client.get(adding("badgetemplate")).context["adminform"].form
        assert form["site"].value() == 1
        assert "is_active" not in form.fields

    def test_an_id_is_taken_once(self, admin_client: Client) -> None:
        account = builders.account()
        admin_client.post(adding("badgetemplate"), template_form(account))
        response = admin_client.post(adding("badgetemplate"), template_form(account, external_id=IDENTITY.upper()))
        assert "There is a template with this id already: Two courses." in text(response)
        assert BadgeTemplate.objects.count() == 1

    def test_an_id_that_is_no_uuid_gets_a_uuid_of_its_own(self, admin_client: Client) -> None:
        admin_client.post(adding("badgetemplate"), template_form(builders.account(), external_id="group-7"))
        template = BadgeTemplate.objects.get()
        assert template.external_id == "group-7" and template.uuid

    def test_what_is_missing_or_wrong_is_told_at_its_field(self, admin_client: Client) -> None:
        form = template_form(builders.account(), external_id="", name="", image_url="no address", state="finished")
        response = admin_client.post(adding("badgetemplate"), form)
        assert set(response.context["adminform"].form.errors) == {"external_id", "name", "image_url", "state"}

    def test_add_another_leads_to_an_empty_form(self, admin_client: Client) -> None:
        form = template_form(builders.account(), _addanother="1")
        response = admin_client.post(adding("badgetemplate"), form, follow=True)
        assert response.redirect_chain[-1][0] == adding("badgetemplate")


class TestActivation:
    def test_without_requirements_it_is_refused(self, admin_client: Client) -> None:
        # S16
        template = builders.template("", is_active=False)
        shown = text(activate(admin_client, template))
        assert "It cannot be activated yet." in shown
        assert "It has no requirements, so nobody could ever earn it. Add at least one." in shown
        template.refresh_from_db()
        assert not template.is_active

    def test_with_a_rule_that_cannot_hold_it_is_refused(self, admin_client: Client) -> None:
        # S14: a rule written past every check
        template = builders.template("A", is_active=False)
        DataRule.objects.filter(path="is_passing").update(value="maybe")
        shown = text(activate(admin_client, template))
        assert "pass-a: rule is_passing" in shown and "write true or false" in shown
        template.refresh_from_db()
        assert not template.is_active

    def test_with_an_event_type_that_takes_no_part_it_is_refused(self, admin_client: Client, settings: Any) -> None:
        # S5
        template = builders.template("A", is_active=False)
        settings.BADGES = {**settings.BADGES, "EVENT_TYPES": (CCX,)}
        assert f"pass-a: events of the type {PASSING} take no part here" in text(activate(admin_client, template))
        template.refresh_from_db()
        assert not template.is_active

    def test_with_a_penalty_that_resets_nothing_it_is_refused(self, admin_client: Client) -> None:
        template = builders.template("A", penalties="A", is_active=False)
        BadgePenalty.objects.get().requirements.clear()
        assert "fail-a: it resets nothing" in text(activate(admin_client, template))
        template.refresh_from_db()
        assert not template.is_active

    def test_a_state_at_the_provider_or_an_account_that_stops_it_is_a_warning(self, admin_client: Client) -> None:
        account = ProviderAccount.objects.create(external_id=IDENTITY, name="Demo University")
        template = builders.template("A", is_active=False, state="draft", account=account)
        assert messages(activate(admin_client, template))[:2] == [
            "It is “draft” at the provider, and nobody earns it until it is “active” there and synchronized.",
            "Its badges are awarded, but wait to be issued. Account Demo University: no API key",
        ]
        template.refresh_from_db()
        assert template.is_active

    def test_a_template_that_is_active_can_be_edited_whatever_has_become_of_it(
        self, admin_client: Client, settings: Any
    ) -> None:
        template = builders.template("A")
        settings.BADGES = {**settings.BADGES, "EVENT_TYPES": (CCX,)}
        admin_client.post(page(template), {"site": "1", "is_active": "on"})
        template.refresh_from_db()
        assert template.is_active and not template.allow_reaward

    def test_it_is_in_force_at_the_next_event_and_off_again_at_the_one_after(self, admin_client: Client) -> None:
        # S26
        template = builders.template("A", is_active=False)
        assert not api.receive_event(event=builders.event("A")).matched
        activate(admin_client, template)
        assert api.receive_event(event=builders.event("A")).matched
        admin_client.post(page(template), {"site": "1", "allow_reaward": "on"})
        assert not api.receive_event(event=builders.event("A", learner=2)).matched
        assert BadgeProgress.objects.count() == 1


class TestATemplate:
    def test_what_the_provider_says_is_not_edited_here(self, admin_client: Client) -> None:
        template = builders.template("A", name="Two courses", state="archived")
        admin_client.post(page(template), {"site": "1", "name": "Mine", "state": "active", "external_id": "x"})
        template.refresh_from_db()
        assert (template.name, template.state) == ("Two courses", "archived")
        assert template.external_id == str(template.uuid)

    def test_saving_without_a_change_is_no_new_version_of_the_configuration(self, admin_client: Client) -> None:
        template = builders.template("A")
        before = RulebookVersion.current()
        activate(admin_client, template)
        assert RulebookVersion.current() == before

    def test_with_learners_on_the_way_it_is_not_deleted(self, admin_client: Client) -> None:
        template = builders.template("AB")
        api.receive_event(event=builders.event("A"))
        response = admin_client.get(deleting(template))
        assert "the progress of 1 learner with “Badge AB”; switch the template off instead" in text(response)
        admin_client.post(deleting(template), {"post": "yes"})
        assert BadgeTemplate.objects.exists()

    def test_without_learners_it_is_deleted_with_all_its_parts(self, admin_client: Client) -> None:
        template = builders.template("A", penalties="A")
        assert "with its requirements and penalties" in text(admin_client.get(deleting(template)))
        admin_client.post(deleting(template), {"post": "yes"})
        for model in (BadgeTemplate, BadgeRequirement, DataRule, BadgePenalty, PenaltyDataRule):
            assert not model.objects.exists()

    @pytest.mark.parametrize("term", ["courses", IDENTITY, IDENTITY.upper()])
    def test_it_is_found_by_its_name_and_its_id(self, admin_client: Client, term: str) -> None:
        builders.template("A", name="Two courses", uuid=IDENTITY)
        builders.template("A", name="Another badge")
        found = admin_client.get(listing("badgetemplate"), {"q": term}).context["cl"].result_list
        assert [template.name for template in found] == ["Two courses"]

    def test_its_page_costs_the_same_for_any_number_of_requirements(self, admin_client: Client) -> None:
        small, large = builders.template("A", penalties="A"), builders.template("ABCDEFGH", penalties="ABCDEFGH")
        admin_client.get(page(small))  # Django keeps content types and sites after the first look
        counts = []
        for template in (small, large):
            with CaptureQueriesContext(connection) as queries:
                admin_client.get(page(template))
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_who_may_only_look_is_offered_nothing(self, staff: Callable[..., Client]) -> None:
        template = builders.template("A")
        client = staff("view_*")
        shown = client.get(page(template))
        assert "pass-a" in text(shown) and "Add a requirement" not in text(shown)
        assert activate(client, template).status_code == 403


class TestRequirements:
    def test_the_form_offers_a_free_key_and_the_group(self, admin_client: Client) -> None:
        template = builders.template("A")
        BadgeRequirement.objects.create(template=template, key="requirement-1", event_type=PASSING, group="either")
        address = f"{adding('badgerequirement')}?template={template.pk}&group=either"
        shown = admin_client.get(address)
        form = shown.context["adminform"].form
        assert (form["key"].value(), form["group"].value()) == ("requirement-2", "either")
        assert shown.context["title"] == "Add a requirement of “Badge A”"
        assert list(shown.context["groups"]) == ["either"]

    def test_the_form_offers_the_configured_event_types_and_their_fields(self, admin_client: Client) -> None:
        template = builders.template("A")
        shown = admin_client.get(f"{adding('badgerequirement')}?template={template.pk}")
        types = [value for value, _ in shown.context["adminform"].form.fields["event_type"].choices]
        assert types == ["", *api.event_types()]
        assert '"course.course_key"' in shown.context["paths"]

    def test_an_event_type_that_is_unknown_is_no_obstacle(self, admin_client: Client, settings: Any) -> None:
        settings.BADGES = {**settings.BADGES, "EVENT_TYPES": ("org.example.unknown.v1",)}
        template = builders.template("A")
        assert admin_client.get(f"{adding('badgerequirement')}?template={template.pk}").status_code == 200

    @pytest.mark.parametrize("given", ["", "?template=999999", "?template=abc", "?template=²"])
    @pytest.mark.parametrize("model", ["badgerequirement", "badgepenalty"])
    def test_adding_starts_at_a_template(self, admin_client: Client, model: str, given: str) -> None:
        response = admin_client.get(adding(model) + given, follow=True)
        assert response.redirect_chain[-1][0] == listing("badgetemplate")
        assert messages(response) == ["Open the badge template it belongs to and add it there."]

    def test_a_form_that_lost_its_template_says_so(self, admin_client: Client) -> None:
        data = {"template": "", "key": "step", "event_type": PASSING, **rule_rows()}
        response = admin_client.post(adding("badgerequirement"), data)
        assert "Open the badge template it belongs to and add it there." in text(response)

    def test_a_key_names_one_requirement_of_a_template(self, admin_client: Client) -> None:
        template, other = builders.template("AB"), builders.template("")
        response = add_step(admin_client, "badgerequirement", template, key="pass-a")
        assert response.context["adminform"].form.errors == {
            "key": ["This template has a “pass-a” already. Choose another key."]
        }
        add_step(admin_client, "badgerequirement", other, key="pass-a")
        assert BadgeRequirement.objects.filter(key="pass-a").count() == 2
        response = change_step(
            admin_client, BadgeRequirement.objects.get(template=template, key="pass-b"), key="pass-a"
        )
        assert "already" in str(response.context["adminform"].form.errors["key"])

    def test_a_key_is_a_slug(self, admin_client: Client) -> None:
        response = add_step(admin_client, "badgerequirement", builders.template(""), key="pass course a")
        assert "key" in response.context["adminform"].form.errors

    def test_an_event_type_that_is_not_configured_is_refused(self, admin_client: Client) -> None:
        # S5
        unknown = "org.openedx.learning.student.registration.completed.v1"
        response = add_step(admin_client, "badgerequirement", builders.template(""), event_type=unknown)
        assert "event_type" in response.context["adminform"].form.errors
        assert not BadgeRequirement.objects.exists()

    def test_an_event_type_that_is_no_longer_configured_has_to_be_changed(
        self, admin_client: Client, settings: Any
    ) -> None:
        builders.template("A")
        requirement = BadgeRequirement.objects.get()
        settings.BADGES = {**settings.BADGES, "EVENT_TYPES": (CCX,)}
        assert f"{PASSING} (takes no part any more)" in text(admin_client.get(page(requirement)))
        response = change_step(admin_client, requirement)
        assert "take no part any more" in str(response.context["adminform"].form.errors["event_type"])

    def test_without_rules_it_says_what_that_means(self, admin_client: Client) -> None:
        # S11
        template = builders.template("")
        response = add_step(admin_client, "badgerequirement", template, key="any")
        assert "“any” has no rules, so it applies to every event of its type." in messages(response)
        assert "no rules: applies to every event of this type" in text(admin_client.get(listing("badgerequirement")))

    def test_the_template_of_a_stored_one_stays(self, admin_client: Client) -> None:
        builders.template("A")
        other = builders.template("")
        requirement = BadgeRequirement.objects.get()
        change_step(admin_client, requirement, template=other.pk, description="Course A")
        requirement.refresh_from_db()
        assert requirement.description == "Course A" and requirement.template_id != other.pk

    def test_rules_are_changed_and_deleted(self, admin_client: Client) -> None:
        builders.template("A")
        requirement = BadgeRequirement.objects.get()
        rules = ("is_passing", "ne", "false"), ("course.course_key", "eq", "x")
        response = change_step(admin_client, requirement, *rules, **{"rules-1-DELETE": "on"})
        assert response.redirect_chain[-1][0] == page(requirement.template)
        assert [str(rule) for rule in requirement.rules.all()] == ["is_passing ne false"]
        assert not any("has no rules" in message for message in messages(response))

    def test_saving_leads_where_the_button_says(self, admin_client: Client) -> None:
        template = builders.template("A")
        requirement = BadgeRequirement.objects.get()
        response = change_step(admin_client, requirement, _continue="1")
        assert response.redirect_chain[-1][0] == page(requirement)
        response = change_step(admin_client, requirement, _addanother="1")
        assert response.redirect_chain[-1][0] == f"{adding('badgerequirement')}?template={template.pk}"

    def test_deleting_tells_what_is_lost_and_leads_back(self, admin_client: Client) -> None:
        template = builders.template("A")
        api.receive_event(event=builders.event("A"))
        requirement = BadgeRequirement.objects.get()
        shown = text(admin_client.get(deleting(requirement)))
        assert "what is recorded of it for 1 learner" in shown
        assert "it is the last one, and without requirements nobody earns the badge" in shown
        response = admin_client.post(deleting(requirement), {"post": "yes"}, follow=True)
        assert response.redirect_chain[-1][0] == page(template)
        assert not BadgeRequirement.objects.exists()

    def test_deleting_one_of_several_is_nothing_special(self, admin_client: Client) -> None:
        builders.template("AB")
        shown = text(admin_client.get(deleting(BadgeRequirement.objects.get(key="pass-a"))))
        assert "for 0 learners" in shown and "the last one" not in shown

    def test_deleting_what_is_gone_is_told(self, admin_client: Client) -> None:
        builders.template("A")
        requirement = BadgeRequirement.objects.get()
        address = deleting(requirement)
        requirement.delete()
        response = admin_client.post(address, {"post": "yes"}, follow=True)
        assert "doesn’t exist" in messages(response)[0]

    @pytest.mark.parametrize("term", ["pass-b", "course-v1:edX+B", "Badge"])
    def test_it_is_found_by_its_rules(self, admin_client: Client, term: str) -> None:
        builders.template("AB")
        found = admin_client.get(listing("badgerequirement"), {"q": term}).context["cl"].result_list
        assert "pass-b" in [requirement.key for requirement in found]

    def test_rules_belong_to_their_owner_in_permissions_too(self, staff: Callable[..., Client]) -> None:
        builders.template("A")
        requirement = BadgeRequirement.objects.get()
        looking, editing = staff("view_badgerequirement"), staff("view_badgetemplate", "change_badgerequirement")
        assert "course-v1:edX+A+1" in text(looking.get(page(requirement)))
        assert change_step(looking, requirement).status_code == 403
        change_step(editing, requirement, ("is_passing", "ne", "false"))
        assert requirement.rules.first().operator == "ne"
        assert editing.get(adding("badgerequirement")).status_code == 403

    def test_who_may_only_add_can_add_rules_too(self, staff: Callable[..., Client]) -> None:
        template = builders.template("")
        client = staff("view_badgetemplate", "add_badgerequirement")
        add_step(client, "badgerequirement", template, ("is_passing", "eq", "true"))
        assert BadgeRequirement.objects.get().rules.count() == 1


class TestRules:
    """S14, S15: refused at the field that has to be changed, with what to write instead."""

    @pytest.mark.parametrize(
        ("rule", "field", "told"),
        [
            (("course.course_kee", "eq", "x"), "path", "Did you mean course.course_key"),
            (("course_passing_status.is_passing", "eq", "true"), "path", "Did you mean is_passing?"),
            (("course..course_key", "eq", "x"), "path", "course..course_key"),
            (("", "eq", "x"), "path", "This field is required."),
            (("course.course_key", "equals", "x"), "operator", "Select a valid choice"),
            (("course.course_key", "gt", "x"), "operator", "Use one of: is, is not, is one of"),
            (("course.course_key", "gt", "7"), "operator", "Use one of: is, is not, is one of"),
            (("is_passing", "starts_with", "t"), "operator", "Use one of: is, is not, is one of"),
            (("course", "eq", "x"), "operator", "Use one of: is there."),
            (("is_passing", "eq", "maybe"), "value", "write true or false"),
            (("is_passing", "in", "true, maybe"), "value", "write true or false"),
            (("user.id", "gte", "many"), "value", "write a number"),
            (("user.id", "exists", "7"), "value", "write true or false"),
            (("course.course_key", "in", ""), "value", "write a value"),
        ],
    )
    @pytest.mark.parametrize("model", ["badgerequirement", "badgepenalty"])
    def test_a_rule_that_makes_no_sense(
        self, admin_client: Client, model: str, rule: tuple[str, str, str], field: str, told: str
    ) -> None:
        template = builders.template("A")
        more = {"resets": [template.requirements.get().pk]} if model == "badgepenalty" else {}
        response = add_step(admin_client, model, template, ("is_passing", "eq", "true"), rule, **more)
        first, second = errors_of_rules(response)
        assert first == {}
        assert list(second) == [field]
        assert told in " ".join(second[field])
        assert BadgeRequirement.objects.count() == 1 and not BadgePenalty.objects.exists()

    def test_a_rule_is_checked_against_the_event_type_of_the_same_form(self, admin_client: Client) -> None:
        template = builders.template("A")
        requirement = BadgeRequirement.objects.get()
        rules = ("is_passing", "eq", "true"), ("course.ccx_course_key", "eq", "ccx-v1:edX+A+1+ccx@1")
        first, second = errors_of_rules(change_step(admin_client, requirement, *rules))
        assert first == {} and list(second) == ["path"]
        response = change_step(admin_client, requirement, *rules, event_type=CCX)
        assert response.redirect_chain[-1][0] == page(template)

    def test_without_an_event_type_only_that_is_told(self, admin_client: Client) -> None:
        template = builders.template("")
        response = add_step(admin_client, "badgerequirement", template, ("anything", "eq", "1"), event_type="")
        assert errors_of_rules(response) == [{}]
        assert "event_type" in response.context["adminform"].form.errors

    def test_a_row_left_empty_is_no_rule(self, admin_client: Client) -> None:
        template = builders.template("")
        add_step(admin_client, "badgerequirement", template, ("", "eq", ""))
        assert BadgeRequirement.objects.get().rules.count() == 0


class TestPenalties:
    def test_it_resets_requirements_of_its_own_template_only(self, admin_client: Client) -> None:
        template, other = builders.template("A"), builders.template("B")
        shown = admin_client.get(f"{adding('badgepenalty')}?template={template.pk}")
        offered = shown.context["adminform"].form.fields["resets"].queryset
        assert [requirement.key for requirement in offered] == ["pass-a"]
        response = add_step(admin_client, "badgepenalty", template, resets=[other.requirements.get().pk])
        assert response.context["adminform"].form.errors == {
            "resets": ["Only requirements of the same template can be reset."]
        }

    def test_it_resets_something(self, admin_client: Client) -> None:
        response = add_step(admin_client, "badgepenalty", builders.template("A"))
        assert "resets" in response.context["adminform"].form.errors

    def test_what_it_resets_can_be_changed(self, admin_client: Client) -> None:
        template = builders.template("AB", penalties="A")
        penalty = BadgePenalty.objects.get()
        shown = admin_client.get(page(penalty))
        pass_a, pass_b = template.requirements.all()
        assert shown.context["adminform"].form["resets"].value() == [pass_a.pk]
        before = RulebookVersion.current()
        change_step(admin_client, penalty, resets=[pass_b.pk])
        assert [requirement.key for requirement in penalty.requirements.all()] == ["pass-b"]
        assert RulebookVersion.current() > before  # S26
        assert "pass-b" in text(admin_client.get(listing("badgepenalty")))

    def test_what_it_resets_stays_when_something_else_is_changed(self, admin_client: Client) -> None:
        template = builders.template("A", penalties="A")
        penalty = BadgePenalty.objects.get()
        target = penalty.targets.get().pk
        change_step(admin_client, penalty, resets=[template.requirements.get().pk], description="Failed")
        assert penalty.targets.get().pk == target

    def test_who_may_only_look_sees_what_it_resets(self, staff: Callable[..., Client]) -> None:
        builders.template("A", penalties="A")
        shown = text(staff("view_badgepenalty").get(page(BadgePenalty.objects.get())))
        assert "pass-a" in shown and "course-v1:edX+A+1" in shown

    def test_deleting_it_leads_back(self, admin_client: Client) -> None:
        template = builders.template("A", penalties="A")
        response = admin_client.post(deleting(BadgePenalty.objects.get()), {"post": "yes"}, follow=True)
        assert response.redirect_chain[-1][0] == page(template)
        assert not BadgePenalty.objects.exists()
