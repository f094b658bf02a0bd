"""Strategies: texts that people write in rules, and values that payloads hold."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid

import attrs
from hypothesis import strategies as st
from opaque_keys.edx.keys import CourseKey


class Mode(enum.StrEnum):
    HONOR = "honor"
    ONE = "1"


class Level(enum.Enum):
    ONE = 1
    SEVEN = 7.0
    YES = "yes"
    NONE = None


@attrs.frozen
class Box:
    inner: object


COURSES = [CourseKey.from_string(f"course-v1:edX+{name}+1") for name in "AB"]
WRITTEN = [
    *("", "true", "TRUE", "yes", "1", "+", "on", "false", "no", "0", "-", " 1 ", "1.0", "7", "7.0", "7.00", "70e-1"),
    *("0.1", "1e400", "nan", "inf", "1_000", "\u0667", str(2**53 + 1), str(2**53), "1" + "0" * 400, "9" * 5000),
    *("2026-05-01", "2026-05-01T00:00Z", "2026-05-01T02:00:00+02:00", "2026-02-30", "0001-01-01T00:00+14:00"),
    *("course-v1:edX+A+1", "course-v1:edX+*", "course-v1:edX+A+1, course-v1:edX+B+1", "1, 7.0", "yes, no"),
    *("*", "?", "[", "[a", "[]", "[!]", "[z-a]", "[[a]", "[a--b]", "[a&&b]", "[^a]*"),
    *('"a,b", c', '"', '"a', 'a"b', ",", "a,", '""', '" "', "1,,7"),
    *("honor", "a", "a b", "a,b", "None", "\0", "\ud800", "\\", "(", "maybe", "a\nb"),
]

texts = st.sampled_from(WRITTEN) | st.text(max_size=8) | st.text(alphabet='[]!-^&|~*?\\",ab1', max_size=10)
moments = st.datetimes(timezones=st.none() | st.just(datetime.UTC) | st.timezones()) | st.sampled_from(
    [
        datetime.datetime(2026, 5, 1),  # noqa: DTZ001
        datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC),
        datetime.datetime(2026, 5, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
        datetime.datetime.min.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=14))),
        datetime.datetime.max.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=-12))),
    ]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, 7, 2**53, 2**53 + 1, 10**400, -(10**4000), 0.1, 1.0, 7.0, float(2**53)]),
    st.integers(),
    st.floats(),
    moments,
    st.dates(),
    st.sampled_from(WRITTEN),
    st.text(max_size=8),
    st.sampled_from(COURSES),
    st.sampled_from([*Mode, *Level]),
    st.sampled_from([decimal.Decimal(text) for text in ("7.0", "0.1", "nan", "snan", "inf", "1e9999")]),
    st.uuids() | st.just(uuid.UUID(int=1)),
    st.binary(max_size=4),
    st.builds(object),
    st.times() | st.timedeltas() | st.complex_numbers(),
)
payload_values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner),
        st.dictionaries(st.sampled_from(["a", "b", "0"]), inner, max_size=2),
        st.builds(Box, inner),
        st.frozensets(st.sampled_from(["a", "1"]) | st.integers(0, 9), max_size=2),
    ),
    max_leaves=5,
)
