"""Every operator against texts, keys, enums, lists, structures and nothing (S12-S15)."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import re
import uuid
from typing import Any

import attrs
import pytest
from opaque_keys.edx.keys import CourseKey, UsageKey

from badges.engine.operators import OPERATORS
from tests.engine.specs import holds

MORNING = datetime.datetime(2026, 5, 1, 10, tzinfo=datetime.UTC)
COURSE = CourseKey.from_string("course-v1:edX+A+1")
PROBLEM = UsageKey.from_string("block-v1:edX+A+1+type@problem+block@p1")


class Mode(enum.Enum):
    HONOR = "honor"
    LEVEL = 3


class Grade(enum.StrEnum):
    PASS = "pass"


class Level(enum.IntEnum):
    HIGH = 3


@attrs.frozen
class Course:
    course_key: CourseKey
    display_name: str = ""


@dataclasses.dataclass(frozen=True)
class Point:
    x: int = 1


TABLE = [
    # Text, exactly (S14).
    ("yes", "eq", "yes", True),
    ("yes", "eq", "true", False),
    ("yes", "eq", "YES", False),
    ("yes", "eq", " yes", False),
    ("7", "eq", "7.0", False),
    ("", "eq", "", True),
    ("a", "ne", "b", True),
    ("a", "ne", "a", False),
    ("a", "ne", " a", True),
    ("b", "in", "a, b ,c", True),
    ("b ", "in", "a, b ,c", False),
    ("a,b", "in", '"a,b", c', True),
    ("a", "in", '"a,b", c', False),
    (" b ", "in", 'a, " b "', True),
    ('a "b"', "in", 'x, "a ""b"""', True),
    ("", "in", '""', True),
    ("d", "not_in", "a, b", True),
    ("b", "not_in", "a, b", False),
    *((text, name, text, False) for text in ("a", "10") for name in ("gt", "gte", "lt", "lte")),
    ("abc", "gt", "abb", False),
    ("honor code", "contains", "code", True),
    ("honor code", "contains", "Code", False),
    ("honor code", "starts_with", "honor", True),
    ("honor code", "starts_with", "code", False),
    ("honor code", "starts_with", "", True),
    ("honor code", "ends_with", "code", True),
    ("honor code", "ends_with", "honor", False),
    ("honor code", "matches", "honor*", True),
    ("honor code", "matches", "Honor*", False),
    ("honor code", "matches", "honor", False),
    ("honor code", "matches", "h?nor*", True),
    ("honor code", "matches", "[gh]onor c*e", True),
    ("honor code", "matches", "[!h]*", False),
    ("two\nlines\n", "matches", "two*", True),
    ("two\n", "matches", "two", False),
    ("a.b", "matches", "a.b", True),
    ("axb", "matches", "a.b", False),
    ("a*b", "matches", "a[*]b", True),
    ("axb", "matches", "a[*]b", False),
    ("a[b", "matches", "a[b", True),
    ("", "matches", "", True),
    ("", "matches", "*", True),
    # Opaque keys compare as text (S14).
    (COURSE, "eq", "course-v1:edX+A+1", True),
    (COURSE, "eq", "course-v1:edx+a+1", False),
    (COURSE, "ne", "course-v1:edX+A+2", True),
    (COURSE, "in", "course-v1:edX+A+1, course-v1:edX+B+1", True),
    (COURSE, "not_in", "course-v1:edX+B+1", True),
    (COURSE, "contains", "+A+", True),
    (COURSE, "starts_with", "course-v1:edX+", True),
    (COURSE, "ends_with", "+1", True),
    (COURSE, "matches", "course-v1:edX+*", True),
    (COURSE, "matches", "course-v1:MIT+*", False),
    (COURSE, "gt", "course-v1:edX+A+0", False),
    (PROBLEM, "matches", "block-v1:edX+A+1+type@problem+block@*", True),
    (uuid.UUID(int=5), "eq", "00000000-0000-0000-0000-000000000005", True),
    # An enum is its value (S14).
    (Mode.HONOR, "eq", "honor", True),
    (Mode.HONOR, "eq", "Mode.HONOR", False),
    (Mode.HONOR, "starts_with", "hon", True),
    (Mode.LEVEL, "eq", "3", True),
    (Mode.LEVEL, "gt", "2.5", True),
    (Grade.PASS, "in", "fail, pass", True),
    (Grade.PASS, "contains", "as", True),
    (Level.HIGH, "eq", "3.0", True),
    (Level.HIGH, "gte", "3", True),
    # Contains works element by element, each element typed by itself (S13).
    (["a", "b"], "contains", "a", True),
    (["ab"], "contains", "a", False),
    (("a", "b"), "contains", "b", True),
    ({"a", "b"}, "contains", "b", True),
    (frozenset({"a"}), "contains", "b", False),
    ([COURSE], "contains", "course-v1:edX+A+1", True),
    ([1, 2.5], "contains", "2.50", True),
    ([1, 2.5], "contains", "1.0", True),
    ([True], "contains", "yes", True),
    ([False], "contains", "yes", False),
    (["yes"], "contains", "true", False),
    ([MORNING], "contains", "2026-05-01T10:00:00Z", True),
    ([Mode.HONOR], "contains", "honor", True),
    ([None], "contains", "None", False),
    ([["a"], {"a": 1}, Course(COURSE)], "contains", "a", False),
    ([], "contains", "", False),
    ([""], "contains", "", True),
    ([float("nan")], "contains", "nan", False),
    # Bytes are no text and no list of numbers (S14).
    (b"a", "eq", "a", False),
    (b"a", "contains", "97", False),
    (b"a", "exists", "true", True),
    # S12, S13
    *((there, "exists", "yes", True) for there in (0, False, "", [], {}, float("nan"), COURSE, Course(COURSE))),
    *((there, "exists", "no", False) for there in (0, False, "", [], {}, float("nan"), COURSE, Course(COURSE))),
    (None, "exists", "yes", False),
    (None, "exists", "no", True),
    (None, "exists", " OFF ", True),
    (None, "exists", "maybe", False),
    (1, "exists", "maybe", False),
    (None, "eq", "None", False),
    (None, "ne", "a", False),
    (None, "not_in", "a", False),
]


@pytest.mark.parametrize(("payload_value", "operator", "text", "expected"), TABLE)
def test_texts_and_lists_compare_as_what_they_are(payload_value: Any, operator: str, text: str, expected: bool) -> None:
    # S13, S14
    assert holds(payload_value, operator, text) is expected


STRUCTURES = [["a"], {"a": "a"}, collections.OrderedDict(a="a"), Course(COURSE), Point(), {"a"}, b"a", object()]


@pytest.mark.parametrize("value", STRUCTURES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("operator", sorted(OPERATORS.keys() - {"exists", "contains"}))
@pytest.mark.parametrize("text", ["a", "", "1", "true", "*", "2026-05-01"])
def test_nothing_but_existence_can_be_told_of_a_structure(value: object, operator: str, text: str) -> None:
    # S14
    assert not holds(value, operator, text)


@pytest.mark.parametrize("value", [{"a": "a"}, Course(COURSE), Point(), b"a", object(), 1, True, 1.0, MORNING])
def test_only_texts_and_lists_contain_something(value: object) -> None:
    # S13, S15
    assert not any(holds(value, "contains", text) for text in ("a", "", "1", "x", "true", "2026-05-01T10:00:00Z"))


SENSELESS = [
    *((operator, value) for operator in ("gt", "gte", "lt", "lte") for value in (True, False, "a", "1", COURSE)),
    *(
        (operator, value)
        for operator in ("starts_with", "ends_with", "matches")
        for value in (True, 1, 1.0, MORNING, ["1"], {"1": 1}, Level.HIGH)
    ),
]


@pytest.mark.parametrize(("operator", "value"), SENSELESS)
def test_operator_that_makes_no_sense_for_the_value_is_false(operator: str, value: object) -> None:
    # S15
    texts = ("", "0", "1", "true", "a", "*", "1*", str(value), "2026-05-01")
    assert not any(holds(value, operator, text) for text in texts)


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_absent_value_makes_every_operator_false_except_exists_no(operator: str) -> None:
    # S12
    for text in ("", "no", "false", "a", "0", "None", "*", "yes"):
        expected = operator == "exists" and text in {"no", "false", "0"}
        assert holds(None, operator, text) is expected


def test_operators_are_the_documented_ones() -> None:
    # S13
    expected = "eq ne gt gte lt lte in not_in contains starts_with ends_with matches exists"
    assert list(OPERATORS) == expected.split()
    assert all(name == operator.name for name, operator in OPERATORS.items())
    assert all(re.fullmatch(r"[a-z ]+", operator.label) for operator in OPERATORS.values())
