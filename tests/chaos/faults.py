"""Faults from within a process, for ``TAMPERING`` (see :mod:`tests.chaos.tampering`)."""

from __future__ import annotations

import itertools
import os
import signal
from pathlib import Path
from typing import Any

from django.db.backends.signals import connection_created

from badges.conf import BadgesSettings
from badges.eventbus import publisher
from badges.services import processing


class Poisoned(Exception):
    """The event cannot be handled."""


def poison() -> None:
    """Events named in the file ``POISON`` raise when all that they change is written, as long as the file exists."""
    file, record = Path(os.environ["POISON"]), processing.record

    def poisoned(changes: Any, rules: Any) -> Any:
        promises = record(changes, rules)
        if file.exists() and {change.event.id for change in changes}.intersection(file.read_text().split()):
            raise Poisoned
        return promises

    processing.record = poisoned


def die_after_send() -> None:
    """The process is killed when the bus has just confirmed its ``DIE_AFTER_SENDS``-th announcement."""
    fatal, announce, numbers = int(os.environ["DIE_AFTER_SENDS"]), publisher.announce, itertools.count(1)

    def announce_and_die(announcement: Any) -> None:
        announce(announcement)
        if next(numbers) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    publisher.announce = announce_and_die


def turn_clock() -> None:
    """The host's clock is off by the seconds in the file ``CLOCK``, whatever it says at the moment."""
    file = Path(os.environ["CLOCK"])

    def offset(_: BadgesSettings) -> float:
        return float(file.read_text())

    BadgesSettings.clock_offset = property(offset)  # type: ignore[assignment, method-assign]


DISK = {
    # SQLite allows no page more than there are, or any number again.
    "full": ("PRAGMA max_page_count = 1",),
    "read-only": ("PRAGMA query_only = ON",),
    "well": ("PRAGMA max_page_count = 1073741823", "PRAGMA query_only = OFF"),
}


def spoil_disk() -> None:
    """SQLite's disk is as the file ``DISK`` says, one of ``DISK``, from the next statement on."""
    file = Path(os.environ["DISK"])

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        for pragma in DISK[file.read_text()]:
            context["connection"].connection.execute(pragma)
        return execute(sql, params, many, context)

    def watch(connection: Any, **_: Any) -> None:
        if look not in connection.execute_wrappers:
            connection.execute_wrappers.append(look)

    connection_created.connect(watch, weak=False)
