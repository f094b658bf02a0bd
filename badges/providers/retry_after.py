"""How long a provider asks to wait."""

from __future__ import annotations

import datetime
import email.utils
import re

from badges import clock

LONGEST = 7 * 24 * 3600.0
"""The longest wait, in seconds, that a provider can impose."""


def seconds(value: str, answered_at: str = "") -> float | None:
    """
    The seconds that a ``Retry-After`` header asks to wait, given as such or as a date (RFC 9110, 10.2.3).

    A date counts from ``answered_at``, the answer's ``Date``: the provider's clock against itself, whatever this host's
    says. None when it can't be read; 0 for a date that has passed.
    """
    value = value.strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return min(float(value), LONGEST)
    moment = _date(value)
    if moment is None:
        return None
    return min(max((moment - (_date(answered_at) or clock.now())).total_seconds(), 0.0), LONGEST)


def _date(value: str) -> datetime.datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=datetime.UTC) if moment.tzinfo is None else moment
