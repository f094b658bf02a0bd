"""One run of one scenario: its processes, its faults, and the comparison at its end."""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from credentials_settings.sandbox.supervisor import Process, Supervisor
from tests.chaos import reconciliation
from tests.chaos.reconciliation import Findings
from tests.chaos.stage import OURS, SHORT, Stage
from tests.integration.bus import LIFECYCLE, USERNAME, consume, wait_for
from tests.integration.courses import Badge
from tests.integration.peers import ROOT

Histories = Mapping[int, Sequence[dict[str, Any]]]
"""The different events of each learner, by LMS user id."""


class Scene:
    """``injected`` and ``findings`` are what is told of it at the end."""

    def __init__(self, stage: Stage, supervisor: Supervisor, chance: random.Random, *, quick: bool) -> None:
        self.stage = stage
        self.world = stage.world
        self.bus = stage.bus
        self.supervisor = supervisor
        self.directory: Path = supervisor.log_dir
        self.directory.mkdir(parents=True)
        self.chance = chance
        self.quick = quick
        self.injected: Counter[str] = Counter()
        self.findings = Findings()
        self._witness = self.directory / "witness.jsonl"

    def count(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def inject(self, what: str, times: int = 1, note: str = "") -> None:
        """Say and count a fault; call it when it happens."""
        self.injected[what] += times
        print(f"    {what}{f' × {times}' if times > 1 else ''}{f': {note}' if note else ''}", flush=True)

    def tell(self, file: Path, text: str) -> None:
        """What a file says to processes that may look at it at any moment: all or nothing of it."""
        part = file.with_suffix(".part")
        part.write_text(text)
        part.replace(file)

    # --- what it works with ---

    def load(self, *badges: Badge) -> None:
        """Templates of which Credly itself would issue as many badges to a learner as it is asked for."""
        self.world.load(*badges, allow_duplicate_badges=True)

    def learners(self, count: int) -> range:
        return self.world.learners(count)

    def topic(self, partitions: int = 3) -> str:
        return self.bus.create_topic(partitions=partitions)

    def env(self, badges: Mapping[str, Any] | None = None, **env: str) -> dict[str, str]:
        """For a process of this scenario, with some options of ``BADGES`` and some variables of its own."""
        return self.world.env(badges, **{**OURS, "WITNESS": str(self._witness), **env})

    def publish(self, topic: str, lines: Sequence[dict[str, Any]], *keys: str) -> None:
        """Send events as the platform does; those of one learner to one partition, or by other ``keys``."""
        self.world.peers[0].ask("publish", lines=lines, topic=topic, keys=keys or [USERNAME])

    # --- processes ---

    def consumer(
        self,
        name: str,
        topic: str,
        badges: Mapping[str, Any] | None = None,
        kafka: Mapping[str, Any] | None = None,
        **env: str,
    ) -> Process:
        """Our consumer, with librdkafka settings of its own in ``kafka``; all of a topic are one group."""
        settings = {**(badges or {}), "KAFKA_SETTINGS": {**SHORT["KAFKA_SETTINGS"], **(kafka or {})}}
        return consume(self.supervisor, name, topic, self.group(topic), self.env(settings, **env))

    def group(self, topic: str) -> str:
        return f"{self.bus.prefix}-{topic}"

    def sweeper(self, name: str = "sweeper", badges: Mapping[str, Any] | None = None, **env: str) -> Process:
        """Executes what is due, as a deployment without Celery does."""
        command = [sys.executable, "manage.py", "deliver_badges", "--loop"]
        return self.supervisor.start(name, command, env=self.env(badges, **env), cwd=ROOT)

    def celery(self, name: str, broker: str, *arguments: str) -> Process:
        """``celery -A credentials_settings`` with these arguments."""
        command = [sys.executable, "-m", "celery", "-A", "credentials_settings", *arguments, "--loglevel=INFO"]
        env = self.env({"ENQUEUE": True}, CELERY_BROKER_URL=broker)
        return self.supervisor.start(name, command, env=env, cwd=ROOT)

    def manage(self, *arguments: str, badges: Mapping[str, Any] | None = None, **env: str) -> str:
        """Run a management command to its end, which has to be a good one; what it printed."""
        return self.world.manage(*arguments, badges=badges, **{**OURS, "WITNESS": str(self._witness), **env})

    def heal(self, **env: str) -> None:
        """What failed while it could not be handled is handled now, as the sweep does after a minute (S34)."""
        said = self.manage("retry_failed_events", **env)
        assert " failed=0" in said, said  # what a sweep has healed meanwhile is not counted

    # --- how far it is ---

    def wait(self, what: str, seen: Callable[[], Any], *processes: Process) -> Any:
        """Until ``seen()``; fails when it takes for ever, or when one of the processes ends meanwhile."""
        return wait_for(what, seen, *processes)

    def handled(self) -> int:
        """How many events the consumers are through with, those that came again included."""
        return self._witness.read_bytes().count(b'"event"') if self._witness.exists() else 0

    def delivered(self, badge: Badge) -> int:
        """How many deliveries of the badge to Credly are over."""
        return int(self._ledger(badge)["over"])

    def wait_until_consumed(self, topic: str, *processes: Process) -> None:
        self.wait("all events", lambda: self.bus.is_consumed(self.group(topic), topic), *processes)

    # --- the end ---

    def reconcile(self, badge: Badge, histories: Histories, *processes: Process, failed: Collection[str] = ()) -> None:
        """
        Wait until no delivery of the badge is open and the other app has read all announcements, then compare.

        ``processes`` are those that have to bring the deliveries to an end; ``histories`` all that was published;
        ``failed`` the ids of the events among them, and of no others, that have to be failed events now.
        """
        self.wait("the end of all deliveries", lambda: self._ledger(badge)["open"] == 0, *processes)
        other_app = self.stage.other_app
        self.wait("the announcements", lambda: self.bus.is_consumed(self.stage.group, LIFECYCLE), other_app.process)
        ledger = self._ledger(badge)
        assert ledger["failed"] == 0, f"{ledger['failed']} deliveries failed"
        waiting = set(self.world.peers[0].ask("failed_events"))
        self.findings.lost += [f"event {event} was neither handled nor kept" for event in set(failed) - waiting]
        self.findings.lost += [f"event {event} has failed" for event in waiting.difference(failed)]
        seen = self._witnessed()
        self.findings.lost += [
            f"event {line['id']} reached no consumer to the end"
            for history in histories.values()
            for line in history
            if line["id"] not in seen
        ]
        found = reconciliation.reconcile(
            badge,
            {
                f"learner{learner}": [line for line in history if line["id"] not in failed]
                for learner, history in histories.items()
            },
            self._ours(badge, ledger, failed=len(waiting)),
            self._announced(badge),
            self._external(badge),
        )
        self.findings.lost += found.lost
        self.findings.duplicated += found.duplicated
        self.findings.repeats += found.repeats
        holders = sum(status == "awarded" for _, status in ledger["credentials"].values())
        assert 0 < holders < len(histories), f"{holders} of {len(histories)} hold the badge: this proves little"

    def _witnessed(self) -> set[str]:
        """The ids of the events that a consumer was through with."""
        lines = self._witness.read_text().splitlines() if self._witness.exists() else []
        return {fact["event"] for fact in map(json.loads, lines) if "event" in fact}

    def _ledger(self, badge: Badge) -> dict[str, Any]:
        found: dict[str, Any] = self.world.peers[0].ask("ledger", template=badge.uuid)
        return found

    def _ours(self, badge: Badge, ledger: Mapping[str, Any], failed: int) -> reconciliation.Ours:
        return reconciliation.Ours(
            [reconciliation.Entry(*entry) for entry in ledger["entries"]],
            {name: row["fulfilled"] for name, row in self.world.standing(badge, failed=failed).items()},
            {name: reconciliation.Credential(*credential) for name, credential in ledger["credentials"].items()},
        )

    def _announced(self, badge: Badge) -> list[reconciliation.Announcement]:
        return [
            reconciliation.Announcement(line["type"].split(".")[-2], line["credential"], line["time"])
            for line in self.stage.other_app.received()
            if line["template"] == badge.uuid
        ]

    def _external(self, badge: Badge) -> dict[str, reconciliation.External]:
        answer = requests.get(f"{self.world.credly.control_url}badges", timeout=10).json()
        return {
            row["recipient_email"].removesuffix("@example.com"): reconciliation.External(row["created"], row["live"])
            for row in answer["posts"]
            if row["badge_template_id"] == badge.uuid
        }

    # --- in words ---

    def injections(self) -> str:
        return ",".join(f"{what.replace(' ', '-')}:{times}" for what, times in self.injected.items()) or "nothing"

    def keep(self) -> None:
        """Leave the findings beside the logs."""
        text = json.dumps({"lost": self.findings.lost, "duplicated": self.findings.duplicated}, indent=2)
        (self.directory / "findings.json").write_text(text)
