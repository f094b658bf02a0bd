"""A rule by itself: what it says it saw, and when it is refused (S11-S15, S36-S38)."""

from __future__ import annotations

import datetime
import enum
import json

import attrs
import pytest
from opaque_keys.edx.keys import CourseKey

from badges.data import RuleSpec
from badges.engine.operators import OPERATORS
from badges.engine.rules import FieldType, check_rule, compile_rule
from badges.engine.values import Kind
from badges.exceptions import RuleError
from tests.engine.specs import rule

COURSE = CourseKey.from_string("course-v1:edX+A+1")


class Mode(enum.Enum):
    HONOR = "honor"


@attrs.frozen
class Pii:
    username: str = "learner1"
    email: str = "learner1@example.com"
    name: str = "Learner One"


@attrs.frozen
class User:
    pii: Pii = Pii()
    id: int = 7


PAYLOAD = {
    "passing": True,
    "number": 7,
    "grade": 0.5,
    "infinite": float("inf"),
    "when": datetime.datetime(2026, 5, 1, 10),  # noqa: DTZ001
    "mode": Mode.HONOR,
    "course": COURSE,
    "user": User(),
    "nothing": None,
    "tags": ["a", 1, None, COURSE, ["b"]],
    "many": list(range(1000)),
    "long": "x" * 1000,
    "huge": 10**4000,
    "odd": "a\0b\ud800c",
    "bytes": b"secret",
    "coach_email": "coach1@example.com",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("passing", True),
        ("number", 7),
        ("grade", 0.5),
        ("infinite", "inf"),
        ("when", "2026-05-01T10:00:00Z"),
        ("mode", "honor"),
        ("course", "course-v1:edX+A+1"),
        ("user.id", 7),
        ("nothing", None),
        ("nothing.at.all", None),
        ("tags.0", "a"),
        ("user", "(object)"),
        ("bytes", "(object)"),
        ("odd", "a\N{REPLACEMENT CHARACTER}b?c"),
    ],
)
def test_rule_tells_the_journal_what_it_saw(path: str, expected: object) -> None:
    # S37
    assert compile_rule(rule(path, "exists", "yes")).saw(PAYLOAD) == expected


@pytest.mark.parametrize("path", sorted(PAYLOAD))
def test_what_a_rule_saw_is_short_and_fit_for_json(path: str) -> None:
    # S37
    stored = json.dumps(compile_rule(rule(path, "exists", "yes")).saw(PAYLOAD), allow_nan=False)
    assert len(stored) < 250
    assert "\\u0000" not in stored and "\\ud800" not in stored


PERSONAL_PATHS = ["user.pii", "user.pii.username", "user.pii.email", "user.pii.name", "coach_email"]


@pytest.mark.parametrize("path", PERSONAL_PATHS)
@pytest.mark.parametrize("operator", ["eq", "ne", "exists", "contains", "in"])
def test_personal_values_are_never_told(path: str, operator: str) -> None:
    # S36
    value = "yes" if operator == "exists" else "learner1"
    personal = compile_rule(rule(path, operator, value))
    told = json.dumps([personal.saw(PAYLOAD), personal.explain(PAYLOAD)])
    assert "(personal)" in told
    assert not any(secret in told for secret in ("learner1", "Learner One", "coach1", "@"))


def test_absence_of_a_personal_value_is_told() -> None:
    # S37, S38
    personal = compile_rule(rule("user.pii.email", "eq", "learner1@example.com"))
    for payload in ({}, {"user": None}, {"user": User(Pii(email=None))}):  # type: ignore[arg-type]
        assert personal.saw(payload) is None
        assert "learner1" not in personal.explain(payload)


@pytest.mark.parametrize(
    ("path", "operator", "value", "words"),
    [
        ("number", "eq", "8", ["number eq", "8", "payload had 7"]),
        ("course", "eq", "course-v1:edX+B+1", ["course eq", "course-v1:edX+B+1", 'payload had "course-v1:edX+A+1"']),
        ("passing", "gt", "1", ["passing gt", "gt does not compare boolean values"]),
        ("number", "eq", "seven", ["payload had 7", "cannot be read as integer"]),
        ("nothing", "eq", "7", ["nothing eq", "payload has no such field"]),
        ("user.pii.email", "eq", "learner2@example.com", ["user.pii.email eq (personal)", "payload had (personal)"]),
    ],
)
def test_rule_explains_itself_in_words(path: str, operator: str, value: str, words: list[str]) -> None:
    # S38
    explanation = compile_rule(rule(path, operator, value)).explain(PAYLOAD)
    assert [word for word in words if word not in explanation] == []


# --- refusals ------------------------------------------------------------------------------------------------

TEXT, BOOLEAN, INTEGER = FieldType(Kind.TEXT), FieldType(Kind.BOOLEAN), FieldType(Kind.INTEGER)
NUMBER, DATETIME, OBJECT = FieldType(Kind.NUMBER), FieldType(Kind.DATETIME, nullable=True), FieldType(Kind.OBJECT)
NUMBERS = FieldType(Kind.LIST, Kind.INTEGER)
ANYTHING = FieldType(None)
ORDERING, ON_TEXTS = ("gt", "gte", "lt", "lte"), ("starts_with", "ends_with", "matches", "contains")

ACCEPTED = [
    ("eq", "anything at all", TEXT),
    ("eq", "", TEXT),
    ("eq", " YES ", BOOLEAN),
    ("eq", "7.0", INTEGER),
    ("eq", ".75", NUMBER),
    ("gte", "2026-05-01", DATETIME),
    ("in", "1, 2", INTEGER),
    ("not_in", '"a,b"', TEXT),
    ("contains", "7", NUMBERS),
    ("contains", "seven", FieldType(Kind.LIST)),
    ("contains", "x", FieldType(Kind.LIST, Kind.TEXT)),
    ("matches", "[", TEXT),
    *(("exists", "yes", field) for field in (TEXT, BOOLEAN, NUMBER, DATETIME, OBJECT, NUMBERS, ANYTHING)),
    *((operator, "1", ANYTHING) for operator in OPERATORS),
]


@pytest.mark.parametrize(("operator", "value", "field"), ACCEPTED)
def test_rule_that_fits_its_field_is_accepted(operator: str, value: str, field: FieldType) -> None:
    # S14, S15
    check_rule(rule("field", operator, value), field)


REFUSED = [
    # What cannot be read as the field's type (S14).
    ("eq", "ja", BOOLEAN, "write true or false"),
    ("eq", "", BOOLEAN, "write true or false"),
    ("ne", "seven", INTEGER, "write a number such as 7"),
    ("eq", "nan", NUMBER, "write a number such as 7"),
    ("eq", "inf", NUMBER, "write a number such as 7"),
    ("eq", "1_000", INTEGER, "write a number such as 7"),
    ("eq", "\u0667", INTEGER, "write a number such as 7"),
    ("lt", "tomorrow", DATETIME, "write a date such as 2026-05-01"),
    ("lt", "2026-02-30", DATETIME, "write a date such as 2026-05-01"),
    ("in", "1, two, 3", INTEGER, "as item 2, write a number such as 7"),
    ("not_in", "yes, maybe", BOOLEAN, "as item 2, write true or false"),
    ("in", "1,,2", INTEGER, "as item 2, write a value"),
    ("in", "", TEXT, "as item 1, write a value"),
    ("in", '"open', TEXT, "as item 1, write a value"),
    ("contains", "seven", NUMBERS, "write a number such as 7"),
    ("exists", "maybe", TEXT, "write true or false"),
    ("exists", "", OBJECT, "write true or false"),
    ("exists", "maybe", ANYTHING, "write true or false"),
    ("gt", "seven", ANYTHING, "write a number such as 7"),
    # Operators that make no sense for the field's type (S15).
    *((operator, "1", BOOLEAN, "use eq or ne or in") for operator in ORDERING),
    *((operator, "1", TEXT, "use eq or ne or in") for operator in ORDERING),
    *((operator, "1", INTEGER, "use eq or ne or gt") for operator in ON_TEXTS),
    *((operator, "1", DATETIME, "use eq or ne or gt") for operator in ON_TEXTS),
    *(
        (operator, "1", OBJECT, "use exists")
        for operator in OPERATORS
        if operator != "exists" and operator not in ORDERING
    ),
    *((operator, "1", OBJECT, "use exists") for operator in ORDERING),
    ("eq", "1", NUMBERS, "use contains or exists"),
    ("contains", "x", FieldType(Kind.LIST, Kind.OBJECT), "use exists"),
    ("contains", "x", FieldType(Kind.LIST, Kind.LIST), "exists"),
    # S12, S13
    ("equals", "1", TEXT, "eq, ne, gt"),
    ("", "1", TEXT, "eq, ne, gt"),
    ("eq", "1", None, "no such field"),
]


@pytest.mark.parametrize(("operator", "value", "field", "remedy"), REFUSED)
def test_rule_that_does_not_fit_is_refused_with_place_and_remedy(
    operator: str, value: str, field: FieldType | None, remedy: str
) -> None:
    # S14, S15
    with pytest.raises(RuleError) as refusal:
        check_rule(rule("course.level", operator, value), field)
    message = str(refusal.value)
    assert message.startswith(f"rule course.level {operator} {json.dumps(value, ensure_ascii=False)}: ")
    assert remedy in message
    assert message.endswith(".")


def test_text_that_is_no_path_is_refused_by_rule_and_check() -> None:
    # S12
    for refuse in (compile_rule, lambda spec: check_rule(spec, TEXT)):
        with pytest.raises(RuleError, match=r"'a\.\.b' is not a path"):
            refuse(rule("a..b", "eq", "1"))


def test_refusal_does_not_tell_a_personal_value() -> None:
    # S36
    with pytest.raises(RuleError) as refusal:
        check_rule(rule("user.pii.email", "gt", "learner1@example.com"), TEXT)
    assert "learner1" not in str(refusal.value)


def test_refusal_of_a_long_value_stays_readable() -> None:
    with pytest.raises(RuleError) as refusal:
        check_rule(rule("level", "eq", "x" * 5000), INTEGER)
    assert len(str(refusal.value)) < 400


def test_an_operator_that_does_not_suit_the_field_is_told_before_its_value() -> None:  # S15
    with pytest.raises(RuleError, match="gt does not compare boolean values"):
        check_rule(RuleSpec("is_passing", "gt", "true"), FieldType(Kind.BOOLEAN))
