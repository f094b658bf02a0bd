"""
``python -m credentials_settings.sandbox.demo``: the main job on embedded parts, told step by step (``make demo``).

Each part is its own process and they talk over TCP and HTTP; nothing is patched. Ends 0 only when everything that was
expected was seen.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
import requests
from rich.console import Console
from rich.live import Live
from rich.table import Table

from credentials_settings.sandbox.credly import DEMO_ORGANIZATION, DEMO_TEMPLATE
from credentials_settings.sandbox.stack import TOPIC, Stack
from credentials_settings.sandbox.supervisor import Supervisor, SupervisorError

PASSING = "org.openedx.learning.course.passing.status.updated.v1"
LEARNERS = ("learner1", "learner2", "learner3", "learner4")
PATIENCE = 25.0
"""Seconds until something that is expected has to have happened; most takes less than one."""

console = Console(highlight=False)


class Missed(Exception):
    """Something that was expected did not happen."""


class Demo:
    """What is published, what is seen, and what was expected of it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.started = time.monotonic()
        self.checked = 0
        self._second = 0
        self._first_event = datetime.datetime.now(tz=datetime.UTC).replace(microsecond=0) - datetime.timedelta(hours=1)

    # --- doing ---

    def say(self, text: str) -> None:
        console.print(f"\n[bold]{time.monotonic() - self.started:5.1f} s[/bold]  {text}")

    def publish(self, username: str, course: str, *, passing: bool, again: bool = False) -> None:
        """Send one event to the bus; ``again`` sends the very same one as the last time."""
        from badges import api
        from badges.eventbus import publisher

        self._second += not again
        number = int(username.removeprefix("learner"))
        line = {
            "type": PASSING,
            "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{username} {self._second}")),
            "time": (self._first_event + datetime.timedelta(seconds=self._second)).isoformat(),
            "data": {
                "course_passing_status": {
                    "is_passing": passing,
                    "course": {"course_key": f"course-v1:edX+{course}+1"},
                    "user": {
                        "id": number,
                        "is_active": True,
                        "pii": {
                            "username": username,
                            "email": f"{username}@example.com",
                            "name": f"Learner {number}",
                        },
                    },
                }
            },
        }
        publisher.produce(
            api.read_line(line=json.dumps(line)), TOPIC, key_field="course_passing_status.course.course_key"
        )

    def break_credly(self, mode: str, times: int) -> None:
        answer = requests.post(
            f"{self.stack.credly_control}faults",
            json={"match": "POST /badges", "mode": mode, "times": times},
            timeout=5,
        )
        answer.raise_for_status()

    # --- seeing ---

    def report(self, username: str) -> dict[str, Any]:
        from badges import api

        learner = api.report(username=username)["learners"].get(username, {})
        return dict(learner.get(DEMO_TEMPLATE, {}))

    def signals(self) -> list[tuple[str, str]]:
        """What the other app received: (awarded or revoked, username), each announcement once."""
        lines = [json.loads(line) for line in self.stack.received.read_text().splitlines()]
        seen = {(line["type"], line["credential"], line["time"]): line for line in lines}
        return [(line["type"].split(".")[-2], line["username"]) for line in seen.values()]

    def at_credly(self, username: str) -> list[str]:
        """The states of the learner's badges at Credly, oldest first."""
        badges = requests.get(f"{self.stack.credly_control}badges", timeout=5).json()["badges"]
        return [badge["state"] for badge in badges if badge["recipient_email"] == f"{username}@example.com"]

    def posts(self, username: str) -> int:
        rows = requests.get(f"{self.stack.credly_control}badges", timeout=5).json()["posts"]
        return sum(row["posts"] for row in rows if row["recipient_email"] == f"{username}@example.com")

    def table(self) -> Table:
        table = Table(title="Badge “Two courses”", title_justify="left")
        for column in ("learner", "fulfilled", "groups", "status", "at Credly", "other app received"):
            table.add_column(column)
        received = self.signals()
        for username in LEARNERS:
            row = self.report(username)
            told = [what for what, who in received if who == username]
            table.add_row(
                username,
                ", ".join(row.get("fulfilled", ())) or "-",
                f"{row['groups_done']} of {row['groups']}" if row else "-",
                row.get("status") or "-",
                ", ".join(self.at_credly(username)) or "-",
                ", ".join(told) or "-",
            )
        return table

    # --- expecting ---

    def expect(self, what: str, seen: Callable[[], Any], expected: Any) -> None:
        """Wait until ``seen()`` equals ``expected``. Raises :class:`Missed` when it does not come true in time."""
        give_up_at = time.monotonic() + PATIENCE
        with Live(console=console, refresh_per_second=8, transient=True) as live:
            while (found := seen()) != expected:
                if console.is_terminal:
                    live.update(self.table(), refresh=True)
                if time.monotonic() > give_up_at:
                    raise Missed(f"{what}: expected {expected!r}, but after {PATIENCE:.0f} s it is {found!r}")
                time.sleep(0.1)
        self.checked += 1
        console.print(f"         [green]✓[/green] {what}")

    def expect_quiet(self, what: str, course: str, seen: Callable[[], Any], expected: Any) -> None:
        """
        ``seen()`` equals ``expected``, and still does when all that was published about ``course`` has been handled.
        """
        # A course's events stay in order, so when this learner's has been handled, so have those before it.
        self.publish("learner5", course, passing=True)
        self.expect(f"the next event of course {course} is handled", lambda: bool(self.report("learner5")), True)
        time.sleep(1)  # what the event might wrongly have set off would arrive about now
        self.expect(what, seen, expected)


def play(demo: Demo, stack: Stack) -> None:
    demo.say("The badge definition is loaded: (A or A online) and B; failing B takes it back.")
    console.print("         " + stack.manage("load_badges", str(Path(__file__).parent / "badges.yaml")).strip())
    demo.say("The badge templates come from Credly.")
    console.print("         " + stack.manage("sync_badge_templates", "--account", DEMO_ORGANIZATION).strip())
    stack.consumer()
    stack.worker()
    stack.other_app()

    demo.say("learner1 passes the first course.")
    demo.publish("learner1", "A", passing=True)
    demo.expect("one of two groups is done", lambda: demo.report("learner1").get("groups_done"), 1)
    demo.expect("no badge yet", lambda: (demo.report("learner1")["status"], demo.at_credly("learner1")), (None, []))

    demo.say("learner1 passes the second course.")
    demo.publish("learner1", "B", passing=True)
    demo.expect("the badge is awarded", lambda: demo.report("learner1")["status"], "awarded")
    demo.expect("it is at Credly", lambda: demo.at_credly("learner1"), ["pending"])
    demo.expect("the other app received BADGE_AWARDED", demo.signals, [("awarded", "learner1")])

    demo.say("learner2 takes the online course instead, then the second; learner3 only the first.")
    demo.publish("learner2", "A-online", passing=True)
    demo.publish("learner3", "A", passing=True)
    demo.publish("learner2", "B", passing=True)
    demo.expect("learner2 has the badge", lambda: demo.at_credly("learner2"), ["pending"])
    demo.expect("learner3 has none", lambda: demo.report("learner3").get("status"), None)
    console.print(demo.table())

    demo.say("learner1's grade in the second course is corrected: failed.")
    demo.publish("learner1", "B", passing=False)
    demo.expect("the badge is revoked", lambda: demo.report("learner1")["status"], "revoked")
    demo.expect("at Credly too", lambda: demo.at_credly("learner1"), ["revoked"])
    demo.expect("the other app received BADGE_REVOKED", lambda: demo.signals()[-1], ("revoked", "learner1"))

    demo.say("learner1 passes again.")
    demo.publish("learner1", "B", passing=True)
    demo.expect("the badge is awarded again", lambda: demo.report("learner1")["status"], "awarded")
    demo.expect("with a new one at Credly", lambda: demo.at_credly("learner1"), ["revoked", "pending"])

    demo.say("The bus delivers learner1's last event once more.")
    before = (demo.report("learner1"), demo.posts("learner1"), len(demo.signals()))
    demo.publish("learner1", "B", passing=True, again=True)
    demo.expect_quiet(
        "nothing changes, nobody is told, nothing is issued",
        "B",
        lambda: (demo.report("learner1"), demo.posts("learner1"), len(demo.signals())),
        before,
    )

    demo.say("Credly answers the next three requests with 500; learner4 passes both courses meanwhile.")
    demo.break_credly("500", 3)
    demo.publish("learner4", "A", passing=True)
    demo.publish("learner4", "B", passing=True)
    demo.expect("the badge is awarded all the same", lambda: demo.report("learner4").get("status"), "awarded")
    demo.expect("Credly was asked until it could", lambda: demo.posts("learner4"), 4)
    demo.expect("and has the badge, once", lambda: demo.at_credly("learner4"), ["pending"])
    demo.expect("nothing is left over", lambda: demo.report("learner4")["pending_deliveries"], 0)
    console.print(demo.table())


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="openedx-badges-") as directory:
        data_dir = Path(directory)
        with Supervisor(data_dir / "logs") as supervisor:
            stack = Stack(supervisor, data_dir)
            os.environ.update(stack.env)
            try:
                console.print("Starting an event bus, a schema registry and a sandbox Credly, each its own process …")
                stack.servers()
                django.setup()
                stack.manage("migrate", "--verbosity=0")
                demo = Demo(stack)
                play(demo, stack)
            except (Missed, SupervisorError) as error:
                console.print(f"\n[red]✗ {error}[/red]", markup=True)
                for process in supervisor.processes.values():
                    console.print(f"\n--- the end of {process.name}'s log ---\n{process.tail(15)}", markup=False)
                return 1
            console.print(
                f"\n[bold green]All {demo.checked} expectations were met[/bold green] "
                f"in {time.monotonic() - demo.started:.0f} s."
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
