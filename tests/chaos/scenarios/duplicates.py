"""Every event three times, in random order, over three partitions and two consumers (S7, S8, S9)."""

from __future__ import annotations

from tests.chaos.histories import histories
from tests.chaos.scene import Scene
from tests.integration.bus import COURSE_KEY, EMAIL, USERNAME
from tests.integration.courses import badge


def run(scene: Scene) -> None:
    both = badge("AB", penalties="AB")
    scene.load(both)
    topic = scene.topic()
    published = histories(scene.chance, both, "AB", scene.learners(scene.count(120, 40)), 5)
    lines = [line for history in published.values() for line in history]
    copies = [*lines, *lines, *lines]
    scene.chance.shuffle(copies)
    consumers = [scene.consumer(name, topic) for name in ("first", "second")]
    sweeper = scene.sweeper()
    # The copies of one event have different keys, and so come over different partitions.
    scene.publish(topic, copies, COURSE_KEY, USERNAME, EMAIL)
    scene.inject("copy out of order", len(copies) - len(lines))
    assert all(scene.bus.ends(topic).values())
    scene.wait_until_consumed(topic, *consumers, sweeper)
    scene.reconcile(both, published, *consumers, sweeper)
