"""``deliver_badges``: execute due deliveries, without Celery."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.management.base import CommandParser
from django.db import close_old_connections

from badges import api
from badges.conf import conf
from badges.exceptions import database_said
from badges.management.base import BadgesCommand, positive


class Command(BadgesCommand):
    """Ends cleanly, after the deliveries at hand, on SIGTERM and SIGINT."""

    help = "Announce, issue and revoke what is due."

    def add_arguments(self, parser: CommandParser) -> None:
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--once", action="store_true", help="Until nothing more is due; this is the default.")
        how.add_argument(
            "--loop", action="store_true", help="Again every SWEEP_INTERVAL seconds, until it is told to end."
        )
        parser.add_argument(
            "--retry-failed", action="store_true", help="Give the failed deliveries all their attempts again, once."
        )

        parser.add_argument(
            "--concurrency",
            type=positive,
            default=1,
            metavar="N",
            help="So many deliveries at the same time, each in a thread with its own connection to the database.",
        )

    def handle(self, *, loop: bool = False, retry_failed: bool = False, concurrency: int = 1, **_: Any) -> None:
        with _told_to_end() as stop:
            if loop:
                self._loop(stop, retry_failed=retry_failed, concurrency=concurrency)
            else:
                self._deliver(stop, retry_failed=retry_failed, concurrency=concurrency)

    def _loop(self, stop: threading.Event, *, retry_failed: bool, concurrency: int) -> None:
        while not stop.is_set():
            try:
                self._deliver(stop, retry_failed=retry_failed, concurrency=concurrency, quietly=True)
                retry_failed = False
            except api.TRANSIENT_DATABASE_ERRORS as error:
                self.stderr.write(f"The database cannot be used ({database_said(error)}); trying again.")
            with suppress(*api.TRANSIENT_DATABASE_ERRORS):
                close_old_connections()
            stop.wait(conf.sweep_interval)

    def _deliver(self, stop: threading.Event, *, retry_failed: bool, concurrency: int, quietly: bool = False) -> None:
        """One round; ``quietly`` says nothing when there was nothing to do."""
        report = api.deliver_due(retry_failed=retry_failed, concurrency=concurrency, is_stopping=stop.is_set)
        if not quietly or report.done or report.failed or report.waiting:
            self.stdout.write(f"done={report.done} failed={report.failed} waiting={report.waiting}")


@contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """While the block lasts, SIGTERM and SIGINT only set the event; outside of the main thread, nothing does."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
