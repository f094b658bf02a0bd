"""Our Kafka consumer against a broker: what receivers get, and what is committed."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from pytest_django import Settings

from badges.data import Event
from badges.eventbus.consumer import Session
from badges.eventbus.stopping import StopRequest
from credentials_settings.sandbox.kafka import RunningKafka
from tests.eventbus.conftest import QUICK
from tests.eventbus.consuming import (
    Publish,
    Receiver,
    connected,
    consume,
    consuming_in_thread,
    once_told,
    ours,
    terminate,
    unreachable_registry,
    wait_for,
)
from tests.eventbus.samples import passing_event

# The consumer closes old database connections now and then; one may be open from another test.
pytestmark = pytest.mark.django_db

# --- events --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_new_group_starts_with_the_oldest_event(
    bus_settings: Settings, topic: str, publish: Publish, protocol: str
) -> None:
    bus_settings.BADGES = {"KAFKA_SETTINGS": QUICK | {"group.protocol": protocol}}
    sent = [passing_event(number) for number in (1, 2, 3)]
    publish(*sent)
    received = consume(topic, 3).events
    assert [(event.id, event.type, event.time, event.payload) for event in received] == [
        (event.id, event.type, event.time, event.payload) for event in sent
    ]
    assert all(event.from_bus for event in received)


def test_a_group_goes_on_where_it_ended(topic: str, publish: Publish) -> None:
    publish(*map(passing_event, (1, 2, 3, 4)))
    assert consume(topic, 1).numbers == [1]
    assert consume(topic, 3).numbers == [2, 3, 4]
    publish(passing_event(5))
    assert consume(topic, 1).numbers == [5]
    assert consume(topic, 5, group=f"{topic}-2").numbers == [1, 2, 3, 4, 5]


def test_the_event_at_hand_is_finished_before_the_end(topic: str, publish: Publish) -> None:
    publish(passing_event(1), passing_event(2))
    finished: list[str] = []
    consume(topic, 1, act=lambda event: finished.append(event.id))
    assert finished == [passing_event(1).id]


def test_events_are_committed_while_more_are_coming(topic: str, publish: Publish, kafka: RunningKafka) -> None:
    publish(*map(passing_event, range(1, 221)))
    committed: list[int] = []
    onlooker = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": topic})

    def offset() -> int:
        (place,) = onlooker.committed([TopicPartition(f"tests-{topic}", 0)], timeout=5)
        return place.offset

    def look(event: Event) -> None:
        if event.payload.user.id == 220:
            wait_for(lambda: offset() > 0)  # a commit is sent in the background
            committed.append(offset())

    consume(topic, 220, act=look)
    onlooker.close()
    # Every hundred events; or sooner, when no event was waiting for a moment.
    assert 0 < committed[0] < 220


def test_a_failing_receiver_does_not_stop_the_others(
    topic: str, publish: Publish, caplog: pytest.LogCaptureFixture
) -> None:
    # S34: what a receiver cannot handle it keeps itself. S36: what it says is not repeated.
    def fail(**kwargs: Any) -> None:
        raise ValueError(kwargs["course_passing_status"].user.pii.email)

    publish(passing_event(1), passing_event(2))
    with connected(fail), caplog.at_level(logging.ERROR, "badges"):
        assert consume(topic, 2).numbers == [1, 2]
    message = ours(caplog)[0]
    assert "fail raised ValueError for event " in message
    assert f"{passing_event(1).id} at tests-{topic}, partition 0, offset 0" in message
    assert "learner1" not in message


def test_a_failing_receiver_does_not_stop_the_consumer_with_debug_on(
    topic: str, publish: Publish, bus_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    # S34: openedx-events then lets the error through.
    bus_settings.DEBUG = True

    def fail(event: Event) -> None:
        raise ValueError(event.payload.user.pii.email)

    publish(passing_event(1), passing_event(2))
    with caplog.at_level(logging.ERROR, "badges"):
        assert consume(topic, 2, act=fail).numbers == [1, 2]
    assert all("ValueError" in message and "learner" not in message for message in ours(caplog))
    assert len(ours(caplog)) == 2


def test_a_receiver_that_must_stop_leaves_without_a_commit(topic: str, publish: Publish) -> None:
    # S35
    class MustStop(SystemExit):
        pass

    def stop_at_the_third(event: Event) -> None:
        if event.payload.user.id == 3:
            raise MustStop("the database does not answer")

    publish(*map(passing_event, (1, 2, 3, 4)))
    with pytest.raises(MustStop):
        consume(topic, 999, act=stop_at_the_third)
    assert consume(topic, 2).numbers == [3, 4]


def test_a_message_that_is_no_event_is_skipped_with_its_place(
    topic: str, publish: Publish, kafka: RunningKafka, caplog: pytest.LogCaptureFixture
) -> None:
    # S36
    raw = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    event_type = passing_event().type.encode()
    headers: dict[str, str | bytes | None] = {"ce_type": event_type, "ce_id": b"9d2f0c3e-6a0b-11ef-9d52-0242ac120002"}
    raw.produce(f"tests-{topic}", b"learner1@example.com")
    raw.produce(f"tests-{topic}", b"learner1@example.com", headers=headers)
    raw.produce(f"tests-{topic}", b"x", headers=[("ce_type", b"\xff"), ("ce_id", b"7")])
    raw.flush(5)
    publish(passing_event(1))
    with caplog.at_level(logging.ERROR, "badges"):
        assert consume(topic, 1).numbers == [1]
    assert [message.partition(": ")[0] for message in ours(caplog)] == [
        f"A message was skipped, event ? at tests-{topic}, partition 0, offset 0",
        f"A message was skipped, event 9d2f0c3e-6a0b-11ef-9d52-0242ac120002 at tests-{topic}, partition 0, offset 1",
        f"A message was skipped, event ? at tests-{topic}, partition 0, offset 2",
    ]
    assert "learner1" not in "".join(ours(caplog))
    assert consume(topic, 1, group=f"{topic}-2").numbers == [1]


def test_the_end_of_a_partition_is_no_trouble(
    topic: str, publish: Publish, bus_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    bus_settings.BADGES = {"KAFKA_SETTINGS": QUICK | {"enable.partition.eof": True}}
    stop = StopRequest()
    session = Session(f"tests-{topic}", topic, stop)
    receiver = Receiver(0)
    with connected(receiver), caplog.at_level(logging.WARNING, "badges"), consuming_in_thread(session, stop):
        publish(passing_event(1))
        wait_for(lambda: receiver.numbers == [1])
        publish(passing_event(2))
        wait_for(lambda: receiver.numbers == [1, 2])
    assert ours(caplog) == []


# --- the schema registry -------------------------------------------------------------------------------------


def test_a_registry_that_does_not_answer_is_waited_for(
    topic: str, publish: Publish, bus_settings: Settings, kafka: RunningKafka, caplog: pytest.LogCaptureFixture
) -> None:
    publish(passing_event(1))
    with (
        unreachable_registry(bus_settings, kafka) as make_reachable,
        caplog.at_level(logging.WARNING, "badges"),
        once_told("The schema registry does not", make_reachable),
    ):
        assert consume(topic, 1).numbers == [1]
    (message,) = ours(caplog)
    assert "The schema registry does not tell schema" in message


def test_an_event_that_waits_for_the_registry_is_not_committed(
    topic: str, publish: Publish, bus_settings: Settings, kafka: RunningKafka
) -> None:
    publish(passing_event(1))
    with unreachable_registry(bus_settings, kafka), once_told("The schema registry does not", terminate):
        assert consume(topic, 1).numbers == []
    bus_settings.EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL = kafka.schema_registry_url
    assert consume(topic, 1).numbers == [1]
