"""``badge_report``: how far learners are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from badges import api
from badges.management.base import BadgesCommand, as_uuid

COLUMNS = ("learner", "template", "groups", "status", "state", "pending", "failed", "awarded at", "fulfilled")


class Command(BadgesCommand):
    """As JSON for scripts, as a table for people."""

    help = "Print the learners' progress and badges."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=["json", "table"], default="table")
        parser.add_argument("--username", help="Only this learner.")
        parser.add_argument("--template", metavar="UUID", help="Only this template.")

    def handle(
        self,
        *,
        format: str = "table",  # noqa: A002
        username: str | None = None,
        template: str | None = None,
        **_: Any,
    ) -> None:
        report = api.report(username=username, template_uuid=as_uuid(template) if template else None)
        if format == "json":
            self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False))
            return
        for line in _aligned([COLUMNS, *_rows(report)]):
            self.stdout.write(line)
        signals = ", ".join(f"{name}: {count}" for name, count in report["signals"].items())
        self.stdout.write(f"Announced in all: {signals}. Failed events: {report['failed_events']}.")


def _rows(report: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for learner, templates in report["learners"].items():
        for template, standing in templates.items():
            yield (
                learner,
                template,
                f"{standing['groups_done']}/{standing['groups']}",
                standing["status"] or "-",
                standing["state"] or "-",
                str(standing["pending_deliveries"]),
                str(standing["failed_deliveries"]),
                standing["awarded_at"] or "-",
                ", ".join(standing["fulfilled"]),
            )


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
