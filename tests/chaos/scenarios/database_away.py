"""
The database stopped and killed under load: consumers wait for it, or end without a commit when that takes too long
(S35).
"""

from __future__ import annotations

from tests.chaos.histories import histories
from tests.chaos.scene import Scene
from tests.chaos.servers import away
from tests.integration.bus import PATIENCE
from tests.integration.courses import badge

WAITS = "The database cannot be used"


def run(scene: Scene) -> None:
    both = badge("AB", penalties="AB")
    scene.load(both)
    topic, server = scene.topic(), scene.stage.database
    published = histories(scene.chance, both, "AB", scene.learners(scene.count(150, 60)), 4)
    lines = [line for history in published.values() for line in history]
    parts = [lines[number::4] for number in range(4)]  # as the minutes pass, with all learners in each
    sent = 0

    def send_until_in_the_middle_of_it() -> None:
        nonlocal sent
        scene.publish(topic, parts.pop(0))
        middle = sent + scene.chance.randrange(5, len(lines) // 8)
        sent += len(lines) // 4
        scene.wait("the middle of the events", lambda: scene.handled() >= middle, *processes)

    def end_it_and_bring_it_back(how: str) -> None:
        waited = consumer.output().count(WAITS)
        scene.inject(f"database {how}")
        with away(server, by=how):
            scene.publish(topic, lines[:5])  # again, in case it has handled all others by now
            scene.wait("its waiting", lambda: consumer.output().count(WAITS) > waited, *processes)

    consumer, sweeper = scene.consumer("patient", topic), scene.sweeper()
    processes = [consumer, sweeper]
    for how in scene.chance.sample(["stop", "kill"], 2):
        send_until_in_the_middle_of_it()
        end_it_and_bring_it_back(how)
    scene.wait_until_consumed(topic, *processes)
    scene.supervisor.stop(consumer.name)

    consumer = scene.consumer("impatient", topic, {"DATABASE_WAIT": 1})
    processes = [consumer, sweeper]
    sent = scene.handled()
    send_until_in_the_middle_of_it()
    with away(server):
        scene.inject("database away for too long")
        scene.publish(topic, parts.pop(0))  # none of which was seen before
        code = consumer.wait(PATIENCE)
    assert code == 1 and "stops without committing" in consumer.output(), f"exit code {code}:\n{consumer.tail()}"
    committed = sum(scene.bus.committed(scene.group(topic), topic).values())
    assert committed <= scene.handled(), f"{committed} offsets were committed, {scene.handled()} events handled"

    scene.publish(topic, lines[:5])
    processes = [scene.consumer("replacement", topic), sweeper]
    scene.wait_until_consumed(topic, *processes)
    scene.heal()  # one that the database left in the middle may have found it back when it was to be kept
    scene.reconcile(both, published, *processes)
