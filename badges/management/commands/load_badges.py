"""``load_badges FILE``: badge definitions from YAML into the database."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from badges import api
from badges.exceptions import DefinitionsError
from badges.management.base import STDIN, BadgesCommand, read_text


class Command(BadgesCommand):
    """All of the file or nothing; loading it again changes nothing."""

    help = "Load accounts and badge templates from a YAML file. Returns once the change is in force in every process."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="The YAML file; - for standard input.")
        parser.add_argument("--dry-run", action="store_true", help="Print the difference and change nothing.")
        parser.add_argument(
            "--prune",
            action="store_true",
            help="Remove what listed templates have in the database and not in the file, "
            "and with a requirement what learners did for it.",
        )

    def handle(self, *, file: str, dry_run: bool = False, prune: bool = False, **_: Any) -> None:
        try:
            report = api.load_definitions(text=read_text(file), dry_run=dry_run, prune=prune)
        except DefinitionsError as error:
            count = len(error.problems)
            where = "standard input" if file == STDIN else file
            raise CommandError(
                f"{error}\nNothing was changed: {where} has {count} problem{'s' if count > 1 else ''}."
            ) from error
        if dry_run:
            self.stdout.write("Dry run, nothing is changed. Loading the file would mean:")
        for line in report.changes:
            self.stdout.write(line)
        self.stdout.write(
            f"{report.changed} changed ({report.created} added, {report.updated} updated, {report.deleted} removed), "
            f"{report.unchanged} unchanged"
        )
