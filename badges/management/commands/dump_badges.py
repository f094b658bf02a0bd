"""``dump_badges``: the badge definitions in the database as YAML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser

from badges import api
from badges.management.base import BadgesCommand, as_uuid


class Command(BadgesCommand):
    """The inverse of ``load_badges``."""

    help = "Print the accounts and badge templates as YAML, for load_badges. API keys are not written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--template", action="append", default=[], metavar="UUID", help="Only this one and its account; repeatable."
        )

    def handle(self, *, template: Sequence[str] = (), **_: Any) -> None:
        self.stdout.write(api.dump_definitions(template_uuids=[as_uuid(one) for one in template]), ending="")
