"""
The bus does not answer while badges are announced, and processes die right after a send: every announcement arrives
(S21).
"""

from __future__ import annotations

import signal

from scripts.services.kafka import NAMES
from tests.chaos import faults
from tests.chaos.histories import histories
from tests.chaos.scene import Scene
from tests.chaos.servers import silent
from tests.chaos.tampering import tampering
from tests.integration.bus import PATIENCE
from tests.integration.courses import badge

NOT_TAKEN = "was not announced"
NO_REGISTRY = "Either the schema registry does not answer"


def run(scene: Scene) -> None:
    both = badge("AB", penalties="AB")
    scene.load(both)
    topic = scene.topic()
    published = histories(scene.chance, both, "AB", scene.learners(scene.count(100, 50)), 6)
    lines = [line for history in published.values() for line in history]
    before, after = lines[::2], lines[1::2]  # each learner's in both
    scene.publish(topic, before)

    # What it has fetched by then a consumer handles, and decides, without the bus.
    consumer = scene.consumer("consumer", topic, {"BATCH_SIZE": 5})  # so that it does not do it all in a moment
    start = scene.chance.randrange(5, len(before) // 4)
    scene.wait("some events", lambda: scene.handled() >= start, consumer)
    with silent("registry"):
        with silent(*NAMES):
            scene.inject("bus silent")
            scene.wait("announcements that fail", lambda: consumer.output().count(NOT_TAKEN) >= 2, consumer)
        # A process that has not announced yet has to ask the registry for the schema.
        scene.inject("registry silent")
        sweeper = scene.sweeper()
        scene.wait("announcements that fail", lambda: NO_REGISTRY in sweeper.output(), consumer, sweeper)

    scene.supervisor.kill(consumer.name)
    scene.publish(topic, after)
    deaths = scene.count(3, 2)
    for number in range(deaths):
        sends = scene.chance.randrange(1, 6)
        env = {**tampering(f"{faults.__name__}.die_after_send"), "DIE_AFTER_SENDS": str(sends)}
        mortal = scene.consumer(f"mortal-{number}", topic, **env)
        code = mortal.wait(PATIENCE)
        assert code == -signal.SIGKILL, f"exit code {code}:\n{mortal.tail()}"
        scene.inject("killed after a send")
    processes = [scene.consumer("last", topic), sweeper]
    scene.wait_until_consumed(topic, *processes)
    scene.reconcile(both, published, *processes)
    repeats = scene.findings.repeats
    assert repeats >= deaths, f"{deaths} announcements were sent and not recorded, {repeats} were sent again"
