"""
Consumers, and the broker that leads a partition, killed at random moments while events flow; members come and go (S7,
S9, S21).
"""

from __future__ import annotations

from tests.chaos.histories import histories
from tests.chaos.scene import Scene
from tests.chaos.servers import away
from tests.integration.bus import EMAIL, USERNAME
from tests.integration.courses import badge

PARTITIONS = 3


def run(scene: Scene) -> None:
    both = badge("AB", penalties="AB")
    scene.load(both)
    topic = scene.topic(PARTITIONS)
    published = histories(scene.chance, both, "AB", scene.learners(scene.count(500, 60)), 10)
    lines = [line for history in published.values() for line in history]
    consumers = {name: scene.consumer(name, topic) for name in ("first", "second")}
    sweepers = [scene.sweeper(name) for name in ("sweeper", "other-sweeper")]

    def kill_a_consumer() -> None:
        name = scene.chance.choice(sorted(consumers))
        scene.inject("consumer killed", note=name)
        scene.supervisor.kill(name)
        consumers[name] = scene.consumer(name, topic)

    def kill_a_leader() -> None:
        partition = scene.chance.randrange(PARTITIONS)
        broker = f"kafka-{scene.bus.leader(topic, partition)}"
        with away(broker):
            scene.inject("leader killed", note=f"{broker}, of partition {partition}")
            # Or all that was sent is handled already: batches are quick.
            enough = min(scene.handled() + 1, sent + share)
            scene.wait("progress without it", lambda: scene.handled() >= enough, *consumers.values(), *sweepers)

    def let_a_member_come_or_go() -> None:
        scene.inject("member more or less")
        if "third" in consumers:
            scene.supervisor.stop(consumers.pop("third").name)
        else:
            consumers["third"] = scene.consumer("third", topic)

    def wait_for_events(count: int) -> None:
        scene.wait(f"{count} events", lambda: scene.handled() >= count, *consumers.values(), *sweepers)

    faults = [kill_a_consumer] * scene.count(4, 2) + [kill_a_leader] * scene.count(3, 1)
    faults += [let_a_member_come_or_go] * 2
    scene.chance.shuffle(faults)
    share = len(lines) // len(faults)
    for number, inject in enumerate(faults):
        sent = number * share
        scene.publish(topic, lines[sent : sent + share], USERNAME, EMAIL)
        wait_for_events(sent + scene.chance.randrange(share // 2))
        inject()
    scene.publish(topic, lines[len(faults) * share :], USERNAME, EMAIL)
    scene.wait_until_consumed(topic, *consumers.values(), *sweepers)
    scene.reconcile(both, published, *consumers.values(), *sweepers)
