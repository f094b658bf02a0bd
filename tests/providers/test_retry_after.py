from __future__ import annotations

import datetime

import pytest

from badges import clock
from badges.providers import retry_after

NOW = datetime.datetime(2026, 5, 1, 10, 0, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("1.5", 1.5),
        ("Fri, 01 May 2026 10:02:00 GMT", 120),
        ("Fri, 01 May 2026 12:02:00 +0200", 120),
        ("Fri, 01 May 2026 10:02:00 -0000", 120),
        ("Fri, 01 May 2026 09:00:00 GMT", 0),
        ("99999999999999999999", retry_after.LONGEST),
        ("9" * 400, retry_after.LONGEST),
        ("Fri, 01 May 2099 10:00:00 GMT", retry_after.LONGEST),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("١٢", None),
        ("nan", None),
        ("1e3", None),
        ("Fri, 32 May 2026 10:02:00 GMT", None),
        ("Fri, 01 May 99999999999999999999 10:02:00 GMT", None),
    ],
)
def test_the_header_is_read_as_seconds_or_date(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: float | None
) -> None:  # S28
    monkeypatch.setattr(clock, "now", lambda: NOW)
    assert retry_after.seconds(value) == expected


@pytest.mark.parametrize(
    ("answered_at", "expected"),
    [
        ("Fri, 01 May 2026 10:01:00 GMT", 60),
        ("Fri, 01 May 2026 11:00:00 GMT", 0),
        ("a while ago", 120),
    ],
)
def test_a_date_counts_from_the_providers_own_clock(
    monkeypatch: pytest.MonkeyPatch, answered_at: str, expected: float
) -> None:  # S28, S39
    monkeypatch.setattr(clock, "now", lambda: NOW)
    assert retry_after.seconds("Fri, 01 May 2026 10:02:00 GMT", answered_at) == expected
