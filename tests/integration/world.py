"""A migrated database on a real server, a sandbox Credly, and processes that share them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from credentials_settings.sandbox.credly import DEMO_KEY, DEMO_ORGANIZATION, RunningCredly, running_credly
from tests.integration.courses import Badge
from tests.integration.databases import fresh_database
from tests.integration.peers import ROOT, Peer, running_peers, together

AWARDED = "org.openedx.learning.badge.awarded.v1"

Announcement = tuple[str, str, str]
"""What identifies one (S21): event type, credential, time."""


class World:
    """``env`` is what another process needs to take part."""

    def __init__(
        self, env: Mapping[str, str], settings: Mapping[str, Any], credly: RunningCredly, directory: Path
    ) -> None:
        self._env = env
        self._settings = settings
        self.credly = credly
        self.directory = directory
        self.peers: Sequence[Peer] = ()
        self._learners = 0
        self._key = DEMO_KEY

    def env(self, badges: Mapping[str, Any] | None = None, **env: str) -> dict[str, str]:
        """What a process needs to take part, with some options of ``BADGES`` and some variables of its own."""
        settings = {**self._settings, "BADGES": {**self._settings.get("BADGES", {}), **(badges or {})}}
        return {**self._env, "INTEGRATION_SETTINGS": json.dumps(settings), **env}

    def learners(self, count: int) -> range:
        """The LMS ids of learners that nobody knows yet."""
        self._learners += count
        return range(self._learners - count + 1, self._learners + 1)

    def load(self, *badges: Badge, **at_credly: Any) -> None:
        """
        The badges exist, here and at Credly, and are in force in every process. ``at_credly`` are more fields of the
        templates there.
        """
        rows = [badge.definition() for badge in badges]
        templates = [{**row, **at_credly} for row in rows]
        answer = requests.post(f"{self.credly.control_url}templates", json={"templates": templates}, timeout=10)
        answer.raise_for_status()
        self._load_definitions(rows)

    def manage(self, *arguments: str, badges: Mapping[str, Any] | None = None, **env: str) -> str:
        """Run a management command to its end, which has to be a good one; what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env={**os.environ, **self.env(badges, **env)},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    # --- what came of it ---

    def standing(self, badge: Badge, *, failed: int = 0) -> Mapping[str, Mapping[str, Any]]:
        """What ``badge_report`` says of the badge, by username; in all, that many events must have failed."""
        report = self.peers[0].ask("report")
        assert report["failed_events"] == failed
        return {name: rows[badge.uuid] for name, rows in report["learners"].items() if badge.uuid in rows}

    def holders(self, badge: Badge) -> set[str]:
        return {name for name, row in self.standing(badge).items() if row["status"] == "awarded"}

    def deliver_together(self) -> list[Mapping[str, int]]:
        """All peers execute what is due, at the same time."""
        return together(self.peers, "deliver")

    def posts(self, badge: Badge) -> Mapping[str, int]:
        """How often the issue of the badge was asked for at Credly, by username."""
        return self._at_credly(badge, "posts")

    def live(self, badge: Badge) -> Mapping[str, int]:
        """How many badges are neither revoked nor rejected at Credly, by username."""
        return self._at_credly(badge, "live")

    def order_fault(self, **order: Any) -> None:
        """Credly misbehaves from now on; see ``credentials_settings.sandbox.credly.faults``."""
        requests.post(f"{self.credly.control_url}faults", json=order, timeout=10).raise_for_status()

    def clear_faults(self) -> None:
        """Credly behaves again, and does what it held."""
        requests.delete(f"{self.credly.control_url}faults", timeout=10).raise_for_status()

    def faults(self) -> list[dict[str, Any]]:
        """The orders, with how often each took effect; see ``GET faults`` of Credly's control plane."""
        orders: list[dict[str, Any]] = requests.get(f"{self.credly.control_url}faults", timeout=10).json()["faults"]
        return orders

    def replace_key(self, key: str) -> None:
        """At Credly: the key that is stored here is refused from now on."""
        order = {"organization_id": str(DEMO_ORGANIZATION), "key": key}
        requests.post(f"{self.credly.control_url}keys", json=order, timeout=10).raise_for_status()

    def save_key(self, key: str) -> None:
        """Here, from now on."""
        self._key = key
        self._load_definitions([])

    def _load_definitions(self, templates: Sequence[Mapping[str, Any]]) -> None:
        account = {
            "provider": "credly",
            "id": str(DEMO_ORGANIZATION),
            "name": "Demo University",
            "api_key": self._key,
        }
        definitions = {"version": 1, "accounts": [account], "templates": list(templates)}
        self.peers[0].ask("load", text=yaml.safe_dump(definitions))

    def traffic(self) -> dict[str, Any]:
        """How Credly is used, see ``GET traffic`` of its control plane."""
        counted: dict[str, Any] = requests.get(f"{self.credly.control_url}traffic", timeout=10).json()
        return counted

    def forget_traffic(self) -> None:
        requests.delete(f"{self.credly.control_url}traffic", timeout=10).raise_for_status()

    def _at_credly(self, badge: Badge, what: str) -> Mapping[str, int]:
        rows = requests.get(f"{self.credly.control_url}badges", timeout=10).json()["posts"]
        return {
            row["recipient_email"].removesuffix("@example.com"): row[what]
            for row in rows
            if row["badge_template_id"] == badge.uuid
        }

    def seen(self) -> list[dict[str, Any]]:
        """What all processes have received and announced, see ``witness``."""
        file = Path(self._env["WITNESS"])
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def received(self, learners: Sequence[int]) -> list[dict[str, Any]]:
        """The events of these learners that a consumer was through with."""
        return [fact for fact in self.seen() if "event" in fact and number(fact) in learners]

    def announced(self, learners: Sequence[int]) -> Counter[Announcement]:
        """How often each announcement about these learners was made."""
        return Counter(
            (fact["type"], fact["credential"], fact["time"])
            for fact in self.seen()
            if "credential" in fact and number(fact) in learners
        )


def assert_as_in_time_order(
    world: World, badge: Badge, histories: Mapping[int, Sequence[Mapping[str, Any]]]
) -> set[str]:
    """
    What is fulfilled, and who holds the badge, is what each learner's events lead to, each handled once in time order.

    ``histories`` are the events by learner. Returns the holders.
    """
    expected = {}
    for learner, history in histories.items():
        fulfilled = badge.fulfilled(history)
        expected[f"learner{learner}"] = (fulfilled, badge.is_complete(fulfilled))
    nothing: tuple[list[str], bool] = ([], False)
    standing = world.standing(badge)
    found = {name: (row["fulfilled"], row["status"] == "awarded") for name, row in standing.items()}
    assert {name: found.get(name, nothing) for name in expected} == expected
    assert found.keys() <= expected.keys()
    holders = {name for name, (_, holds) in expected.items() if holds}
    assert set() < holders < expected.keys()  # else this proves little
    return holders


def number(fact: Mapping[str, Any]) -> int:
    return int(fact["username"].removeprefix("learner"))


def names(learners: Sequence[int]) -> set[str]:
    return {f"learner{learner}" for learner in learners}


def awarded(announcements: Iterable[Announcement]) -> Counter[str]:
    """How many different BADGE_AWARDED there are of each credential."""
    return Counter(credential for kind, credential, _ in announcements if kind == AWARDED)


@contextmanager
def world(
    server: str, directory: Path, *, peers: int, env: Mapping[str, str] | None = None, **settings: Any
) -> Iterator[World]:
    """
    A world on the database server at the address ``server``.

    ``settings`` go over those of the processes; ``env`` over their environment. Without a bus in it announcements are
    made in the process alone.
    """
    if env is None:
        settings.setdefault("EVENT_BUS_PRODUCER_CONFIG", {})
    with fresh_database(server) as database, running_credly() as credly:
        made = World(
            {
                "DJANGO_SETTINGS_MODULE": "tests.integration.settings",
                "BADGES_DATA_DIR": str(directory),
                "DATABASE_URL": database,
                "CELERY_BROKER_URL": "memory://",
                "CREDLY_API_BASE_URL": credly.url,
                "WITNESS": str(directory / "witness.jsonl"),
                **(env or {}),
            },
            settings,
            credly,
            directory,
        )
        made.manage("migrate", "--verbosity=0")
        with running_peers(peers, made.env(), directory) as made.peers:
            yield made
