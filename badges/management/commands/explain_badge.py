"""``explain_badge``: why a learner has a badge or not, and why an event counts or not (S38)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser

from badges import api
from badges.data import Event
from badges.exceptions import UnreadableEvent
from badges.management.base import BadgesCommand, as_uuid, numbered_lines, opened


class Command(BadgesCommand):
    """Changes nothing."""

    help = "Tell what a learner has done for a badge, what is missing, and why given events do or do not count."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", required=True)
        parser.add_argument("--template", required=True, metavar="UUID")
        parser.add_argument("--event", metavar="FILE", help="Events as JSON lines; - for standard input.")
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def handle(self, *, username: str, template: str, event: str | None = None, format: str = "text", **_: Any) -> None:  # noqa: A002
        events = _events(event) if event else ()
        explanation = api.explain(username=username, template_uuid=as_uuid(template), events=events)
        if format == "json":
            self.stdout.write(json.dumps(explanation.as_dict(), indent=2, ensure_ascii=False))
        else:
            self.stdout.write(explanation.in_words())


def _events(path: str) -> Iterator[Event]:
    with opened(path) as stream:
        for number, line in numbered_lines(stream):
            try:
                yield api.read_line(line=line)
            except UnreadableEvent as error:
                raise CommandError(f"{path}, line {number}: {error}") from error
