"""One event of a hundred cannot be handled until its cause is mended; nothing else waits for it (S34)."""

from __future__ import annotations

from tests.chaos import faults
from tests.chaos.histories import histories
from tests.chaos.scene import Scene
from tests.chaos.tampering import tampering
from tests.integration.courses import badge


def run(scene: Scene) -> None:
    both = badge("AB", penalties="AB")
    scene.load(both)
    topic = scene.topic()
    published = histories(scene.chance, both, "AB", scene.learners(scene.count(200, 60)), 5)
    lines = [line for history in published.values() for line in history]
    poisoned = [line["id"] for line in scene.chance.sample(lines, len(lines) // 100)]
    cause = scene.directory / "poison.txt"
    cause.write_text("\n".join(poisoned))
    tampered = {**tampering(f"{faults.__name__}.poison"), "POISON": str(cause)}

    consumers = [scene.consumer(name, topic, **tampered) for name in ("first", "second")]
    processes = [*consumers, *(scene.sweeper(name, **tampered) for name in ("sweeper", "other-sweeper"))]
    scene.publish(topic, lines)
    scene.inject("event that raises", len(poisoned))
    scene.wait_until_consumed(topic, *processes)
    scene.reconcile(both, published, *processes, failed=poisoned)

    cause.unlink()
    scene.inject("cause mended")
    scene.heal(**tampered)
    scene.reconcile(both, published, *processes)
