"""``retry_failed_events``: handle again what could not be handled (S34)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser

from badges import api
from badges.management.base import BadgesCommand


class Command(BadgesCommand):
    """An event that is handled this time is deleted; one that fails again keeps its new error."""

    help = "Handle failed events again, oldest first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--id", action="append", type=int, metavar="N", help="Only the failed event with this number; repeatable."
        )

    def handle(self, *, id: Sequence[int] | None = None, **_: Any) -> None:  # noqa: A002
        report = api.retry_failed_events(ids=id or None)
        self.stdout.write(f"healed={report.healed} failed={report.failed}")
