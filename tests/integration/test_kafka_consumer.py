"""Our consumer on a real cluster: where it begins, how it ends, what a crash and a second member change."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from credentials_settings.sandbox.supervisor import Process, Supervisor
from tests.integration.bus import COURSE_KEY, EMAIL, OUR_PRODUCER, PATIENCE, USERNAME, Kafka, consume, wait_for
from tests.integration.courses import badge
from tests.integration.world import AWARDED, World, assert_as_in_time_order, awarded, names

LONG_SESSION = {"session_timeout_ms": 600_000, "max_poll_interval_ms": 600_000}
"""
For so long Kafka keeps the place of a member that went without a word; far longer than anything here is waited for.
"""

pytestmark = pytest.mark.timeout(600)  # a busy machine takes its time
protocols = pytest.mark.parametrize("protocol", ["classic", "consumer"])


def start(
    world: World, supervisor: Supervisor, name: str, topic: str, group: str = "badges", **settings: Any
) -> Process:
    """Our consumer, with librdkafka ``settings`` whose dots are underscores."""
    options = {setting.replace("_", "."): value for setting, value in settings.items()}
    badges = {"KAFKA_SETTINGS": options, "TOPIC_WAIT": 5, "ANNOUNCE_LEASE": 5}
    env = world.env(badges, EVENT_BUS_PRODUCER=OUR_PRODUCER)
    return consume(supervisor, name, topic, f"{topic}-{group}", env)


def publish(world: World, topic: str, lines: Sequence[dict[str, Any]], *keys: str) -> None:
    """Send events; those of one learner to one partition, or by other ``keys``."""
    world.peers[0].ask("publish", lines=lines, topic=topic, keys=keys or [USERNAME])


def announce_the_rest(world: World) -> None:
    """What a killed consumer left, or one decided while another still sent the announcement before."""

    def all_announced() -> bool:
        world.manage("deliver_badges", "--once", EVENT_BUS_PRODUCER=OUR_PRODUCER)
        rows = world.peers[0].ask("deliveries")
        return {state for _, kind, state, _ in rows if kind.startswith("announce")} <= {"done"}

    wait_for("all announcements", all_announced)


def handled_by(world: World, learners: Sequence[int]) -> Counter[int]:
    """How many events of the learners each process was through with."""
    return Counter(fact["pid"] for fact in world.received(learners))


def terminate(process: Process) -> int:
    """Ask it to end; its exit code."""
    os.kill(process.pid, signal.SIGTERM)
    return process.wait(PATIENCE)


@protocols
def test_a_new_group_reads_what_was_there_before_it(
    bus: Kafka, on_kafka: World, supervisor: Supervisor, protocol: str
) -> None:
    one = badge("A")
    on_kafka.load(one)
    topic = bus.create_topic()
    learners = on_kafka.learners(20)
    publish(on_kafka, topic, [one.line("A", learner=learner) for learner in learners])
    consumer = start(on_kafka, supervisor, "consumer", topic, group_protocol=protocol)
    wait_for("all events", lambda: len(on_kafka.received(learners)) == len(learners), consumer)
    assert on_kafka.holders(one) == names(learners)


@protocols
def test_a_terminated_consumer_ends_well_and_the_next_one_goes_on_at_once(
    bus: Kafka, on_kafka: World, supervisor: Supervisor, protocol: str
) -> None:
    one = badge("A")
    on_kafka.load(one)
    topic = bus.create_topic()
    before, after = on_kafka.learners(10), on_kafka.learners(10)
    # With the other protocol the brokers alone decide how long that is.
    session = {"group_protocol": protocol, **(LONG_SESSION if protocol == "classic" else {})}
    first = start(on_kafka, supervisor, "first", topic, **session)
    publish(on_kafka, topic, [one.line("A", learner=learner) for learner in before])
    wait_for("the first events", lambda: len(on_kafka.received(before)) == len(before), first)
    assert terminate(first) == 0
    assert bus.has_no_members(f"{topic}-badges")
    assert bus.is_consumed(f"{topic}-badges", topic)

    publish(on_kafka, topic, [one.line("A", learner=learner) for learner in after])
    second = start(on_kafka, supervisor, "second", topic, **session)
    wait_for("the next events", lambda: len(on_kafka.received(after)) == len(after), second)
    assert handled_by(on_kafka, [*before, *after]) == {first.pid: len(before), second.pid: len(after)}
    assert terminate(second) == 0


def test_a_killed_consumer_loses_nothing_and_what_comes_again_changes_nothing(
    bus: Kafka, on_kafka: World, supervisor: Supervisor
) -> None:  # S7, S21
    both = badge("AB", penalties="B")
    on_kafka.load(both)
    topic = bus.create_topic()
    histories = {
        learner: [
            both.line("A", learner=learner, at="10:00"),
            both.line("B", learner=learner, at="10:01"),
            both.line("B", learner=learner, at="10:02", passing=bool(learner % 2)),
        ]
        for learner in on_kafka.learners(60)
    }
    lines = [line for history in histories.values() for line in history]
    publish(on_kafka, topic, lines)
    session = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 1000}
    first = start(on_kafka, supervisor, "first", topic, **session)
    wait_for("some events", lambda: len(on_kafka.received([*histories])) >= 20, first)
    supervisor.kill("first")
    assert len(on_kafka.received([*histories])) < len(lines)

    group = f"{topic}-badges"
    second = start(on_kafka, supervisor, "second", topic, **session)
    wait_for("all events", lambda: bus.is_consumed(group, topic), second)
    assert terminate(second) == 0
    assert_as_in_time_order(on_kafka, both, histories)
    announce_the_rest(on_kafka)

    standing, announced = on_kafka.standing(both), set(on_kafka.announced([*histories]))
    assert sorted(awarded(announced).values()) == [1] * len(histories)
    bus.move(group, topic, dict.fromkeys(bus.ends(topic), 0))
    third = start(on_kafka, supervisor, "third", topic, **session)
    wait_for("all events again", lambda: handled_by(on_kafka, [*histories])[third.pid] == len(lines), third)
    assert on_kafka.standing(both) == standing
    assert set(on_kafka.announced([*histories])) == announced


def test_a_missing_topic_is_waited_for_and_then_named(bus: Kafka, on_kafka: World, supervisor: Supervisor) -> None:
    consumer = start(on_kafka, supervisor, "consumer", "nowhere")
    assert consumer.wait(60) == 1
    assert f"Cannot consume the topic {bus.full_name('nowhere')}" in consumer.output()
    assert "Waited 5 s for it" in consumer.output()


def test_a_topic_that_appears_in_time_is_consumed(bus: Kafka, on_kafka: World, supervisor: Supervisor) -> None:
    one = badge("A")
    on_kafka.load(one)
    (learner,) = on_kafka.learners(1)
    consumer = start(on_kafka, supervisor, "consumer", "later")
    wait_for("its waiting", lambda: "Waiting for it" in consumer.output(), consumer)
    bus.create_topic("later")
    publish(on_kafka, "later", [one.line("A", learner=learner)])
    wait_for("the event", lambda: on_kafka.received([learner]), consumer)
    assert on_kafka.holders(one) == names([learner])


@protocols
def test_two_consumers_share_the_partitions_and_each_event_is_handled_once(
    bus: Kafka, on_kafka: World, supervisor: Supervisor, protocol: str
) -> None:  # S7, S21
    both = badge("AB")
    on_kafka.load(both)
    topic = bus.create_topic(partitions=3)
    learners = on_kafka.learners(0)

    def more(count: int) -> None:
        nonlocal learners
        new = on_kafka.learners(count)
        learners = range(learners.start, new.stop) if learners else new
        publish(on_kafka, topic, [both.line(course, learner=learner) for learner in new for course in "AB"])

    def share(process: Process) -> int:
        return handled_by(on_kafka, learners)[process.pid]

    def all_handled() -> bool:
        return len(on_kafka.received(learners)) >= 2 * len(learners)

    first = start(on_kafka, supervisor, "first", topic, group_protocol=protocol)
    more(20)
    wait_for("the first events", all_handled, first)
    second = start(on_kafka, supervisor, "second", topic, group_protocol=protocol)

    def joined() -> bool:
        more(3)
        return share(second) > 0

    wait_for("a share of the second consumer", joined, first, second)
    before = share(first)
    more(30)
    wait_for("the events of both", all_handled, first, second)
    assert share(first) > before

    more(30)
    assert terminate(first) == 0
    more(10)
    wait_for("all events", all_handled, second)
    assert terminate(second) == 0
    assert bus.is_consumed(f"{topic}-badges", topic)
    assert set(Counter(fact["event"] for fact in on_kafka.received(learners)).values()) == {1}
    assert on_kafka.holders(both) == names(learners)
    announced = on_kafka.announced(learners)
    assert len(announced) == len(learners) and set(announced.values()) == {1}


def test_events_three_times_in_random_order_over_three_partitions_are_reconciled(
    bus: Kafka, on_kafka: World, supervisor: Supervisor
) -> None:  # S7, S8, S9
    both = badge("AB", penalties="AB")
    on_kafka.load(both)
    topic = bus.create_topic(partitions=3)
    chance = random.Random(8)
    histories = {
        learner: [
            both.line(course, passing=chance.random() < 0.7, learner=learner, at=f"10:{minute:02}")
            for minute, course in enumerate(chance.choices("AB", k=4))
        ]
        for learner in on_kafka.learners(100)
    }
    lines = [line for history in histories.values() for line in history] * 3
    chance.shuffle(lines)
    consumers = [start(on_kafka, supervisor, name, topic, fetch_wait_max_ms=20) for name in ("first", "second")]
    # One event has three different keys, and so comes over different partitions.
    publish(on_kafka, topic, lines, COURSE_KEY, USERNAME, EMAIL)
    assert all(bus.ends(topic).values())
    wait_for("all events", lambda: bus.is_consumed(f"{topic}-badges", topic), *consumers)
    assert sum(handled_by(on_kafka, [*histories]).values()) >= len(lines)
    holders = assert_as_in_time_order(on_kafka, both, histories)
    announce_the_rest(on_kafka)

    # Whoever reads the announcements comes to the same answer by their times.
    newest: dict[str, tuple[str, str]] = {}
    for kind, credential, moment in on_kafka.announced([*histories]):
        newest[credential] = max(newest.get(credential, ("", "")), (moment, kind))
    assert sum(kind == AWARDED for _, kind in newest.values()) == len(holders)


# --- librdkafka's settings -----------------------------------------------------------------------------------


def test_the_client_id_of_the_settings_is_the_members(bus: Kafka, on_kafka: World, supervisor: Supervisor) -> None:
    topic = bus.create_topic()
    consumer = start(on_kafka, supervisor, "consumer", topic, client_id="badges-of-the-tests")
    wait_for("the member", lambda: bus.client_ids(f"{topic}-badges") == ["badges-of-the-tests"], consumer)


@pytest.mark.parametrize(
    "wrong",
    [
        {"security.protocol": "sasl_plaintext", "sasl.mechanism": "NO-SUCH-MECHANISM"},
        {"security.protocol": "ssl", "ssl.ca.location": "/nowhere/ca.pem"},
        {"no.such.setting": 1},
    ],
    ids=lambda wrong: next(reversed(wrong)),
)
def test_settings_that_librdkafka_refuses_end_the_consumer_in_words(
    bus: Kafka, on_kafka: World, supervisor: Supervisor, wrong: dict[str, Any]
) -> None:
    consumer = start(on_kafka, supervisor, "consumer", "any", **wrong)
    assert consumer.wait(60) == 1
    assert "BADGES['KAFKA_SETTINGS']" in consumer.output()
    assert "Traceback" not in consumer.output()
