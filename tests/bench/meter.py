"""An app with one receiver that does nothing but notice the first and the last event: the empty receiver."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from openedx_events.learning.signals import COURSE_PASSING_STATUS_UPDATED

_events = 0
_expected = int(os.environ["METER_EVENTS"])


class MeterConfig(AppConfig):
    name = "tests.bench.meter"

    def ready(self) -> None:
        COURSE_PASSING_STATUS_UPDATED.connect(received, dispatch_uid="meter")


def received(**_: Any) -> None:
    global _events
    _events += 1
    if _events == 1:
        _tell("first")
    if _events == _expected:
        _tell("last")


def _tell(which: str) -> None:
    """The moment, on the clock that all processes of a machine share."""
    partial = Path(f"{os.environ['METER']}-{which}.part")
    partial.write_text(repr(time.monotonic()))
    partial.rename(partial.with_suffix(""))
