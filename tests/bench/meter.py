"""
An app with a receiver that does nothing but notice the first and the last event, and another one that does nothing at
all where the app has no receiver: never, or in every second turn of ``METER_TURN`` events.

openedx-events itself takes its time for each receiver (it formats what each returned, for the log), so every variant
has two of them.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from openedx_events.learning.signals import COURSE_PASSING_STATUS_UPDATED

WARM = 4
"""Turns that do not count: in the first, the rules are read."""

_events = 0
_expected = int(os.environ["METER_EVENTS"])
_turn = int(os.environ.get("METER_TURN", "0"))
_turns: list[float] = []
_turn_began = 0.0
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
    if _turn and _events % _turn == 0:
        _change_turns()
    if _events == _expected:
        _tell("last")


def _change_turns() -> None:
    """Note how long this turn took, and put the other receiver in the place of the one; the app's has the even ones."""
    global _turn_began
    from badges import handlers  # noqa: PLC0415 - when apps are loaded

    _turns.append(time.monotonic() - _turn_began)
    if len(_turns) % 2:
        COURSE_PASSING_STATUS_UPDATED.disconnect(dispatch_uid="badges")
        COURSE_PASSING_STATUS_UPDATED.connect(empty, dispatch_uid="empty")
    else:
        COURSE_PASSING_STATUS_UPDATED.disconnect(dispatch_uid="empty")
        COURSE_PASSING_STATUS_UPDATED.connect(handlers.receive, dispatch_uid="badges", weak=False)
    # So that this receiver stays the last, and the change counts from the next event on.
    COURSE_PASSING_STATUS_UPDATED.disconnect(dispatch_uid="meter")
    COURSE_PASSING_STATUS_UPDATED.connect(received, dispatch_uid="meter")
    if _events == _expected:
        counted = _turns[WARM:]
        _write("turns", json.dumps([len(each) * _turn / sum(each) for each in (counted[::2], counted[1::2])]))
    _turn_began = time.monotonic()


def _tell(which: str) -> None:
    """The moment, on the clock that all processes of a machine share."""
    _write(which, repr(time.monotonic()))


def _write(which: str, text: str) -> None:
    partial = Path(f"{os.environ['METER']}-{which}.part")
    partial.write_text(text)
    partial.rename(partial.with_suffix(""))
