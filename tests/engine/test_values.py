"""Kinds of payload values, and the reading of texts as one of them."""

from __future__ import annotations

import datetime
import decimal
import pathlib
import time
import types
import uuid
import zoneinfo
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, strategies as st
from opaque_keys.edx.keys import CourseKey, UsageKey

from badges.engine.paths import MISSING
from badges.engine.values import Kind, kind_of, read, typed

from .payloads import Course, Level, Mode, Point

UTC = datetime.UTC
KEY = "course-v1:edX+A+1"


# S14
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, Kind.BOOLEAN),
        (7, Kind.INTEGER),
        (7.0, Kind.NUMBER),
        (decimal.Decimal(7), Kind.NUMBER),
        (float("inf"), Kind.NUMBER),
        ("7", Kind.TEXT),
        ("", Kind.TEXT),
        (datetime.datetime(2026, 5, 1), Kind.DATETIME),  # noqa: DTZ001
        (datetime.date(2026, 5, 1), Kind.DATETIME),
        ([], Kind.LIST),
        ((1, 2), Kind.LIST),
        ({1, 2}, Kind.LIST),
        (range(3), Kind.LIST),
        ({}, Kind.OBJECT),
        (types.MappingProxyType({}), Kind.OBJECT),
        (b"bytes", Kind.OBJECT),
        (bytearray(b"bytes"), Kind.OBJECT),
        (Course(), Kind.OBJECT),
        (Point(), Kind.OBJECT),
        (Mode.HONOR, Kind.TEXT),
        (Mode.LEVEL, Kind.INTEGER),
        (Level.HIGH, Kind.INTEGER),
        (CourseKey.from_string(KEY), Kind.TEXT),
        (uuid.uuid4(), Kind.TEXT),
        (pathlib.PurePosixPath("a"), Kind.TEXT),
        (object(), Kind.OBJECT),
        (dict, Kind.OBJECT),
        (len, Kind.OBJECT),
        (float("nan"), Kind.OBJECT),
        (decimal.Decimal("nan"), Kind.OBJECT),
        (decimal.Decimal("snan"), Kind.OBJECT),
        (None, Kind.ABSENT),
        (MISSING, Kind.ABSENT),
    ],
)
def test_every_value_has_a_kind(value: object, kind: Kind) -> None:
    assert kind_of(value) is kind


# S14
@pytest.mark.parametrize(
    ("value", "form"),
    [
        (Mode.HONOR, "honor"),
        (CourseKey.from_string(KEY), KEY),
        (UsageKey.from_string("block-v1:edX+A+1+type@problem+block@p"), "block-v1:edX+A+1+type@problem+block@p"),
        (decimal.Decimal("0.1"), 0.1),
        (datetime.date(2026, 5, 1), datetime.datetime(2026, 5, 1, tzinfo=UTC)),
        (datetime.datetime(2026, 5, 1, 10), datetime.datetime(2026, 5, 1, 10, tzinfo=UTC)),  # noqa: DTZ001
        (None, MISSING),
    ],
)
def test_values_are_compared_in_a_form_of_their_own(value: object, form: object) -> None:
    found = typed(value)[1]
    assert found == form
    assert type(found) is type(form)


# S14
def test_a_moment_in_an_hour_that_clocks_repeat_equals_itself_in_utc() -> None:
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    for fold, utc_hour in ((0, 0), (1, 1)):
        moment = datetime.datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=fold)
        assert typed(moment)[1] == datetime.datetime(2026, 10, 25, utc_hour, 30, tzinfo=UTC)


@pytest.fixture
def _host_in_delhi(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as environment:
        environment.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


# S14
@pytest.mark.usefixtures("_host_in_delhi")
def test_a_time_zone_without_an_offset_counts_as_none() -> None:
    class Nowhere(datetime.tzinfo):
        def utcoffset(self, _: datetime.datetime | None) -> None:
            return None

    moment = datetime.datetime(2026, 5, 1, 10, tzinfo=Nowhere())
    assert typed(moment)[1] == datetime.datetime(2026, 5, 1, 10, tzinfo=UTC)


# S14
@pytest.mark.parametrize("year_and_offset", [(1, 14), (9999, -12)])
def test_a_moment_that_utc_has_no_year_for_is_still_compared(year_and_offset: tuple[int, int]) -> None:
    year, hours = year_and_offset
    zone = datetime.timezone(datetime.timedelta(hours=hours))
    month_day_hour = (1, 1, 0) if year == 1 else (12, 31, 23)
    moment = datetime.datetime(year, *month_day_hour, tzinfo=zone)
    assert typed(moment) == (Kind.DATETIME, moment)
    assert read(moment.isoformat(), Kind.DATETIME) == moment


# S14
@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        *(
            (text, Kind.BOOLEAN, True)
            for text in ("true", "TRUE", "True", "yes", "Yes", "on", "ON", "1", "+", " true\n")
        ),
        *((text, Kind.BOOLEAN, False) for text in ("false", "FALSE", "no", "No", "off", "OFF", "0", "-", "\tno ")),
        ("7", Kind.INTEGER, 7),
        (" 7 ", Kind.INTEGER, 7),
        ("+7", Kind.INTEGER, 7),
        ("-7", Kind.INTEGER, -7),
        ("007", Kind.INTEGER, 7),
        ("7.0", Kind.INTEGER, 7),
        ("7e2", Kind.INTEGER, 700),
        ("9007199254740993", Kind.INTEGER, 2**53 + 1),
        ("7", Kind.NUMBER, 7.0),
        ("0.1", Kind.NUMBER, 0.1),
        (".5", Kind.NUMBER, 0.5),
        ("7.", Kind.NUMBER, 7.0),
        ("-1.5E-3", Kind.NUMBER, -0.0015),
        ("2026-05-01", Kind.DATETIME, datetime.datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01T10:00", Kind.DATETIME, datetime.datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-05-01 10:00:30", Kind.DATETIME, datetime.datetime(2026, 5, 1, 10, 0, 30, tzinfo=UTC)),
        ("2026-05-01T10:00:00Z", Kind.DATETIME, datetime.datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-05-01t10:00:00z", Kind.DATETIME, datetime.datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-05-01T12:00:00+02:00", Kind.DATETIME, datetime.datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-05-01T12:00:00+0200", Kind.DATETIME, datetime.datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-05-01T12:00+02", Kind.DATETIME, datetime.datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-05-01T10:00:00.25Z", Kind.DATETIME, datetime.datetime(2026, 5, 1, 10, 0, 0, 250000, tzinfo=UTC)),
        ("2026-05-01T10:00:00,250000Z", Kind.DATETIME, datetime.datetime(2026, 5, 1, 10, 0, 0, 250000, tzinfo=UTC)),
        (" yes ", Kind.TEXT, " yes "),
        ("", Kind.TEXT, ""),
    ],
)
def test_a_text_is_read_as_the_kind_of_the_payloads_value(text: str, kind: Kind, expected: object) -> None:
    assert read(text, kind) == expected


# S14
@pytest.mark.parametrize(
    ("text", "kind", "remedy"),
    [
        *((text, Kind.BOOLEAN, "write true or false") for text in ("", "y", "t", "maybe", "1.0", "truee", "0 1")),
        *(
            (text, kind, "write a number such as 7")
            for kind in (Kind.INTEGER, Kind.NUMBER)
            for text in (
                *(
                    "",
                    "seven",
                    "nan",
                    "inf",
                    "-inf",
                    "Infinity",
                    "1_000",
                    "1,000",
                    "0x10",
                    "\N{ARABIC-INDIC DIGIT SEVEN}",
                    "1e",
                    "1e1000",
                    "--1",
                    "+",
                ),
                *("1 000", "7%", ".", "true", "9" * 5000),
            )
        ),
        ("1e400", Kind.NUMBER, "write a number such as 7"),
        *(
            (text, Kind.DATETIME, "write a date such as 2026-05-01")
            for text in (
                *("", "tomorrow", "2026", "2026-05", "20260501", "2026-W18-5", "2026-121", "01.05.2026", "2026-5-1"),
                *("2026-02-30", "2026-13-01", "2026-05-01T24:00", "2026-05-01T10", "2026-05-01T10:60", "2026-05-01Z"),
                *(
                    "2026-05-01T10:00:60",
                    "2026-05-01T10:00:00+25:00",
                    "2026-05-01T10:00:00.1234567",
                    "\N{ARABIC-INDIC DIGIT TWO}026-05-01",
                ),
                *("1777629600", "0000-01-01", "2026-05-01_10:00"),
            )
        ),
        *(("x", kind, f"no text stands for a value of kind {kind}") for kind in (Kind.LIST, Kind.OBJECT, Kind.ABSENT)),
    ],
)
def test_what_cannot_be_read_as_the_kind_says_what_to_write(text: str, kind: Kind, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        read(text, kind)


# S14
@given(st.integers())
def test_integers_are_read_exactly_however_large(number: int) -> None:
    assert read(str(number), Kind.INTEGER) == number
    assert read(f"{number}.0", Kind.INTEGER) == number
    assert read(f"{number}.5", Kind.INTEGER) != number


# S14
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_as_the_float_that_prints_like_it(number: float) -> None:
    assert read(repr(number), Kind.NUMBER) == number


# S14
@given(st.datetimes(timezones=st.timezones() | st.just(UTC) | st.none()), st.sampled_from(["T", " "]))
def test_a_datetime_reads_as_the_moment_that_prints_like_it(moment: datetime.datetime, separator: str) -> None:
    offset = moment.utcoffset()
    if offset is not None and offset.seconds % 60:  # local mean times of the nineteenth century
        moment = moment.astimezone(UTC) if moment.year > 1 else moment.replace(tzinfo=UTC)
    assert read(moment.isoformat(separator), Kind.DATETIME) == typed(moment)[1]


@given(st.sampled_from([Kind.INTEGER, Kind.NUMBER]), st.integers(), st.integers(-3, 3))
def test_equal_numbers_hash_alike_whatever_they_are_read_as(kind: Kind, number: int, exponent: int) -> None:
    """The index relies on it."""
    wanted: Any = read(f"{number}e{exponent}", kind)
    for value in (number * 10**exponent, float(number) * 10.0**exponent):
        if value == wanted:
            assert hash(value) == hash(wanted)
