"""
The clocks of the hosts step an hour back and forth, each on its own, while badges are issued and revoked and Credly
fails now and then (S21, S39): nothing waits for an hour, nothing is done twice.
"""

from __future__ import annotations

from tests.chaos import faults
from tests.chaos.histories import histories
from tests.chaos.scene import Scene
from tests.chaos.tampering import tampering
from tests.integration.courses import badge

HOUR = 3600
CONSUMERS, SWEEPERS = ("first", "second"), ("sweeper", "other-sweeper")
MODES = ("500", "timeout", "drop_after_commit")


def run(scene: Scene) -> None:
    both = badge("AB", penalties="AB")
    scene.load(both)
    topic = scene.topic()
    published = histories(scene.chance, both, "AB", scene.learners(scene.count(120, 40)), 6)
    lines = [line for minute in zip(*published.values(), strict=True) for line in minute]  # a learner's far apart
    clocks = {name: scene.directory / f"{name}-clock" for name in (*CONSUMERS, *SWEEPERS)}
    for file in clocks.values():
        scene.tell(file, "0")
    hosts = {name: {**tampering(f"{faults.__name__}.turn_clock"), "CLOCK": str(file)} for name, file in clocks.items()}
    processes = [scene.consumer(name, topic, **hosts[name]) for name in CONSUMERS]
    processes += [scene.sweeper(name, **hosts[name]) for name in SWEEPERS]
    for mode in MODES:
        scene.world.order_fault(match="POST /badges", mode=mode, times=scene.count(6, 2))
    try:
        steps = scene.count(12, 6)
        share = len(lines) // (steps + 1)
        for number in range(steps):
            there = scene.handled()
            scene.publish(topic, lines[number * share : (number + 1) * share])
            middle = there + scene.chance.randrange(share)
            scene.wait("some events", lambda: scene.handled() >= middle, *processes)  # noqa: B023
            name = scene.chance.choice((CONSUMERS, SWEEPERS)[number % 2])
            file = clocks[name]
            hours = scene.chance.choice([hours for hours in (-1, 0, 1) if hours * HOUR != int(file.read_text())])
            scene.tell(file, str(hours * HOUR))
            scene.inject("clock stepped", note=f"{name} is {hours:+} h off")
        # Attempts that fail on hosts that are an hour ahead, until these are an hour behind.
        for name in SWEEPERS:
            scene.tell(clocks[name], str(HOUR))
        scene.world.order_fault(match="POST /badges", mode="503", times=3)
        scene.publish(topic, lines[steps * share :])
        scene.wait("failed attempts", lambda: not any(row["remaining"] for row in scene.world.faults()), *processes)
        for name in SWEEPERS:
            scene.tell(clocks[name], str(-HOUR))
        scene.inject("clock set back", len(SWEEPERS))
        scene.wait_until_consumed(topic, *processes)
        scene.reconcile(both, published, *processes)
    finally:
        scene.world.clear_faults()
