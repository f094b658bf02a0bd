"""``purge_badges``: delete what nothing reads any more."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from badges import api
from badges.management.base import BadgesCommand, positive


class Command(BadgesCommand):
    """To be run every night; beside everything else, and to be killed at any moment."""

    help = (
        "Delete remembered times (REMEMBERED_DAYS), deliveries and webhooks (FINISHED_DAYS) that nothing reads any "
        "more, and the journal only if JOURNAL_DAYS says so."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only count what would be deleted.")
        parser.add_argument(
            "--batch-size", type=positive, default=1000, metavar="N", help="So many rows a transaction; default 1000."
        )

    def handle(self, *, dry_run: bool = False, batch_size: int = 1000, **_: Any) -> None:
        with tqdm(unit=" rows", file=sys.stderr, disable=not sys.stderr.isatty()) as progress:

            def show(report: api.PurgeReport) -> None:
                progress.update(sum(dataclasses.astuple(report)) - progress.n)

            report = api.purge(batch_size=batch_size, dry_run=dry_run, told=show)
        self.stdout.write(" ".join(f"{name}={count}" for name, count in dataclasses.asdict(report).items()))
