"""A definition file into the database: all or nothing, and idempotent."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sites.models import Site
from django.db import IntegrityError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from badges.exceptions import ConfigurationError, DefinitionsError
from badges.models import (
    BadgePenalty,
    BadgeRequirement,
    BadgeTemplate,
    DataRule,
    Fulfillment,
    PenaltyDataRule,
    PenaltyTarget,
    ProviderAccount,
    RulebookVersion,
)
from badges.services import rulebook
from badges.services.definitions import LoadReport
from tests.services.definitions.examples import ACCOUNT, PASSING, TEMPLATE, TWO_COURSES, changed

Load = Callable[..., LoadReport]

TABLES = (
    ProviderAccount,
    BadgeTemplate,
    BadgeRequirement,
    DataRule,
    BadgePenalty,
    PenaltyDataRule,
    PenaltyTarget,
)
OTHER = "1d2d8ff5-2d2b-4f2e-8a39-3a7e35a2a002"
PENALTIES = TWO_COURSES[TWO_COURSES.index("    penalties:") :]


def everything() -> list[Any]:
    """All rows of the configuration, but for the moments of their changes."""
    ignored = {"modified", "created"}
    return [
        {name: value for name, value in row.items() if name not in ignored}
        for model in TABLES
        for row in model.objects.order_by("pk").values()
    ]


def rules_of(key: str) -> list[tuple[str, str, str]]:
    return list(DataRule.objects.filter(requirement__key=key).order_by("pk").values_list("path", "operator", "value"))


def problems_of(load: Load, text: str, **options: Any) -> list[str]:
    before = everything(), RulebookVersion.current()
    with pytest.raises(DefinitionsError) as error:
        load(text, **options)
    assert (everything(), RulebookVersion.current()) == before
    return error.value.problems


# --- into an empty database ----------------------------------------------------------------------------------


def test_a_file_makes_accounts_templates_requirements_and_penalties(load: Load) -> None:
    report = load(TWO_COURSES)

    account = ProviderAccount.objects.get()
    assert (account.provider, account.external_id, account.name) == ("credly", ACCOUNT, "Demo University")
    assert account.api_key == "key-1"
    template = BadgeTemplate.objects.get()
    assert (str(template.uuid), template.external_id, template.provider) == (TEMPLATE, TEMPLATE, "credly")
    assert (template.account, template.site_id, template.name) == (account, 1, "Two courses")
    assert (template.description, template.image_url) == ("Passed both courses", "https://example.com/badge.png")
    assert (template.state, template.is_active, template.allow_reaward) == ("active", True, True)
    first, second = BadgeRequirement.objects.order_by("pk")
    assert (first.key, first.event_type, first.group, first.description) == ("pass-a", PASSING, "A", "Course A passed")
    assert (second.key, second.group, second.description) == ("pass-b", "", "")
    assert rules_of("pass-a") == [("is_passing", "eq", "true"), ("course.course_key", "eq", "course-v1:edX+A+1")]
    assert rules_of("pass-b") == [("course.course_key", "eq", "course-v1:edX+B+1")]
    penalty = BadgePenalty.objects.get()
    assert (penalty.key, list(penalty.requirements.all())) == ("fail-a", [first])
    assert list(penalty.rules.values_list("path", "operator", "value")) == [("is_passing", "eq", "false")]
    assert (report.created, report.changed, report.unchanged) == (5, 5, 0)
    assert report.changes == (
        f"account credly {ACCOUNT}: added",
        f"template {TEMPLATE}: added",
        f"template {TEMPLATE}, requirement pass-a: added",
        f"template {TEMPLATE}, requirement pass-b: added",
        f"template {TEMPLATE}, penalty fail-a: added",
    )


def test_what_a_new_row_leaves_out_gets_its_default(load: Load) -> None:
    load(
        f"version: 1\n"
        f"accounts: [{{id: {ACCOUNT}}}]\n"
        f"templates: [{{uuid: {TEMPLATE}, account: {ACCOUNT}, name: A badge}}]\n"
    )

    account, template = ProviderAccount.objects.get(), BadgeTemplate.objects.get()
    assert (account.provider, account.name, account.api_key) == ("credly", "", "")
    assert (template.provider, template.description, template.image_url) == ("credly", "", "")
    assert (template.state, template.is_active, template.allow_reaward) == ("active", False, True)


@pytest.mark.parametrize("text", ["version: 1", "version: '1'\naccounts: []\ntemplates: []\n"])
def test_a_file_may_define_nothing(load: Load, text: str) -> None:
    assert load(text) == LoadReport()


# S12
@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("'yes'", "yes"),
        ("0123", "0123"),
        ("2026-05-01", "2026-05-01"),
        ("12:30:00", "12:30:00"),
        ("1e3", "1e3"),
        ("0x1F", "0x1F"),
        ("null", "null"),
        ("~", "~"),
        ("", ""),
        ("''", ""),
        ("=", "="),
        ("1_000", "1_000"),
        ("TRUE", "TRUE"),
        ('" padded "', " padded "),
        ("|-\n                two\n                lines", "two\nlines"),
    ],
)
def test_a_rules_value_is_the_text_as_it_was_written(load: Load, written: str, value: str) -> None:
    load(changed(("path: course.course_key\n", "path: course.display_name\n"), ("course-v1:edX+B+1", written)))

    assert rules_of("pass-b") == [("course.display_name", "eq", value)]


@pytest.mark.parametrize(
    ("written", "value"),
    [("yes", True), ("'true'", True), ("On", True), ("no", False), ("off", False), ("FALSE", False)],
)
def test_true_and_false_may_be_written_as_yaml_has_them(load: Load, written: str, value: bool) -> None:
    load(changed(("is_active: true", f"is_active: {written}")))

    assert BadgeTemplate.objects.get().is_active is value


# S11
def test_a_new_requirement_without_rules_is_pointed_out(load: Load) -> None:
    report = load(
        changed(
            ("rules:\n          - path", "rules: []\n      - key: x\n        rules:\n          - path"),
            ("key: x\n", f"key: x\n        event_type: {PASSING}\n"),
        )
    )

    assert f"template {TEMPLATE}, requirement pass-b: added, without rules: it applies to every event of its type" in (
        report.changes
    )
    assert f"template {TEMPLATE}, requirement x: added" in report.changes


# --- again, and changed --------------------------------------------------------------------------------------


# S26
def test_loading_a_file_again_changes_nothing(load: Load, waited: list[float]) -> None:
    load(TWO_COURSES)
    before = everything(), RulebookVersion.current()
    waited.clear()

    report = load(TWO_COURSES)

    assert (report.changed, report.unchanged, report.changes) == (0, 5, ())
    assert (everything(), RulebookVersion.current()) == before
    assert waited == []


# S26
def test_a_change_raises_the_version_and_is_waited_for(load: Load, waited: list[float], settings: Any) -> None:
    load(TWO_COURSES)
    settings.BADGES = {**settings.BADGES, "RULEBOOK_MAX_AGE": 7}
    cached = rulebook.current()
    waited.clear()

    load(changed(("value: course-v1:edX+B+1", "value: course-v1:edX+C+1")))

    assert RulebookVersion.current() > cached.book.version
    [seconds] = waited
    assert 7 < seconds < 8
    assert rulebook.current() is not cached


def test_a_change_of_an_account_alone_is_in_force_at_once(load: Load, waited: list[float]) -> None:
    load(TWO_COURSES)
    version = RulebookVersion.current()
    waited.clear()

    report = load(changed(("api_key: key-1", "api_key: key-2"), ("Demo University", "Demo")))

    assert ProviderAccount.objects.get().api_key == "key-2"
    assert report.changes == (f"account credly {ACCOUNT}: name 'Demo University' -> 'Demo'; another API key",)
    assert waited == []
    assert RulebookVersion.current() == version


CHANGES = [
    ("name: Two courses", "name: 2 courses", "name 'Two courses' -> '2 courses'"),
    ("description: Passed both courses", "description: ''", "description 'Passed both courses' -> ''"),
    ("state: active", "state: archived", "state 'active' -> 'archived'"),
    ("is_active: true", "is_active: false", "is_active True -> False"),
    ("allow_reaward: true", "allow_reaward: false", "allow_reaward True -> False"),
    ("state: active", "external_id: '17'", f"external_id '{TEMPLATE}' -> '17'"),
]


@pytest.mark.parametrize(("old", "new", "told"), CHANGES, ids=[told for _, _, told in CHANGES])
def test_a_changed_field_of_a_template_is_told_and_written(load: Load, old: str, new: str, told: str) -> None:
    load(TWO_COURSES)
    modified = BadgeTemplate.objects.get().modified

    report = load(changed((old, new)))

    assert report.changes == (f"template {TEMPLATE}: {told}",)
    assert (report.updated, report.unchanged) == (1, 4)
    assert BadgeTemplate.objects.get().modified > modified
    assert load(changed((old, new))).changed == 0


STEP_CHANGES = [
    ("group: A", "group: Z", "requirement pass-a: group 'A' -> 'Z'"),
    ("description: Course A passed", f"description: {'x' * 90}", f"description 'Course A passed' -> '{'x' * 78}…"),
    ('value: "true"', "value: 'false'", "rule removed: is_passing eq 'true'; rule added: is_passing eq 'false'"),
    (
        '{path: is_passing, operator: eq, value: "true"}\n          - {path: course.course_key, operator: eq, '
        'value: "course-v1:edX+A+1"}',
        '{path: course.course_key, operator: eq, value: "course-v1:edX+A+1"}\n          - {path: is_passing, '
        'operator: eq, value: "true"}',
        "requirement pass-a: rules in another order",
    ),
    ("requirements: [pass-a]", "requirements: [pass-b, pass-a]", "penalty fail-a: resets pass-a -> pass-a, pass-b"),
    (
        'value: "false"',
        "value: no",
        "penalty fail-a: rule removed: is_passing eq 'false'; rule added: is_passing eq 'no'",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), STEP_CHANGES, ids=[told for _, _, told in STEP_CHANGES])
def test_a_changed_requirement_or_penalty_keeps_its_row(load: Load, old: str, new: str, told: str) -> None:
    load(TWO_COURSES)
    ids = [list(model.objects.order_by("pk").values_list("pk", "key")) for model in (BadgeRequirement, BadgePenalty)]

    report = load(changed((old, new)))

    assert len(report.changes) == 1 and told in report.changes[0]
    assert (report.updated, report.unchanged) == (1, 4)
    assert ids == [
        list(model.objects.order_by("pk").values_list("pk", "key")) for model in (BadgeRequirement, BadgePenalty)
    ]
    assert load(changed((old, new))).changed == 0


def test_fields_that_are_left_out_keep_what_is_stored(load: Load) -> None:
    load(TWO_COURSES)
    before = everything()

    report = load(
        f"version: 1\n"
        f"accounts: [{{id: {ACCOUNT}}}]\n"
        f"templates:\n"
        f"- uuid: {TEMPLATE}\n"
        f"  requirements: [{{key: pass-a}}, {{key: pass-b}}]\n"
        f"  penalties: [{{key: fail-a}}]\n"
    )

    assert report.changed == 0
    assert everything() == before


def test_requirements_and_penalties_that_are_left_out_stay(load: Load) -> None:
    load(TWO_COURSES)

    report = load(f"version: 1\ntemplates: [{{uuid: {TEMPLATE}, name: Renamed}}]\n")

    assert (report.updated, report.unchanged) == (1, 0)
    assert BadgeRequirement.objects.count() == 2
    assert BadgePenalty.objects.count() == 1


def test_templates_that_are_not_in_the_file_are_left_alone(load: Load) -> None:
    load(TWO_COURSES)
    other = changed((TEMPLATE, OTHER), ("    api_key: key-1\n", ""))

    report = load(other, prune=True)

    assert (report.created, report.deleted) == (4, 0)
    assert BadgeRequirement.objects.filter(template__uuid=TEMPLATE).count() == 2
    assert ProviderAccount.objects.get().api_key == "key-1"


def test_a_template_can_move_to_another_account(load: Load) -> None:
    load(TWO_COURSES)
    moved = changed(
        ("templates:", "  - {id: other-account}\ntemplates:"),
        (f"account: {ACCOUNT}", "account: other-account"),
    )

    report = load(moved)

    assert f"template {TEMPLATE}: account {ACCOUNT} -> other-account" in report.changes
    assert BadgeTemplate.objects.get().account.external_id == "other-account"
    assert load(moved).changed == 0


def test_capitals_in_an_accounts_id_make_no_other_account(load: Load) -> None:
    load(TWO_COURSES)

    assert load(TWO_COURSES.replace(ACCOUNT, ACCOUNT.upper())).changed == 0


def test_an_event_type_can_change_when_the_rules_still_fit(load: Load) -> None:
    ccx = "org.openedx.learning.ccx.course.passing.status.updated.v1"
    text = (
        f"version: 1\ntemplates:\n- uuid: {TEMPLATE}\n"
        f"  requirements:\n  - key: pass-a\n    event_type: {ccx}\n  - key: pass-b\n"
    )
    load(TWO_COURSES)

    [problem] = problems_of(load, text)
    assert problem.startswith("line 5, templates[0].requirements[0]: ")
    assert "course.course_key" in problem

    load(
        f"{text}    rules: []\n".replace(
            "  - key: pass-b", "    rules: [{path: is_passing, operator: eq, value: yes}]\n  - key: pass-b"
        )
    )
    assert BadgeRequirement.objects.get(key="pass-a").event_type == ccx
    assert rules_of("pass-a") == [("is_passing", "eq", "yes")]
    assert rules_of("pass-b") == []


def test_new_rules_are_checked_against_an_event_type_that_is_left_out(load: Load) -> None:
    load(TWO_COURSES)
    text = (
        f"version: 1\ntemplates:\n- uuid: {TEMPLATE}\n  requirements:\n  - key: pass-a\n  - key: pass-b\n"
        "    rules:\n    - path: no.such\n      operator: eq\n      value: x\n"
    )

    [problem] = problems_of(load, text)

    assert problem.startswith("line 8, templates[0].requirements[1].rules[0].path: ")


# --- removals ------------------------------------------------------------------------------------------------


@pytest.fixture
def without_pass_b() -> str:
    start, end = TWO_COURSES.index("      - key: pass-b"), TWO_COURSES.index("    penalties:")
    return TWO_COURSES[:start] + TWO_COURSES[end:]


@pytest.fixture
def _somebody_passed_b(load: Load) -> None:
    load(TWO_COURSES)
    Fulfillment.objects.create(
        user=get_user_model().objects.create(username="learner1"),
        requirement=BadgeRequirement.objects.get(key="pass-b"),
        fulfilled=True,
        time=datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC),
        event_id="e",
    )


@pytest.mark.usefixtures("_somebody_passed_b")
def test_a_removal_is_an_error_that_names_what_would_be_lost(load: Load, without_pass_b: str) -> None:
    text = without_pass_b.replace(PENALTIES, "    penalties: []\n")

    assert problems_of(load, text) == [
        "line 17, templates[0].requirements: the requirement 'pass-b' is stored and not in the file; it would be "
        "removed, with what learners did for it (1). Load with --prune to remove it, or put it back",
        "line 25, templates[0].penalties: the penalty 'fail-a' is stored and not in the file; it would be removed. "
        "Load with --prune to remove it, or put it back",
    ]


@pytest.mark.usefixtures("_somebody_passed_b")
def test_pruning_removes_what_is_not_in_the_file(load: Load, without_pass_b: str) -> None:
    report = load(without_pass_b.replace(PENALTIES, "    penalties: []\n"), prune=True)

    assert report.changes == (
        f"template {TEMPLATE}, requirement pass-b: removed, with what learners did for it (1)",
        f"template {TEMPLATE}, penalty fail-a: removed",
    )
    assert (report.deleted, report.changed) == (2, 2)
    assert list(BadgeRequirement.objects.values_list("key", flat=True)) == ["pass-a"]
    assert not Fulfillment.objects.exists()
    assert not BadgePenalty.objects.exists()


@pytest.mark.usefixtures("_somebody_passed_b")
def test_a_requirement_that_keeps_its_key_keeps_what_learners_did(load: Load) -> None:
    load(changed(("value: course-v1:edX+B+1", "value: course-v1:edX+C+1")), prune=True)

    assert Fulfillment.objects.get().requirement.key == "pass-b"


def test_a_stored_penalty_must_not_lose_a_requirement_unnoticed(load: Load, without_pass_b: str) -> None:
    load(changed(("requirements: [pass-a]", "requirements: [pass-a, pass-b]")))
    expected = (
        "line 17, templates[0].requirements: the stored penalty 'fail-a' resets 'pass-b', which is not here; "
        "give its new requirements"
    )

    assert problems_of(load, without_pass_b.replace(PENALTIES, ""), prune=True) == [expected]
    assert problems_of(load, without_pass_b.replace("        requirements: [pass-a]\n", ""), prune=True) == [expected]


def test_a_penalty_may_name_stored_requirements(load: Load) -> None:
    load(TWO_COURSES)
    text = f"version: 1\ntemplates:\n- uuid: {TEMPLATE}\n  penalties:\n  - key: fail-a\n    requirements: [pass-b]\n"

    assert load(text).changes == (f"template {TEMPLATE}, penalty fail-a: resets pass-a -> pass-b",)
    [problem] = problems_of(load, text.replace("pass-b", "pass-x"))
    assert problem.startswith(
        "line 6, templates[0].penalties[0].requirements[0]: the template has no requirement 'pass-x'"
    )


# --- what only the database can tell -------------------------------------------------------------------------


def test_what_is_new_needs_more_than_what_is_stored(load: Load) -> None:
    text = (
        f"version: 1\ntemplates:\n- uuid: {TEMPLATE}\n  requirements:\n  - key: pass-a\n  penalties:\n  - key: fail-a\n"
    )

    assert problems_of(load, text) == [
        "line 3, templates[0]: the key 'account' is missing, and the template is new; add it",
        "line 3, templates[0]: the key 'name' is missing, and the template is new; add it",
        "line 5, templates[0].requirements[0]: the key 'event_type' is missing, and the requirement is new; add it",
        "line 7, templates[0].penalties[0]: the key 'event_type' is missing, and the penalty is new; add it",
        "line 7, templates[0].penalties[0]: the key 'requirements' is missing, and the penalty is new; add it",
    ]


def test_an_account_that_is_nowhere_is_told(load: Load) -> None:
    text = TWO_COURSES[: TWO_COURSES.index("accounts:")] + TWO_COURSES[TWO_COURSES.index("templates:") :]

    assert problems_of(load, text) == [
        f"line 5, templates[0].account: there is no account '{ACCOUNT}' of provider 'credly' in the file or the "
        "database; add it under accounts"
    ]


def test_a_template_stays_with_its_provider(load: Load, settings: Any) -> None:
    memory = "badges.providers.memory.MemoryProvider"
    settings.BADGES = {**settings.BADGES, "PROVIDERS": {"credly": memory, "memory": memory}}
    load(TWO_COURSES)

    problems = problems_of(load, TWO_COURSES.replace("provider: credly", "provider: memory"))

    assert problems == [
        "line 9, templates[0].provider: the template is one of provider 'credly', which cannot change; "
        "define a new one with a new uuid"
    ]


def test_two_templates_cannot_share_an_id_at_the_provider(load: Load) -> None:
    load(TWO_COURSES)
    text = (
        f"version: 1\ntemplates:\n"
        f"- {{uuid: {OTHER}, account: {ACCOUNT}, name: Other, external_id: {TEMPLATE}}}\n"
        f"- {{uuid: {OTHER[:-1]}3, account: {ACCOUNT}, name: Third, external_id: {OTHER}}}\n"
        f"- {{uuid: {OTHER[:-1]}4, account: {ACCOUNT}, name: Fourth, external_id: {OTHER}}}\n"
    )

    assert problems_of(load, text) == [
        f"line 3, templates[0].uuid: template {TEMPLATE} has the same external_id; correct one of them",
        f"line 5, templates[2].uuid: template {OTHER[:-1]}3 has the same external_id; correct one of them",
    ]


def test_no_site_is_told_with_what_to_do(load: Load) -> None:
    Site.objects.all().delete()

    with pytest.raises(ConfigurationError, match="Add one under Sites"):
        load(TWO_COURSES)
    assert not ProviderAccount.objects.exists()


@pytest.mark.parametrize("site_id", [None, 99])
def test_without_the_configured_site_the_first_one_is_taken(load: Load, settings: Any, site_id: int | None) -> None:
    settings.SITE_ID = site_id
    Site.objects.create(domain="second.example.com", name="second")

    load(TWO_COURSES)

    assert BadgeTemplate.objects.get().site == Site.objects.order_by("pk").first()


# --- keys ----------------------------------------------------------------------------------------------------


# S36
def test_a_key_comes_from_the_environment_and_is_never_told(
    load: Load, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CREDLY_API_KEY", "key-of-the-environment")
    text = changed(("api_key: key-1", "api_key_env: CREDLY_API_KEY"))

    with caplog.at_level("DEBUG"):
        report = load(text)

    assert ProviderAccount.objects.get().api_key == "key-of-the-environment"
    assert "key-of" not in f"{report} {caplog.text}"
    assert load(text).changed == 0


def test_a_key_that_cannot_be_decrypted_any_more_is_replaced(load: Load, settings: Any) -> None:
    load(TWO_COURSES)
    settings.SECRET_KEY = "rotated without a thought"

    report = load(TWO_COURSES)

    assert report.changes == (f"account credly {ACCOUNT}: another API key",)
    assert ProviderAccount.objects.get().api_key == "key-1"


def test_the_key_of_the_settings_is_not_stored(load: Load, settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "ACCOUNT_KEYS": {ACCOUNT: "key-1"}}

    load(TWO_COURSES)

    assert ProviderAccount.objects.get().encrypted_key == ""
    assert load(TWO_COURSES).changed == 0


# --- all or nothing, in few statements -----------------------------------------------------------------------


def test_a_dry_run_tells_the_difference_and_writes_nothing(load: Load, waited: list[float]) -> None:
    load(TWO_COURSES)
    before, version = everything(), RulebookVersion.current()
    text = changed(("name: Two courses", "name: 2 courses"), (TEMPLATE, OTHER), ('value: "false"', "value: no"))
    waited.clear()

    report = load(text, dry_run=True)

    assert report.changed == 4
    assert report.changes[0] == f"template {OTHER}: added"
    assert (everything(), RulebookVersion.current(), waited) == (before, version, [])


def test_an_error_in_the_middle_of_writing_leaves_nothing_behind(load: Load) -> None:
    def refuse(execute: Any, sql: str, *rest: Any) -> Any:
        if "INSERT" in sql and "penaltytarget" in sql:
            raise RuntimeError("the plug was pulled")
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse), pytest.raises(RuntimeError):
        load(TWO_COURSES)

    assert everything() == []


# S26, S34
def test_events_that_get_in_the_way_are_no_error(load: Load) -> None:
    failures = [OperationalError("deadlock detected"), IntegrityError("still referenced from fulfillment")]

    def lose(execute: Any, sql: str, *rest: Any) -> Any:
        if "INSERT" in sql and "datarule" in sql and failures:
            raise failures.pop()
        return execute(sql, *rest)

    with connection.execute_wrapper(lose):
        report = load(TWO_COURSES)

    assert report.created == 5
    assert not failures
    assert DataRule.objects.count() == 3


def test_a_database_that_does_not_recover_is_told_after_the_configured_retries(load: Load, settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "DATABASE_RETRIES": 2}
    tried = []

    def refuse(execute: Any, sql: str, *rest: Any) -> Any:
        if "rulebookversion" in sql:
            tried.append(sql)
            raise OperationalError("gone away")
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse), pytest.raises(OperationalError):
        load(TWO_COURSES)

    assert len(tried) == 3


def many(count: int, *, value: str = "yes") -> str:
    templates = "".join(
        f"- uuid: 0c1c7ff5-2d2b-4f2e-8a39-{number:012}\n"
        f"  account: {ACCOUNT}\n"
        f"  name: Badge {number}\n"
        f"  is_active: {value}\n"
        f"  requirements:\n"
        f"  - {{key: pass, event_type: {PASSING}, rules: [{{path: is_passing, operator: eq, value: {value}}}]}}\n"
        f"  penalties:\n"
        f"  - {{key: fail, event_type: {PASSING}, requirements: [pass], rules: []}}\n"
        for number in range(count)
    )
    return f"version: 1\naccounts: [{{id: {ACCOUNT}}}]\ntemplates:\n{templates}"


def test_the_number_of_statements_does_not_grow_with_the_file(load: Load) -> None:
    counts = []
    for value, count in (("yes", 2), ("yes", 40), ("no", 2), ("no", 40), ("no", 40)):
        if value == "yes":
            BadgeTemplate.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            load(many(count, value=value))
        counts.append(len(queries))

    created, created_more, updated, updated_more, unchanged = counts
    # SQLite takes few parameters, so a statement more here and there; but none a row.
    assert created_more < created + 10
    assert updated_more < updated + 10
    assert unchanged < 20


def test_a_database_that_does_not_tell_new_ids_is_asked_for_them(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    # As MySQL, which is not among the databases that the tests run on.
    monkeypatch.setattr(type(connection.features), "can_return_rows_from_bulk_insert", False)

    load(many(3))

    assert DataRule.objects.filter(requirement__template__name="Badge 2").count() == 1
    assert BadgePenalty.objects.get(template__name="Badge 1").requirements.get().template.name == "Badge 1"
    assert load(many(3)).changed == 0
