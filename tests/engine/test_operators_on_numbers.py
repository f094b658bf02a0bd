"""Every operator against flags, numbers and moments (S12-S15)."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest

from tests.engine.specs import holds

UTC = datetime.UTC
MORNING = datetime.datetime(2026, 5, 1, 10, tzinfo=UTC)
IN_DELHI = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
FIRST, LAST = datetime.datetime.min.replace(tzinfo=UTC), datetime.datetime.max.replace(tzinfo=UTC)
ARABIC_SEVEN, WIDE_SEVEN, ARABIC_DATE = "\u0667", "\uff17", "\u0662\u0660\u0662\u0666-\u0660\u0665-\u0660\u0661"

TABLE = [
    # True and false, in every spelling, any case, trimmed (S14).
    *((True, "eq", text, True) for text in ("true", "yes", "on", "1", "+", "TRUE", "Yes", " oN ", "\ttrue\n")),
    *((False, "eq", text, True) for text in ("false", "no", "off", "0", "-", "FALSE", "No", " oFF ")),
    *((True, "eq", text, False) for text in ("false", "no", "off", "0", "-")),
    *((False, "eq", text, False) for text in ("true", "yes", "on", "1", "+")),
    *((True, name, text, False) for name in ("eq", "ne", "in", "not_in") for text in ("", "2", "1.0", "ja", "t", "y")),
    (True, "ne", "no", True),
    (True, "ne", "yes", False),
    (True, "in", "no, YES", True),
    (True, "in", "no", False),
    (True, "in", "yes, maybe", False),
    (True, "not_in", "no", True),
    (True, "not_in", "no, maybe", False),
    # Integers, exactly (S14).
    (7, "eq", "7", True),
    (7, "eq", " 7 ", True),
    (7, "eq", "+7", True),
    (7, "eq", "7.0", True),
    (7, "eq", "7.", True),
    (7, "eq", "70e-1", True),
    (7, "eq", "007", True),
    (7, "eq", "7.5", False),
    (0, "eq", "-0", True),
    (0, "eq", "0.0", True),
    (1, "eq", "true", False),
    (1, "eq", "yes", False),
    (0, "ne", "true", False),
    (7, "gt", "6.9", True),
    (7, "gt", "7", False),
    (7, "gte", "7", True),
    (7, "gte", "7.01", False),
    (7, "lt", "7.01", True),
    (7, "lt", "-7", False),
    (7, "lte", "7", True),
    (7, "lte", "6", False),
    (-7, "lt", "-6", True),
    (7, "ne", "8", True),
    (7, "ne", "7.0", False),
    (7, "in", "6, 7.0, 8", True),
    (7, "in", "6,8", False),
    (7, "in", "7, seven", False),
    (7, "not_in", "6,8", True),
    (7, "not_in", "6,7", False),
    (7, "not_in", "6,seven", False),
    (2**53 + 1, "eq", str(2**53 + 1), True),
    (2**53 + 1, "eq", str(2**53), False),
    (2**53 + 1, "gt", str(2**53), True),
    (2**53 + 1, "eq", f"{2**53 + 1}.0", True),
    (2**53 + 1, "lt", f"{2**53 + 1}.000000000000000000000000000001", True),
    (10**400, "eq", "1" + "0" * 400, True),
    (10**400, "eq", "1e400", True),
    (10**400, "lt", "1e401", True),
    (10**400 + 1, "eq", "1e400", False),
    (7, "lt", "1e999", True),
    # What is no number makes every operator false (S14).
    *(
        (7, name, text, False)
        for name in ("eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in")
        for text in (ARABIC_SEVEN, WIDE_SEVEN, "9" * 5000)
    ),
    *(
        (7, name, text, False)
        for name in ("eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in")
        for text in ("", "nan", "inf", "-inf", "Infinity", "1_000", "7,5,", "0x7", "7 7", "seven", "1e9999", ".", "e1")
    ),
    # Numbers (S14).
    (7.0, "eq", "7", True),
    (7.0, "eq", "7.0", True),
    (7.5, "eq", "7.5", True),
    (0.1, "eq", "0.1", True),
    (0.1, "eq", "0.10", True),
    (0.5, "eq", ".5", True),
    (0.5, "eq", "5e-1", True),
    (-0.0, "eq", "0", True),
    (0.75, "gte", "0.75", True),
    (0.7, "gte", "0.7", True),
    (0.75, "gt", "0.75", False),
    (0.74, "lt", "0.75", True),
    (0.75, "lte", "0.75", True),
    (0.75, "ne", "0.5", True),
    (0.75, "in", "0.5, 0.75", True),
    (0.75, "not_in", "0.5, 0.25", True),
    (float(2**53), "eq", str(2**53), True),
    (float(2**53), "eq", str(2**53 + 1), False),
    (1e300, "lt", "1" + "0" * 301, True),
    *(
        (7.0, name, text, False)
        for name in ("eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in")
        for text in ("", "nan", "inf", "1_000", "seven", ARABIC_SEVEN)
    ),
    (float("inf"), "gt", "1e300", True),
    (float("inf"), "eq", "1e300", False),
    (float("-inf"), "lt", "0", True),
    *((float("nan"), name, "7", False) for name in ("eq", "gt", "gte", "lt", "lte", "in", "ne", "not_in")),
    *((float("nan"), name, "nan", False) for name in ("eq", "ne", "in", "not_in")),
    (decimal.Decimal("7.50"), "eq", "7.5", True),
    (decimal.Decimal("0.1"), "eq", "0.1", True),
    *((decimal.Decimal(text), name, "7", False) for text in ("nan", "snan") for name in ("eq", "gt", "lt", "in")),
    # Moments (S14).
    (MORNING, "eq", "2026-05-01T10:00:00Z", True),
    (MORNING, "eq", "2026-05-01t10:00z", True),
    (MORNING, "eq", "2026-05-01 10:00", True),
    (MORNING, "eq", " 2026-05-01T10:00:00 ", True),
    (MORNING, "eq", "2026-05-01T15:30:00+05:30", True),
    (MORNING, "eq", "2026-05-01T15:30:00+0530", True),
    (MORNING, "eq", "2026-05-01T10:00:00.000", True),
    (MORNING, "eq", "2026-05-01T10:00:00.001", False),
    (MORNING, "eq", "2026-05-01T10:00:00+05:30", False),
    (MORNING, "eq", "2026-05-01", False),
    (MORNING.replace(hour=0), "eq", "2026-05-01", True),
    (MORNING.replace(tzinfo=None), "eq", "2026-05-01T10:00:00Z", True),
    (MORNING.astimezone(IN_DELHI), "eq", "2026-05-01T10:00:00Z", True),
    (MORNING.astimezone(IN_DELHI), "in", "2026-05-01, 2026-05-01T10:00:00Z", True),
    (MORNING, "gt", "2026-05-01", True),
    (MORNING, "gte", "2026-05-01T10:00", True),
    (MORNING, "lt", "2026-05-02", True),
    (MORNING, "lte", "2026-05-01T09:59:59.999999Z", False),
    (MORNING, "ne", "2026-05-02", True),
    (MORNING, "in", "2026-05-01,2026-05-02", False),
    (MORNING, "not_in", "2026-05-01,2026-05-02", True),
    (FIRST, "lt", "2026-05-01", True),
    (LAST, "gt", "9999-12-31", True),
    (FIRST.replace(tzinfo=IN_DELHI), "lt", "0001-01-01", True),
    (FIRST, "gt", "0001-01-01T00:00:00+05:30", True),
    *(
        (MORNING, name, text, False)
        for name in ("eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in")
        for text in (
            "",
            "today",
            "2026",
            "2026-05",
            "2026-13-01",
            "2026-02-30",
            "20260501",
            "2026-W18-5",
            "2026-121",
            "2026-05-01T25:00",
            "2026-05-01T10:60",
            "2026-05-01T10:00:00+99:00",
            "2026-05-01T10:00:00 UTC",
            ARABIC_DATE,
            "0000-01-01",
            "1777629600",
            "10:00",
        )
    ),
]


@pytest.mark.parametrize(("payload_value", "operator", "text", "expected"), TABLE)
def test_flags_numbers_and_moments_compare_as_what_they_are(
    payload_value: Any, operator: str, text: str, expected: bool
) -> None:
    # S13, S14
    assert holds(payload_value, operator, text) is expected
