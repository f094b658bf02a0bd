"""Records that the system keeps: every page is there, nothing can be edited, and lists stay cheap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from badges import api
from badges.admin import words
from badges.admin.columns import linked
from badges.engine.operators import OPERATORS
from badges.models import (
    AnnouncementCount,
    BadgePenalty,
    BadgeProgress,
    BadgeRequirement,
    BadgeTemplate,
    CredlyBadge,
    DataRule,
    Delivery,
    FailedEvent,
    Fulfillment,
    JournalEntry,
    PenaltyDataRule,
    PenaltyTarget,
    ProviderAccount,
    RulebookVersion,
    WebhookEvent,
)
from badges.models.legacy import LegacyModel
from tests import builders
from tests.admin.pages import adding, deleting, listing, page, text

SYSTEM_OWNED: tuple[type[models.Model], ...] = (
    AnnouncementCount,
    BadgeProgress,
    CredlyBadge,
    DataRule,
    Delivery,
    FailedEvent,
    Fulfillment,
    JournalEntry,
    PenaltyDataRule,
    PenaltyTarget,
    RulebookVersion,
    WebhookEvent,
)
CONFIGURATION: tuple[type[models.Model], ...] = (BadgePenalty, BadgeRequirement, BadgeTemplate, ProviderAccount)


def name(model: type[models.Model]) -> str:
    return str(model._meta.model_name)


def fill(learners: Iterator[int] | range) -> None:
    """A row of everything for each learner, and a template of their own."""
    for learner in learners:
        template = builders.template("AB", penalties="A", name=f"Template {learner}")
        for course in "AB":
            api.receive_event(event=builders.event(course, learner=learner))
        FailedEvent.objects.create(
            event_id=f"event-{learner}",
            event_type=builders.PASSING,
            event_time=timezone.now(),
            line="{}",
            error="Why. " * 50,
        )
        WebhookEvent.objects.create(
            account=template.account, event_id=template.uuid, event_type="badge.created", error="Why. " * 50
        )
        AnnouncementCount.objects.create(kind=f"kind-{learner}")


@pytest.fixture
def filled() -> None:
    fill(range(1, 3))


def test_every_model_has_a_page() -> None:
    ours = {model for model in apps.get_app_config("badges").get_models() if not issubclass(model, LegacyModel)}
    registered = {model for model in admin.site._registry if model._meta.app_label == "badges"}
    assert registered == ours == {*SYSTEM_OWNED, *CONFIGURATION}


def test_every_operator_reads_as_words() -> None:
    assert set(words.OPERATORS) == set(OPERATORS)
    assert set(words.HINTS) <= set(OPERATORS)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("model", [*SYSTEM_OWNED, *CONFIGURATION], ids=name)
class TestEveryPage:
    def test_lists_searches_and_shows(self, admin_client: Client, model: type[models.Model]) -> None:
        assert admin_client.get(listing(name(model))).status_code == 200
        assert admin_client.get(listing(name(model)), {"q": "no such thing"}).status_code == 200
        for row in model._default_manager.all()[:3]:
            assert admin_client.get(page(row)).status_code == 200

    def test_can_be_looked_at_by_who_may_only_look(
        self, staff: Callable[..., Client], model: type[models.Model]
    ) -> None:
        client = staff("view_*")
        row = model._default_manager.first()
        assert client.get(listing(name(model))).status_code == 200
        assert client.get(page(row)).status_code == 200
        assert client.post(page(row), {}).status_code == 403
        assert client.get(adding(name(model))).status_code == 403
        assert client.post(deleting(row), {"post": "yes"}).status_code == 403

    def test_is_closed_to_who_has_no_permission(self, staff: Callable[..., Client], model: type[models.Model]) -> None:
        client = staff()
        assert client.get(listing(name(model))).status_code == 403
        assert client.get(page(model._default_manager.first())).status_code == 403

    def test_lists_any_number_of_rows_with_the_same_queries(
        self, admin_client: Client, model: type[models.Model], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("badges.admin.large.LargeTable.list_per_page", 2)  # where there is one page, a query less
        admin_client.get(listing(name(model)))  # Django keeps content types and sites after the first look
        counts = []
        for more in (range(6, 7), range(3, 6)):
            fill(more)
            with CaptureQueriesContext(connection) as queries:
                response = admin_client.get(listing(name(model)))
            counts.append(len(queries))
        assert response.context["cl"].result_count >= 1
        assert counts[0] == counts[1]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("model", SYSTEM_OWNED, ids=name)
def test_what_the_system_keeps_is_edited_by_nobody(admin_client: Client, model: type[models.Model]) -> None:
    row = model._default_manager.first()
    before = list(model._default_manager.values())
    assert admin_client.get(adding(name(model))).status_code == 403
    assert admin_client.post(page(row), {}).status_code == 403
    assert admin_client.post(deleting(row), {"post": "yes"}).status_code == 403
    admin_client.post(listing(name(model)), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert list(model._default_manager.values()) == before


@pytest.mark.usefixtures("filled")
def test_bookkeeping_is_not_in_the_index(admin_client: Client) -> None:
    (app,) = (app for app in admin_client.get("/admin/").context["app_list"] if app["app_label"] == "badges")
    shown = {model["model"] for model in app["models"]}
    assert shown == {*SYSTEM_OWNED, *CONFIGURATION} - {AnnouncementCount, PenaltyTarget, RulebookVersion}


@pytest.mark.usefixtures("filled")
def test_a_learner_can_still_be_deleted_in_the_services_own_pages(admin_client: Client) -> None:
    learner = get_user_model().objects.get(username="learner1")
    admin_client.post(deleting(learner), {"post": "yes"})
    assert not get_user_model().objects.filter(pk=learner.pk).exists()
    assert not BadgeProgress.objects.filter(user=learner.pk).exists()


class TestSearch:
    @pytest.fixture(autouse=True)
    def _filled(self, filled: None) -> None:
        pass

    def found(self, client: Client, model: type[models.Model], term: str) -> list[Any]:
        return list(client.get(listing(name(model)), {"q": term}).context["cl"].result_list)

    @pytest.mark.parametrize(
        ("model", "learner"),
        [
            (BadgeProgress, "user__username"),
            (Fulfillment, "user__username"),
            (JournalEntry, "user__username"),
            (Delivery, "progress__user__username"),
            (CredlyBadge, "username"),
        ],
        ids=lambda value: name(value) if isinstance(value, type) else "",
    )
    def test_a_learner_is_found_by_the_exact_username(
        self, admin_client: Client, model: type[models.Model], learner: str
    ) -> None:
        wanted = set(model._default_manager.filter(**{learner: "learner2"}))
        assert wanted
        assert set(self.found(admin_client, model, " learner2 ")) == wanted
        assert not self.found(admin_client, model, "learner")

    @pytest.mark.parametrize(
        ("model", "template"),
        [
            (BadgeProgress, "template__name"),
            (Fulfillment, "requirement__template__name"),
            (JournalEntry, "template__name"),
            (Delivery, "progress__template__name"),
            (CredlyBadge, "badge_progress__template__name"),
        ],
        ids=lambda value: name(value) if isinstance(value, type) else "",
    )
    def test_a_template_is_found_by_a_part_of_its_name(
        self, admin_client: Client, model: type[models.Model], template: str
    ) -> None:
        wanted = set(model._default_manager.filter(**{template: "Template 2"}))
        assert wanted
        assert set(self.found(admin_client, model, "plate 2")) == wanted

    def test_events_and_messages_are_found_by_their_ids(self, admin_client: Client) -> None:
        entry = JournalEntry.objects.exclude(event_id="").first()
        assert entry is not None
        assert entry in self.found(admin_client, JournalEntry, entry.event_id)
        assert [row.event_id for row in self.found(admin_client, FailedEvent, "event-2")] == ["event-2"]
        assert len(self.found(admin_client, FailedEvent, builders.PASSING)) == 2
        message = WebhookEvent.objects.latest("pk")
        assert self.found(admin_client, WebhookEvent, str(message.event_id)) == [message]

    def test_a_badge_is_found_by_its_ids(self, admin_client: Client) -> None:
        api.deliver_due()
        badge = CredlyBadge.objects.latest("pk")
        assert badge.external_uuid
        assert self.found(admin_client, CredlyBadge, str(badge.uuid)) == [badge]
        assert self.found(admin_client, CredlyBadge, str(badge.external_uuid)) == [badge]

    def test_rules_are_found_by_what_they_speak_of(self, admin_client: Client) -> None:
        course = builders.course_key("B")
        assert {rule.value for rule in self.found(admin_client, DataRule, course)} == {course}
        assert len(self.found(admin_client, PenaltyDataRule, "is_passing")) == 2
        assert len(self.found(admin_client, PenaltyTarget, "pass-a")) == 2

    def test_nothing_but_spaces_is_no_search(self, admin_client: Client) -> None:
        assert len(self.found(admin_client, FailedEvent, "  ")) == 2


class TestFilters:
    @pytest.fixture(autouse=True)
    def _filled(self, filled: None) -> None:
        pass

    @pytest.mark.parametrize("model", [BadgeProgress, Fulfillment, JournalEntry, Delivery], ids=name)
    def test_a_link_narrows_a_list_to_a_learner_and_a_template(
        self, admin_client: Client, model: type[models.Model]
    ) -> None:
        progress = BadgeProgress.objects.select_related("user", "template").latest("pk")
        chosen = {"learner": progress.user_id, "template": progress.template_id}
        response = admin_client.get(listing(name(model)), chosen)
        assert 0 < response.context["cl"].result_count < model._default_manager.count()
        shown = text(response)
        assert f"By learner All {progress.user.username}" in shown
        assert f"By template All {progress.template.name}" in shown
        assert "By learner" not in text(admin_client.get(listing(name(model))))

    @pytest.mark.parametrize("value", ["nobody", "999999", "²"])
    def test_a_learner_that_is_none_is_no_error(self, admin_client: Client, value: str) -> None:
        assert admin_client.get(listing("badgeprogress"), {"learner": value}, follow=True).status_code == 200

    def test_progress_is_filtered_by_what_became_of_the_badge(self, admin_client: Client) -> None:
        builders.template("AB", name="Template 9")
        api.receive_event(event=builders.event("A", learner=9))
        api.revoke_badge(credential_uuid=CredlyBadge.objects.latest("pk").uuid)
        counts = {
            badge: admin_client.get(listing("badgeprogress"), {"badge": badge}).context["cl"].result_count
            for badge in ("none", "awarded", "revoked", "")
        }
        held = BadgeProgress.objects.filter(held_back=True).count()
        assert held == 1 == counts["revoked"]
        assert sum(counts[badge] for badge in ("none", "awarded", "revoked")) == counts[""]
        assert counts["none"] == BadgeProgress.objects.filter(credential=None).count() > 0

    @pytest.mark.parametrize("model", [FailedEvent, BadgeRequirement, BadgePenalty], ids=name)
    def test_event_types_are_the_configured_ones(self, admin_client: Client, model: type[models.Model]) -> None:
        passing, ccx = api.event_types()
        for event_type, some in ((passing, True), (ccx, False)):
            response = admin_client.get(listing(name(model)), {"event_type": event_type})
            assert bool(response.context["cl"].result_count) is some


class TestProgress:
    def test_it_says_how_many_groups_are_done(self, admin_client: Client) -> None:
        # S17
        template = builders.template("AB")
        builders.template("CD", group="either")
        BadgeRequirement.objects.create(template=template, key="more", event_type=api.event_types()[1])
        for course in "AC":
            api.receive_event(event=builders.event(course))
        shown = text(admin_client.get(listing("badgeprogress")))
        assert "1 of 3 groups" in shown and "1 of 1 groups" in shown

    def test_its_page_tells_of_each_requirement_and_leads_on(self, admin_client: Client) -> None:
        # S38
        builders.template("AB", penalties="A")
        api.receive_event(event=builders.event("A"))
        progress = BadgeProgress.objects.get()
        response = admin_client.get(page(progress))
        assert [(one.key, bool(record)) for one, record in response.context["requirements"]] == [
            ("pass-a", True),
            ("pass-b", False),
        ]
        assert "1 of 2 groups" in text(response)
        for address in (response.context["journal"], response.context["deliveries"]):
            assert admin_client.get(address).status_code == 200

    def test_one_that_is_gone_is_told(self, admin_client: Client) -> None:
        response = admin_client.get("/admin/badges/badgeprogress/999/change/", follow=True)
        assert "doesn’t exist" in text(response)

    def test_what_an_event_said_of_a_learner_is_for_those_who_may_change_only(
        self, admin_client: Client, staff: Callable[..., Client]
    ) -> None:
        # S36
        builders.template("AB")
        api.receive_event(event=builders.event("A"))
        Fulfillment.objects.update(email="other@example.com", full_name="Somebody Else")
        fulfilment = Fulfillment.objects.get()
        assert "other@example.com" in text(admin_client.get(page(fulfilment)))
        shown = text(staff("view_fulfillment").get(page(fulfilment)))
        assert "other@example.com" not in shown and "Somebody Else" not in shown


class TestJournal:
    def test_an_entry_tells_what_the_rules_saw(self, admin_client: Client) -> None:
        # S37
        builders.template("A")
        api.receive_event(event=builders.event("A"))
        entry = JournalEntry.objects.get(kind=JournalEntry.Kind.FULFILLED)
        shown = text(admin_client.get(page(entry)))
        assert "is_passing is “true”: the event had “true”" in shown
        assert "course.course_key is “course-v1:edX+A+1”: the event had “course-v1:edX+A+1”" in shown

    def test_an_entry_outlives_what_it_is_about(self, admin_client: Client) -> None:
        saw = {"path": "course.grade", "operator": "of_yore", "value": "7", "saw": None}
        entry = JournalEntry.objects.create(kind="reset", subject="gone", created=timezone.now(), saw=[saw])
        shown = text(admin_client.get(page(entry)))
        assert "course.grade of_yore “7”: the event had no such value" in shown
        assert admin_client.get(listing("journalentry")).status_code == 200


def test_a_row_without_a_page_is_only_named() -> None:
    assert linked(ContentType.objects.get_for_model(BadgeTemplate)) == "Badges | badge template"


def test_a_badge_that_came_by_another_way_is_shown_too(admin_client: Client) -> None:
    builders.template("A")
    api.receive_event(event=builders.event("A"))
    BadgeProgress.objects.update(credential=None)
    badge = CredlyBadge.objects.get()
    assert admin_client.get(listing("credlybadge")).status_code == 200
    assert "Deliveries</a></li>" not in admin_client.get(page(badge)).content.decode()


def test_a_large_table_is_counted_and_paged_through_to_a_limit(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("badges.admin.large.COUNTED", 2)
    assert "can be paged through" not in text(admin_client.get(listing("failedevent")))
    fill(range(1, 5))
    with CaptureQueriesContext(connection) as queries:
        response = admin_client.get(listing("failedevent"))
    assert response.context["cl"].result_count == 2
    assert "The first 2 rows can be paged through." in text(response)
    counting = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert len(counting) == 1 and "LIMIT 2" in counting[0]
