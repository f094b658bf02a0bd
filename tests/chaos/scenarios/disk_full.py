"""
SQLite's disk is full, or its database read-only, in the middle of events: a clear error, no half state, and nothing is
lost when there is room again (S35).
"""

from __future__ import annotations

from tests.chaos import faults
from tests.chaos.histories import histories
from tests.chaos.scene import Scene
from tests.chaos.tampering import tampering
from tests.integration.bus import PATIENCE
from tests.integration.courses import badge

CODES = {"full": "SQLITE_FULL", "read-only": "SQLITE_READONLY"}


def run(scene: Scene) -> None:
    both = badge("AB", penalties="AB")
    scene.load(both)
    topic = scene.topic()
    published = histories(scene.chance, both, "AB", scene.learners(scene.count(60, 30)), 6)
    lines = [line for history in published.values() for line in history]
    parts = [lines[number::4] for number in range(4)]
    disk = scene.directory / "disk.txt"
    scene.tell(disk, "well")
    tampered = {**tampering(f"{faults.__name__}.spoil_disk"), "DISK": str(disk)}
    sweeper = scene.sweeper(**tampered)

    # One that waits for it, as is the default, ...
    consumer = scene.consumer("patient", topic, **tampered)
    for trouble in scene.chance.sample(sorted(CODES), 2):
        part = parts.pop()
        middle = scene.handled() + scene.chance.randrange(3, len(part) // 2)
        scene.publish(topic, part[: len(part) // 2])
        scene.wait("the middle of the events", lambda: scene.handled() >= middle, consumer, sweeper)  # noqa: B023
        scene.inject(f"disk {trouble}")
        scene.tell(disk, trouble)
        scene.publish(topic, part[len(part) // 2 :])
        told = f"OperationalError {CODES[trouble]}"
        scene.wait("a clear error", lambda: told in consumer.output(), consumer, sweeper)  # noqa: B023
        scene.tell(disk, "well")
        scene.wait_until_consumed(topic, consumer, sweeper)
    scene.supervisor.stop(consumer.name)

    # ... and one that does not.
    scene.inject("disk full for too long")
    scene.tell(disk, "full")
    scene.publish(topic, parts.pop())
    consumer = scene.consumer("impatient", topic, {"DATABASE_WAIT": 1}, **tampered)
    code = consumer.wait(PATIENCE)
    assert code == 1 and "stops without committing" in consumer.output(), f"exit code {code}:\n{consumer.tail()}"
    scene.tell(disk, "well")
    scene.publish(topic, parts.pop())
    processes = [scene.consumer("replacement", topic, **tampered), sweeper]
    scene.wait_until_consumed(topic, *processes)
    scene.heal()  # what there was no room to handle there may have been room to keep
    scene.reconcile(both, published, *processes)
