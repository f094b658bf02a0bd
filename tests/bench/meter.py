"""
An app with a receiver that does nothing but notice the first and the last event, and another one that does nothing at
all where the app has no receiver.

openedx-events itself takes its time for each receiver (it formats what each returned, for the log), so every variant
has two of them.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from openedx_events.learning.signals import COURSE_PASSING_STATUS_UPDATED

_events = 0
_expected = int(os.environ["METER_EVENTS"])
_together = [Path(f"{meter}-first") for meter in os.environ.get("METERS", "").split(os.pathsep) if meter]
"""What consumers tell that are measured together: each waits at its first event until all have got theirs."""


class MeterConfig(AppConfig):
    name = "tests.bench.meter"

    def ready(self) -> None:
        COURSE_PASSING_STATUS_UPDATED.connect(received, dispatch_uid="meter")
        if not settings.BADGES.get("EVENT_TYPES", True):
            COURSE_PASSING_STATUS_UPDATED.connect(empty, dispatch_uid="empty")


def empty(**_: Any) -> None:
    """In the place of the app's own."""


def received(**_: Any) -> None:
    global _events
    _events += 1
    if _events == 1:
        _tell("first")
        while not all(first.exists() for first in _together):
            time.sleep(0.001)
    if _events == _expected:
        _tell("last")


def _tell(which: str) -> None:
    """The moment, on the clock that all processes of a machine share."""
    partial = Path(f"{os.environ['METER']}-{which}.part")
    partial.write_text(repr(time.monotonic()))
    partial.rename(partial.with_suffix(""))
