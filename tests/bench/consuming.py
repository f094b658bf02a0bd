"""
Events a second of ``consume_events``, from a backlog in Kafka: ``python -m tests.bench.consuming SIZES`` prints JSON.
``DATABASE_URL`` must be set; that database is migrated, and is filled here.

Every variant reads the same kind of backlog once a round, in turn, and every second round backwards; ratios are what
counts, of the rates of one round, the stock consumer with an empty receiver being 1. Where a few percent are to be
told, the empty receiver and ours take turns within one process, many times a minute, and 1 is its rate there: that
tells what the receiver costs, and the rate of the whole process roughly what the app costs otherwise.

Where nothing is written, time runs from the first event's receivers to the last one's: the stock class commits in the
background, and how long that takes after the last event depends on the broker. Where every event is written, it runs
until the last one's offset is committed, because only then it is done. Two consumers begin together: each waits at its
first event for the other's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from credentials_settings.sandbox.supervisor import Supervisor
from scripts.services import addresses
from tests.bench import sizes
from tests.bench.variants import VARIANTS, Variant
from tests.integration.bus import Kafka, consume, kafka
from tests.integration.peers import ROOT

POLL_SECONDS = 0.02

TURNS = 200
"""Of a backlog; half a second or less each, so what the machine does to one it does to the next."""


class Course:
    """Where the variants run: the bus, the backlogs, and what consumers need to know."""

    def __init__(self, bus: Kafka, supervisor: Supervisor, directory: Path, size: sizes.Sizes) -> None:
        self.bus = bus
        self.supervisor = supervisor
        self.directory = directory
        self.size = size
        self.variants = [variant for variant in VARIANTS if variant.quick or size.all_variants]
        self.env = {
            **bus.env,
            "DATABASE_URL": os.environ["DATABASE_URL"],  # and never the project's own
            "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
            "PYTHONHASHSEED": "0",  # or each process has its own luck with its dictionaries
        }
        self._fill()

    def _run(self, *arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], cwd=ROOT, env={**os.environ, **self.env}, check=True)

    def _fill(self) -> None:
        """All that will be read, before anything is measured."""
        counts = {"unmatched": self.size.backlog, "changing": self.size.changing}
        kinds = {
            self.topic(variant, attempt, part): variant.backlog
            for variant in self.variants
            for attempt in range(self.size.rounds)
            for part in range(variant.consumers)
        }
        asked: list[str] = []
        for topic, backlog in kinds.items():
            self.bus.create_topic(topic, partitions=self.size.partitions)
            kind = "unmatched" if backlog == "unmatched" else "changing"
            asked += [kind, topic, str(counts.get(backlog, self.size.unbatched))]
        self._run("-m", "tests.bench.backlog", *asked)

    @staticmethod
    def topic(variant: Variant, attempt: int, part: int) -> str:
        """Where a consumer's backlog waits; events that change something do so once, so each round has its own."""
        name = f"{variant.backlog.replace(' ', '-')}-{part}"
        return name if variant.backlog == "unmatched" else f"{name}-{attempt}"

    def rates(self, variant: Variant, attempt: int) -> tuple[float, float | None]:
        """Events a second, of all its consumers; and with the empty receiver in the same process."""
        topics = [self.topic(variant, attempt, part) for part in range(variant.consumers)]
        meters = [self.directory / f"meter-{VARIANTS.index(variant)}-{attempt}-{topic}" for topic in topics]
        runs = [Reading(self, variant, topic, meters, number) for number, topic in enumerate(topics)]
        while sum(run.is_over() for run in runs) < len(runs):
            time.sleep(POLL_SECONDS)
        for run in runs:
            run.kill()
        if variant.turns:
            ours, empty = runs[0].turns
            return ours, empty
        spent = max(run.ended for run in runs) - max(run.began for run in runs)
        return sum(run.events for run in runs) / spent, None


class Reading:
    """
    One consumer with a topic of its own, from its first event to the end, on the clock of ``time.monotonic``; the
    ``meters`` are those of all that are measured together, its own one at the place ``number``.
    """

    def __init__(self, course: Course, variant: Variant, topic: str, meters: Sequence[Path], number: int) -> None:
        self._course, self._variant, self._topic = course, variant, topic
        self._meter = meters[number]
        self._name = self._meter.name.removeprefix("meter-")
        self._ends = course.bus.ends(topic)
        self._group = f"{topic}-{self._name}"
        self.events = sum(self._ends.values())
        self.ended = 0.0
        turn = max(self.events // TURNS, 1) if variant.turns else 0
        assert not turn or self.events % turn == 0, f"{self.events} events are no whole turns of {turn}"
        course.bus.move(self._group, topic, dict.fromkeys(self._ends, 0))
        env = {
            **course.env,
            "EVENT_BUS_CONSUMER": variant.consumer,
            "BENCH_BADGES": json.dumps(variant.badges),
            "METER": str(self._meter),
            "METER_EVENTS": str(self.events),
            "METERS": os.pathsep.join(map(str, meters)),
            "METER_TURN": str(turn),
        }
        self._process = consume(course.supervisor, self._name, topic, self._group, env)

    @property
    def began(self) -> float:
        return self._told("first") or 0.0

    def is_over(self) -> bool:
        """Whether all is done; notes when it first is."""
        if not self.ended:
            assert self._process.running, self._process.tail()
            last = self._told("last")
            if last is not None and self._variant.backlog == "unmatched":
                self.ended = last
            elif last is not None and self._course.bus.committed(self._group, self._topic) == self._ends:
                self.ended = time.monotonic()
        return bool(self.ended)

    @property
    def turns(self) -> Sequence[float]:
        """Events a second with our receiver and with the empty one, of those that take turns."""
        return tuple(json.loads(self._file("turns").read_text()))

    def _told(self, which: str) -> float | None:
        file = self._file(which)
        return float(file.read_text()) if file.exists() else None

    def _file(self, which: str) -> Path:
        return self._meter.with_name(f"{self._meter.name}-{which}")

    def kill(self) -> None:
        """What was to be seen has been seen, and an orderly end takes more than a second."""
        self._course.supervisor.kill(self._name)


def measure(size: sizes.Sizes) -> list[dict[str, Any]]:
    known = addresses.known()
    with (
        TemporaryDirectory() as directory,
        kafka(known["KAFKA_BOOTSTRAP_SERVERS"], known["SCHEMA_REGISTRY_URL"]) as bus,
        Supervisor(Path(directory)) as supervisor,
    ):
        course = Course(bus, supervisor, Path(directory), size)
        measured: dict[str, list[tuple[float, float | None]]] = {variant.name: [] for variant in course.variants}
        for attempt in range(size.rounds):
            for variant in reversed(course.variants) if attempt % 2 else course.variants:
                measured[variant.name].append(course.rates(variant, attempt))
    return [
        {
            "variant": name,
            "rates": [rate for rate, _ in each],
            "empty": [rate for _, rate in each if rate is not None],
        }
        for name, each in measured.items()
    ]


if __name__ == "__main__":
    print(json.dumps(measure(sizes.Sizes(**json.loads(sys.argv[1])))))
