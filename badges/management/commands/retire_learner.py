"""``retire_learner``: forget a learner, as the platform's retirement asks."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.core.management.base import CommandParser

from badges import api
from badges.management.base import BadgesCommand


class Command(BadgesCommand):
    """May be run again; then it does what has become possible since."""

    help = "Erase what identifies a learner from the tables of this app, and cancel what was to be issued to them."

    def add_arguments(self, parser: CommandParser) -> None:
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--username", default="", help="The learner's username.")
        who.add_argument("--lms-user-id", type=int, metavar="N", help="The learner's id at the LMS.")
        parser.add_argument("--revoke-badges", action="store_true", help="Revoke the learner's badges, too.")

    def handle(
        self, *, username: str = "", lms_user_id: int | None = None, revoke_badges: bool = False, **_: Any
    ) -> None:
        report = api.retire_learner(username=username, lms_user_id=lms_user_id, revoke_badges=revoke_badges)
        self.stdout.write(" ".join(f"{name}={count}" for name, count in dataclasses.asdict(report).items()))
        if report.under_way:
            self.stderr.write("Deliveries to the provider are still under way. Run this again when they are done.")
