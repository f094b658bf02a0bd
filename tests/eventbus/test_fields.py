"""The fields that rules can name, and the rules that are refused (S12, S14, S15)."""

from __future__ import annotations

import pytest
from openedx_events.tooling import OpenEdxPublicSignal

from badges.data import RuleSpec
from badges.engine.rules import FieldType
from badges.engine.values import Kind
from badges.eventbus.signals import check_rule, field_at, fields, known_event_types
from badges.exceptions import RuleError
from tests.eventbus.samples import PASSING

CONFIGURATION = "org.openedx.learning.discussions.configuration.changed.v1"
THREAD = "org.openedx.learning.forum.thread.created.v1"
GRADE = "org.openedx.learning.course.persistent_grade_summary.changed.v1"
BADGE = "org.openedx.learning.badge.awarded.v1"
TRANSACTION = "org.openedx.enterprise.subsidy_ledger_transaction.created.v1"
NOTIFICATION = "org.openedx.learning.user.notification.requested.v1"


def refusal(path: str, operator: str, value: str, event_type: str = PASSING) -> str:
    with pytest.raises(RuleError) as raised:
        check_rule(event_type, RuleSpec(path, operator, value))
    return str(raised.value)


def test_the_fields_of_a_type_are_listed_in_their_order() -> None:
    # S12
    assert dict(fields(PASSING)) == {
        "is_passing": FieldType(Kind.BOOLEAN),
        "course": FieldType(Kind.OBJECT),
        "course.course_key": FieldType(Kind.TEXT),
        "course.display_name": FieldType(Kind.TEXT),
        "course.start": FieldType(Kind.DATETIME, nullable=True),
        "course.end": FieldType(Kind.DATETIME, nullable=True),
        "user": FieldType(Kind.OBJECT),
        "user.id": FieldType(Kind.INTEGER, nullable=True),
        "user.is_active": FieldType(Kind.BOOLEAN),
        "user.pii": FieldType(Kind.OBJECT),
        "user.pii.username": FieldType(Kind.TEXT),
        "user.pii.email": FieldType(Kind.TEXT),
        "user.pii.name": FieldType(Kind.TEXT),
    }
    assert list(fields(PASSING))[:3] == ["is_passing", "course", "course.course_key"]


@pytest.mark.parametrize("event_type", known_event_types())
def test_every_listed_field_is_found_at_its_path(event_type: str) -> None:
    assert {path: field_at(event_type, path) for path in fields(event_type)} == dict(fields(event_type))


@pytest.mark.parametrize(
    ("event_type", "path", "expected"),
    [
        (GRADE, "percent_grade", FieldType(Kind.NUMBER)),
        (TRANSACTION, "uuid", FieldType(Kind.TEXT)),
        (TRANSACTION, "quantity", FieldType(Kind.INTEGER)),
        (TRANSACTION, "reversal.quantity", FieldType(Kind.INTEGER)),
        (NOTIFICATION, "user_ids", FieldType(Kind.LIST, Kind.INTEGER)),
        (NOTIFICATION, "user_ids.0", FieldType(Kind.INTEGER)),
        (NOTIFICATION, "user_ids.first", None),
        (NOTIFICATION, "user_ids.-1", None),
        (NOTIFICATION, "user_ids.٣", None),
        (CONFIGURATION, "contexts", FieldType(Kind.LIST, Kind.OBJECT)),
        (CONFIGURATION, "contexts.0", FieldType(Kind.OBJECT)),
        (CONFIGURATION, "contexts.12.title", FieldType(Kind.TEXT)),
        (CONFIGURATION, "contexts.12.ordering", FieldType(Kind.INTEGER, nullable=True)),
        (CONFIGURATION, "contexts.title", None),
        (BADGE, "template.name", FieldType(Kind.TEXT, nullable=True)),
        (BADGE, "template.names", None),
        (BADGE, "uuid.hex", None),
        (BADGE, "", None),
        (BADGE, "template.", None),
    ],
)
def test_a_path_is_resolved_through_the_types(event_type: str, path: str, expected: FieldType | None) -> None:
    # S12
    assert field_at(event_type, path) == expected


def test_paths_go_into_what_has_no_type(picky_signal: OpenEdxPublicSignal) -> None:
    event_type = picky_signal.event_type
    assert field_at(event_type, "mood") == FieldType(Kind.TEXT)
    assert field_at(event_type, "anything.at.0.all") == FieldType(None, nullable=True)
    assert field_at(event_type, "several") == FieldType(None)
    assert field_at(event_type, "team.0.pii.name") == FieldType(Kind.TEXT)
    assert field_at(event_type, "parent.parent.parent.mood") == FieldType(Kind.TEXT)
    assert "parent.mood" not in fields(event_type) or "parent.parent.mood" not in fields(event_type)


def test_the_arguments_of_a_signal_with_several_come_first(two_argument_signal: OpenEdxPublicSignal) -> None:
    event_type = two_argument_signal.event_type
    assert field_at(event_type, "status.is_passing") == FieldType(Kind.BOOLEAN)
    assert field_at(event_type, "learner.id") == FieldType(Kind.INTEGER, nullable=True)
    assert field_at(event_type, "is_passing") is None


# --- rules ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "operator", "value"),
    [
        ("is_passing", "eq", "true"),
        ("course.course_key", "matches", "course-v1:edX+*"),
        ("course.start", "gte", "2026-05-01"),
        ("user.id", "in", "1, 2"),
        ("user.pii", "exists", "yes"),
    ],
)
def test_a_rule_that_fits_is_accepted(path: str, operator: str, value: str) -> None:
    check_rule(PASSING, RuleSpec(path, operator, value))


def test_a_rule_on_an_unknown_type_is_refused() -> None:
    # S5
    assert "org.openedx.nothing.v1 is not an event type" in refusal("x", "eq", "1", "org.openedx.nothing.v1")


def test_a_path_that_is_none_is_refused_with_the_closest_ones() -> None:
    # S12
    told = refusal("course.course_kee", "eq", "x")
    assert told.startswith(f"{PASSING} has no field 'course.course_kee'. Did you mean course.course_key")
    assert "is_passing" in refusal("passing", "eq", "true")


def test_a_path_that_begins_with_the_argument_is_put_right() -> None:
    # S12: paths are relative to the payload object.
    assert refusal("course_passing_status.is_passing", "eq", "true").endswith("Did you mean is_passing?")


def test_a_path_that_is_like_no_other_is_told_what_there_is() -> None:
    assert "It has: is_passing, course, course.course_key," in refusal("zzz", "eq", "1")


def test_an_operator_that_makes_no_sense_for_the_type_is_refused() -> None:
    # S15
    told = refusal("course.course_key", "gt", "5")
    assert "course.course_key" in told
    assert "starts_with" in told


def test_a_value_that_cannot_be_read_as_the_type_is_refused() -> None:
    # S14
    assert "is_passing" in refusal("is_passing", "eq", "perhaps")
    assert "user.id" in refusal("user.id", "in", "1, two")


def test_where_there_is_no_type_any_rule_may_stand(picky_signal: OpenEdxPublicSignal) -> None:
    # S14, S15
    event_type = picky_signal.event_type
    for operator, value in [("gt", "5"), ("eq", "yes"), ("matches", "a*"), ("gte", "2026-05-01"), ("exists", "no")]:
        check_rule(event_type, RuleSpec("anything.at.all", operator, value))


def test_an_operator_that_is_none_is_refused() -> None:
    # S13
    assert "equals" in refusal("is_passing", "equals", "true")
    assert "equals" in refusal("contexts.0.title", "equals", "true", CONFIGURATION)
