"""``consume_events`` with our consumer as a process: how it ends, and what the next one of its group gets."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from badges.data import Event
from badges.eventbus.producer import create_producer
from credentials_settings.sandbox.kafka import RunningKafka, running_kafka
from credentials_settings.sandbox.supervisor import Process, Supervisor
from tests.eventbus.conftest import QUICK
from tests.eventbus.samples import PASSING_KEY, passing_event, send

ROOT = Path(__file__).parents[2]
Publish = Callable[..., None]


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "logs") as running:
        yield running


class Consumers:
    """Starts consumers of one topic, all of one group."""

    def __init__(self, supervisor: Supervisor, kafka: RunningKafka, topic: str, directory: Path) -> None:
        self.supervisor = supervisor
        self.kafka = kafka
        self.topic = topic
        self.directory = directory

    def start(self, name: str, **env: str) -> Process:
        module = ["-m", "django", "consume_events", "--settings", "tests.eventbus.other_app.settings"]
        return self.supervisor.start(
            name,
            [sys.executable, *module, "-t", self.topic, "-g", self.topic],
            env={
                "PYTHONPATH": str(ROOT),
                "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
                "SCHEMA_REGISTRY_URL": self.kafka.schema_registry_url,
                "KAFKA_SETTINGS": json.dumps(QUICK),
                "DATABASE_FILE": str(self.directory / f"{name}.sqlite3"),
                **env,
            },
        )

    def stop(self, process: Process) -> None:
        self.supervisor.stop(process.name)
        assert process.returncode == 0, process.tail()


@pytest.fixture
def consumers(supervisor: Supervisor, kafka: RunningKafka, topic: str, tmp_path: Path) -> Consumers:
    return Consumers(supervisor, kafka, topic, tmp_path)


@contextmanager
def publishing(settings: Settings, kafka: RunningKafka) -> Iterator[Publish]:
    """Put events on a topic of another broker."""
    settings.EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS = kafka.bootstrap_servers
    settings.EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL = kafka.schema_registry_url
    producer = create_producer()

    def publish(*events: Event, to: str) -> None:
        for event in events:
            send(producer, event, to, PASSING_KEY)

    try:
        yield publish
    finally:
        producer.prepare_for_shutdown()


def lines(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in process.output().splitlines() if line.startswith("{") and line.endswith("}")]


def numbers(process: Process) -> list[int]:
    return [line["number"] for line in lines(process)]


def wait_for(condition: Callable[[], bool], *processes: Process) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "\n".join(process.tail() for process in processes)
        time.sleep(0.02)


def wait_for_numbers(process: Process, *expected: int) -> None:
    wait_for(lambda: numbers(process) == list(expected), process)


def test_a_terminated_consumer_leaves_its_place_at_once(consumers: Consumers, publish: Publish) -> None:
    publish(passing_event(1), passing_event(2))
    first = consumers.start("first")
    wait_for_numbers(first, 1, 2)
    consumers.stop(first)
    publish(passing_event(3))
    second = consumers.start("second")
    wait_for_numbers(second, 3)
    consumers.stop(second)


def test_after_a_crash_the_events_since_the_last_commit_come_again(
    supervisor: Supervisor, tmp_path: Path, bus_settings: Settings
) -> None:
    # S7
    with running_kafka(topics={"tests-topic": 1}, session_timeout_ms=3000) as kafka:
        consumers = Consumers(supervisor, kafka, "topic", tmp_path)
        first, second = consumers.start("first"), consumers.start("second")
        with publishing(bus_settings, kafka) as publish:
            publish(passing_event(1), passing_event(2), to="topic")
            wait_for(lambda: numbers(first) + numbers(second) == [1, 2], first, second)
            crashed, other = (first, second) if numbers(first) else (second, first)
            supervisor.kill(crashed.name)
            publish(passing_event(3), to="topic")
        wait_for(lambda: numbers(other)[-1:] == [3], other)
        assert numbers(other) in ([3], [2, 3], [1, 2, 3])
        consumers.stop(other)


def test_two_consumers_share_a_topic_and_one_takes_over(
    supervisor: Supervisor, tmp_path: Path, bus_settings: Settings
) -> None:
    with running_kafka(topics={"tests-topic": 2}, session_timeout_ms=3000) as kafka:
        consumers = Consumers(supervisor, kafka, "topic", tmp_path)
        left, right = consumers.start("left"), consumers.start("right")
        sent: list[int] = []

        def publish_until(enough: Callable[[], bool]) -> None:
            """Courses are keys, so that the events spread over the partitions."""
            while not enough():
                assert len(sent) < 1000, left.tail() + right.tail()
                sent.append(len(sent) + 1)
                publish(passing_event(sent[-1], course=f"course-v1:edX+{sent[-1] % 10}+1"), to="topic")
                time.sleep(0.02)

        with publishing(bus_settings, kafka) as publish:
            publish_until(lambda: bool(numbers(left)) and bool(numbers(right)))
            consumers.stop(left)
            before = len(sent)
            publish_until(lambda: len(sent) == before + 10)
        wait_for(lambda: {*numbers(left), *numbers(right)} == set(sent), left, right)
        assert set(sent[before:]) <= set(numbers(right))
        assert len(numbers(left)) + len(numbers(right)) == len(sent), "nothing twice"
        consumers.stop(right)


def test_a_broker_that_goes_away_is_waited_for_and_does_not_hold_up_the_end(
    supervisor: Supervisor, tmp_path: Path, bus_settings: Settings
) -> None:
    with running_kafka(topics={"tests-topic": 1}) as lost:
        # Slow enough for the broker to be gone when the event is committed, which librdkafka then waits 45 s for.
        process = Consumers(supervisor, lost, "topic", tmp_path).start("consumer", RECEIVER_SECONDS="1")
        with publishing(bus_settings, lost) as publish:
            publish(passing_event(1), to="topic")
        wait_for_numbers(process, 1)
    wait_for(lambda: "Still trying" in process.output(), process)
    supervisor.stop("consumer")
    assert process.returncode == 0, process.tail()
    assert "leaving without a commit" in process.output()


def test_a_database_connection_is_not_kept_longer_than_it_may_be(consumers: Consumers, publish: Publish) -> None:
    process = consumers.start("first")
    sent = 0

    def reconnected() -> bool:
        nonlocal sent
        sent += 1
        publish(passing_event(sent))
        time.sleep(0.1)
        return [line["connected"] for line in lines(process)].count(False) > 1

    wait_for(reconnected, process)
    consumers.stop(process)
    assert any(line["connected"] for line in lines(process)), "but kept from one event to the next"
