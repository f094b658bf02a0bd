"""
Credly fails in every way it can while badges are issued and revoked: errors, silence, lost connections, garbage,
answers that are lost when all was done, a request to wait, a key that is refused (S28-S31).
"""

from __future__ import annotations

from itertools import pairwise

from tests.chaos.histories import histories
from tests.chaos.scene import Scene
from tests.integration.courses import badge

MODES = ("500", "503", "garbage", "timeout", "reset", "drop_after_commit")
RETRY_AFTER = 4
"""Seconds; longer than any other pause that the scenario's settings allow."""


def run(scene: Scene) -> None:
    both = badge("AB", penalties="AB")
    scene.load(both)
    topic = scene.topic()
    published = histories(scene.chance, both, "AB", scene.learners(scene.count(150, 60)), 6)
    lines = [line for history in published.values() for line in history]
    part = len(lines) // 3
    consumer = scene.consumer("consumer", topic)

    # One worker, so that requests come one after the other and the pause is seen between two of them.
    sweeper = scene.sweeper()
    scene.world.forget_traffic()
    scene.world.order_fault(match="POST /badges", mode="429", retry_after=RETRY_AFTER)
    scene.publish(topic, lines[:part])
    scene.wait("the answer 429", lambda: scene.world.faults()[0]["injected"], consumer, sweeper)
    scene.inject("429", note=f"Retry-After: {RETRY_AFTER}")
    scene.wait("a request after the pause", lambda: longest_pause(scene) >= RETRY_AFTER, consumer, sweeper)
    scene.world.clear_faults()

    # To issue is tried again until all of them happened; how many revocations are sent is left to chance.
    modes = [*MODES * scene.count(3, 1)]
    scene.chance.shuffle(modes)
    for mode in modes:
        for method in ("POST", "PUT"):
            scene.world.order_fault(match=f"{method} /badges", mode=mode)
    workers = (sweeper, scene.sweeper("other-sweeper"))
    scene.publish(topic, lines[part : 2 * part])
    scene.wait("all faults", lambda: not any(left(scene, "POST")), consumer, *workers)

    # A key is replaced there first, and here when somebody has noticed. The old one would pause the account for good.
    new_key = f"key-{scene.chance.getrandbits(64):x}"
    scene.world.replace_key(new_key)
    scene.inject("key replaced")
    try:
        scene.publish(topic, lines[2 * part :])
        scene.wait("the pause", lambda: any("is paused" in one.output() for one in workers), consumer, *workers)
        scene.world.save_key(new_key)
        scene.wait_until_consumed(topic, consumer, *workers)
        scene.reconcile(both, published, consumer, *workers)
        for order in scene.world.faults():
            if order["injected"]:
                scene.inject(f"{order['mode']} to {order['match']}", order["injected"])
    finally:
        scene.world.clear_faults()
        scene.world.save_key(new_key)


def longest_pause(scene: Scene) -> float:
    """Between two requests, in seconds."""
    return max((after - before for before, after in pairwise(scene.world.traffic()["arrivals"])), default=0)


def left(scene: Scene, method: str) -> list[int]:
    """How often each order for that method is still to take effect."""
    return [order["remaining"] for order in scene.world.faults() if order["match"].startswith(method)]
