"""How far a group is behind, against a broker."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from pytest_django import Settings

from badges.eventbus.lag import consumer_lags
from credentials_settings.sandbox.kafka import RunningKafka
from tests.builders import event

PATIENCE = 30.0
groups = (f"lag-{number}" for number in itertools.count(1))


@pytest.fixture
def group() -> str:
    return next(groups)


@pytest.fixture
def commit(kafka: RunningKafka, topic: str, group: str) -> Iterator[Callable[[int], None]]:
    """Commit an offset of the topic for the group."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": group})

    def commit_offset(offset: int) -> None:
        consumer.commit(offsets=[TopicPartition(f"tests-{topic}", 0, offset)], asynchronous=False)

    yield commit_offset
    consumer.close()


def test_what_is_not_committed_counts(
    topic: str, group: str, publish: Callable[..., None], commit: Callable[[int], None]
) -> None:
    publish(event(at="10:00"), event(at="10:01"), event(at="10:02"))
    assert consumer_lags([(topic, group)], timeout=PATIENCE) == [{0: 3}]
    commit(1)
    assert consumer_lags([(topic, group)], timeout=PATIENCE) == [{0: 2}]
    commit(3)
    assert consumer_lags([(topic, group)], timeout=PATIENCE) == [{0: 0}]


def test_each_partition_is_told(bus_settings: Settings, kafka: RunningKafka, group: str) -> None:
    kafka.create_topic("tests-of-three", 3)
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    for partition in (2, 0, 2):
        producer.produce("tests-of-three", b"message", partition=partition)
    assert producer.flush(PATIENCE) == 0
    assert consumer_lags([("of-three", group)], timeout=PATIENCE) == [{0: 1, 1: 0, 2: 2}]


def test_a_topic_that_is_not_there_is_unknown_and_the_next_is_told(topic: str, group: str) -> None:
    assert consumer_lags([("nowhere", group), (topic, group)], timeout=PATIENCE) == [None, {0: 0}]


@pytest.mark.parametrize("timeout", [0, 0.2])
def test_brokers_that_do_not_answer_tell_nothing(settings: Settings, timeout: float) -> None:
    settings.EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:1"
    assert consumer_lags([("topic", "group"), ("other", "group")], timeout=timeout) == [None, None]


def test_a_bus_that_is_not_kafka_tells_nothing(settings: Settings) -> None:
    settings.EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS = None
    assert consumer_lags([("topic", "group")], timeout=PATIENCE) == [None]
