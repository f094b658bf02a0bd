"""``sync_badge_templates``: take over the providers' badge templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError, CommandParser

from badges import api
from badges.management.base import BadgesCommand


class Command(BadgesCommand):
    """
    Goes on when an account cannot be reached or a template cannot be stored, and then ends with a non-zero exit code.
    """

    help = (
        "Pull the badge templates of the accounts from their providers. New ones are inactive until they are activated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--account", action="append", default=[], metavar="ID", help="Only the account with this id; repeatable."
        )

    def handle(self, *, account: Sequence[str] = (), **_: Any) -> None:
        failed = refused = 0
        for report in api.sync_templates(account_ids=account):
            if report.error:
                failed += 1
                self.stderr.write(f"{report.account}: {report.error}")
            else:
                counts = f"{report.created} created, {report.updated} updated, {report.unchanged} unchanged"
                self.stdout.write(f"{report.account}: {counts}")
            for problem in report.refused:
                refused += 1
                self.stderr.write(f"{report.account}: {problem}")
        if failed:
            raise CommandError(f"{failed} account{'s' if failed > 1 else ''} could not be synchronized.")
        if refused:
            raise CommandError(f"{refused} template{'s' if refused > 1 else ''} could not be taken over.")
