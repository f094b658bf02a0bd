"""
Events a second of ``consume_events``, from a backlog in Kafka: ``python -m tests.bench.consuming SIZES`` prints JSON.

Every variant reads the same kind of backlog in the same run; ratios are what counts, the stock consumer with an empty
receiver is 1. Where nothing is written, time runs from the first event's receivers to the last one's: the stock class
commits in the background, and how long that takes after the last event depends on the broker. Where every event is
written, it runs until the last one's offset is committed, because only then it is done.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from credentials_settings.sandbox.supervisor import Supervisor
from scripts.services import addresses
from tests.bench import sizes
from tests.integration.bus import OUR_CONSUMER, STOCK_CONSUMER, Kafka, consume, kafka
from tests.integration.databases import fresh_database
from tests.integration.peers import ROOT

POLL_SECONDS = 0.02


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to consume. ``backlog`` names what is read; ``badges`` are options of ``BADGES``."""

    name: str
    consumer: str
    backlog: str
    badges: Mapping[str, Any]


VARIANTS = (
    Variant("stock class, empty receiver", STOCK_CONSUMER, "unmatched", {"EVENT_TYPES": []}),
    Variant("stock class, unmatched", STOCK_CONSUMER, "unmatched", {}),
    Variant("our class, unmatched", OUR_CONSUMER, "unmatched", {}),
    Variant("our class, every event fulfils", OUR_CONSUMER, "changing", {}),
    Variant("the same, one by one", OUR_CONSUMER, "unbatched", {"BATCH_SIZE": 1}),
)


class Course:
    """Where the variants run: a database, a bus, and the backlogs."""

    def __init__(self, bus: Kafka, supervisor: Supervisor, directory: Path, database: str, size: sizes.Sizes) -> None:
        self.bus = bus
        self.supervisor = supervisor
        self.directory = directory
        self.size = size
        self.env = {**bus.env, "DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "tests.bench.settings"}
        self._counts = {"unmatched": size.backlog, "changing": size.changing, "unbatched": size.unbatched}
        self._topics: dict[str, str] = {}
        self._run("manage.py", "migrate", "--verbosity=0")

    def _run(self, *arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], cwd=ROOT, env={**os.environ, **self.env}, check=True)

    def topic(self, backlog: str) -> str:
        """The topic in which the backlog waits; filled when it is asked for first."""
        if backlog not in self._topics:
            topic = self._topics[backlog] = self.bus.create_topic(backlog, partitions=self.size.partitions)
            kind = [] if backlog == "unmatched" else ["--changing"]
            self._run("-m", "tests.bench.backlog", topic, str(self._counts[backlog]), *kind)
        return self._topics[backlog]

    def rate(self, variant: Variant, attempt: int) -> float:
        """Events a second."""
        topic = self.topic(variant.backlog)
        ends = self.bus.ends(topic)
        events = sum(ends.values())
        name = f"{VARIANTS.index(variant)}-{attempt}"
        group = f"{topic}-{name}"
        self.bus.move(group, topic, dict.fromkeys(ends, 0))
        meter = self.directory / f"meter-{name}"
        env = {
            **self.env,
            "EVENT_BUS_CONSUMER": variant.consumer,
            "BENCH_BADGES": json.dumps(variant.badges),
            "METER": str(meter),
            "METER_EVENTS": str(events),
        }
        process = consume(self.supervisor, name, topic, group, env)
        first, last = (meter.with_name(f"{meter.name}-{which}") for which in ("first", "last"))
        while not last.exists():
            assert process.running, process.tail()
            time.sleep(POLL_SECONDS)
        ended = float(last.read_text())
        if variant.backlog != "unmatched":
            while self.bus.committed(group, topic) != ends:
                assert process.running, process.tail()
                time.sleep(POLL_SECONDS)
            ended = time.monotonic()
        self.supervisor.stop(name)
        return events / (ended - float(first.read_text()))


def measure(size: sizes.Sizes) -> list[dict[str, Any]]:
    known = addresses.known()
    with (
        TemporaryDirectory() as directory,
        kafka(known["KAFKA_BOOTSTRAP_SERVERS"], known["SCHEMA_REGISTRY_URL"]) as bus,
        fresh_database(known["POSTGRES_URL"]) as database,
        Supervisor(Path(directory)) as supervisor,
    ):
        course = Course(bus, supervisor, Path(directory), database, size)
        best: dict[str, float] = {}
        for attempt in range(size.rounds):
            for variant in VARIANTS:
                if attempt and variant.backlog != "unmatched":  # what was changed once is not changed again
                    continue
                best[variant.name] = max(best.get(variant.name, 0.0), course.rate(variant, attempt))
    stock = best[VARIANTS[0].name]
    return [{"variant": name, "per_second": rate, "ratio": rate / stock} for name, rate in best.items()]


if __name__ == "__main__":
    print(json.dumps(measure(sizes.Sizes(**json.loads(sys.argv[1])))))
