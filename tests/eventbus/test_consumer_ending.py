"""Our Kafka consumer in trouble: what it waits for, and with what it ends."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Message
from django.core.management import call_command
from pytest_django import Settings

from badges.eventbus.consumer import KafkaEventConsumer, Session
from badges.eventbus.offsets import Commits, read_moment
from badges.eventbus.producer import KafkaEventProducer
from badges.eventbus.stopping import StopRequest, stop_on_signals
from badges.eventbus.troubles import Troubles
from credentials_settings.sandbox.kafka import RunningKafka
from credentials_settings.sandbox.kafka.forwarding import forwarding
from credentials_settings.sandbox.readiness import free_port
from credentials_settings.sandbox.serving import in_thread
from tests.eventbus.conftest import QUICK
from tests.eventbus.consuming import (
    Publish,
    Receiver,
    connected,
    consume,
    consuming_in_thread,
    once_told,
    ours,
    refused,
    terminate,
    wait_for,
)
from tests.eventbus.samples import PASSING_KEY, passing_event, send

# The consumer closes old database connections now and then; one may be open from another test.
pytestmark = pytest.mark.django_db

# --- topics --------------------------------------------------------------------------------------------------


def test_a_missing_topic_ends_the_process_after_a_time(
    bus_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    # An error of any other kind consume_events would turn into exit code 0.
    with caplog.at_level(logging.WARNING, "badges"), pytest.raises(SystemExit) as raised:
        call_command("consume_events", "-t", "missing", "-g", "group")
    told = str(raised.value.code)
    assert told.startswith(
        f"Cannot consume the topic tests-missing of {bus_settings.EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS}"
    )
    assert "Unknown topic or partition (UNKNOWN_TOPIC_OR_PART). Waited 0.5 s for it. Create the topic" in told
    assert len(ours(caplog)) == 1, "told once that it waits"


def test_a_topic_that_appears_in_time_is_consumed(
    bus_settings: Settings, kafka: RunningKafka, producer: KafkaEventProducer
) -> None:
    bus_settings.BADGES = {**bus_settings.BADGES, "TOPIC_WAIT": 30}

    def create() -> None:
        kafka.create_topic("tests-late")
        send(producer, passing_event(1), "late", PASSING_KEY)

    with once_told("Waiting for it up to", create):
        assert consume("late", 1).numbers == [1]


def test_waiting_for_a_topic_can_be_ended(bus_settings: Settings) -> None:
    bus_settings.BADGES = {**bus_settings.BADGES, "TOPIC_WAIT": 30}
    with once_told("Waiting for it up to", terminate):
        assert consume("never", 1).numbers == []


def test_a_topic_that_vanishes_is_waited_for(topic: str) -> None:
    session = Session("tests-vanished", "group", StopRequest())
    with pytest.raises(SystemExit, match="tests-vanished"):
        session._on_error(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))


# --- settings ------------------------------------------------------------------------------------------------


def test_the_kill_switch_keeps_it_from_starting(bus_settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    bus_settings.EVENT_BUS_KAFKA_CONSUMERS_ENABLED = False
    KafkaEventConsumer(topic="missing", group_id="group").consume_indefinitely()
    assert ours(caplog) == ["EVENT_BUS_KAFKA_CONSUMERS_ENABLED is False: not consuming missing."]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS", None, "EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS is missing"),
        ("EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL", "", "EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL is missing"),
        ("BADGES", {"KAFKA_SETTINGS": {"no.such": 1}}, "BADGES['KAFKA_SETTINGS']: No such configuration property"),
        (
            "BADGES",
            {"KAFKA_SETTINGS": {"group.protocol": "consumer", "session.timeout.ms": 6000}},
            "BADGES['KAFKA_SETTINGS']: ",
        ),
    ],
)
def test_settings_that_cannot_be_used_end_the_process(
    bus_settings: Settings, name: str, value: Any, problem: str
) -> None:
    setattr(bus_settings, name, value)
    assert refused(KafkaEventConsumer(topic="topic", group_id="group")).startswith(f"Cannot consume topic: {problem}")


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ({"offset_time": "yesterday"}, "offset_time must be a text in ISO 8601, such as 2026-05-01T10:00:00Z."),
        ({"offset_time": 7}, "offset_time must be a text in ISO 8601, such as 2026-05-01T10:00:00Z."),
        ({"check_backlog": True, "a": 1}, "--extra has options that are none: a, check_backlog."),
    ],
)
def test_extra_options_that_cannot_be_used_end_the_process(extra: dict[str, Any], problem: str) -> None:
    told = refused(KafkaEventConsumer(topic="topic", group_id="group", **extra))
    assert told == f"Cannot consume topic: {problem}"


def test_what_cannot_be_foreseen_ends_the_process_too(
    topic: str, publish: Publish, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # consume_events would log it and exit with 0.
    publish(passing_event(1))

    def break_down() -> None:
        raise RuntimeError("no file descriptors left")

    with connected(Receiver(0)), monkeypatch.context() as patch:
        patch.setattr("badges.eventbus.consumer.close_old_connections", break_down)
        told = refused(KafkaEventConsumer(topic=topic, group_id=topic))
    assert told == f"Cannot go on consuming {topic}: RuntimeError; see the log."
    assert "no file descriptors left" in caplog.text


# --- moving the group ----------------------------------------------------------------------------------------


def test_a_group_can_be_moved_to_a_moment(topic: str, publish: Publish) -> None:
    # The embedded broker knows no times: it answers that nothing is later, so the group is moved to the end.
    publish(*map(passing_event, (1, 2, 3)))
    stop = StopRequest()
    session = Session(f"tests-{topic}", topic, stop, read_moment("2026-05-01T10:00:00"))
    receiver = Receiver(0)
    with connected(receiver), consuming_in_thread(session, stop):
        wait_for(lambda: session._moved == {0})
        publish(passing_event(4))
        wait_for(lambda: 4 in receiver.numbers)
    assert receiver.numbers == [4]


# --- trouble -------------------------------------------------------------------------------------------------


def test_an_error_for_good_ends_the_process(topic: str) -> None:
    session = Session(f"tests-{topic}", topic, StopRequest())
    with pytest.raises(SystemExit, match=r"for good: .*FENCED_INSTANCE_ID"):
        session._on_error(KafkaError(KafkaError.FENCED_INSTANCE_ID, fatal=True))


def test_a_passing_trouble_is_logged_now_and_then(topic: str, caplog: pytest.LogCaptureFixture) -> None:
    session = Session(f"tests-{topic}", topic, StopRequest())
    with caplog.at_level(logging.WARNING, "badges"):
        for _ in range(100):
            session._on_error(KafkaError(KafkaError._TRANSPORT))
    assert ours(caplog) == ["Kafka: Local: Broker transport failure (_TRANSPORT). Still trying."]


def test_a_refused_commit_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "badges"):
        troubles = Troubles()
        troubles.log_commit(None, [])
        troubles.log_commit(KafkaError(KafkaError._NO_OFFSET), [])
        assert ours(caplog) == []
        for _ in range(3):
            troubles.log_commit(KafkaError(KafkaError.UNKNOWN_MEMBER_ID), [])
    assert ours(caplog) == ["Offsets were not committed (UNKNOWN_MEMBER_ID): some events will be delivered again."]


def test_signals_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with stop_on_signals() as stop:
        terminate()
        assert stop.requested
        terminate()  # again: it is ending already
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_a_second_interrupt_is_not_held_back() -> None:
    with stop_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_in_another_thread_signals_are_left_alone() -> None:
    seen = []

    def look() -> None:
        with stop_on_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_consumer_that_was_too_slow_goes_on_and_gets_the_event_again(
    topic: str, publish: Publish, bus_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    # S7: its partitions were given away meanwhile, so nobody has committed the event.
    bus_settings.BADGES = {"KAFKA_SETTINGS": QUICK | {"max.poll.interval.ms": 1000}}
    slow = [2.5]
    publish(passing_event(1))
    with caplog.at_level(logging.WARNING, "badges"):
        received = consume(topic, 2, act=lambda event: time.sleep(slow.pop() if slow else 0))
    assert received.numbers == [1, 1]
    assert any("_MAX_POLL_EXCEEDED" in message for message in ours(caplog))


def test_a_broker_that_does_not_answer_at_the_start_is_waited_for(
    topic: str, publish: Publish, bus_settings: Settings, kafka: RunningKafka
) -> None:
    publish(passing_event(1))
    with ExitStack() as stack:
        port = free_port()
        bus_settings.EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS = f"127.0.0.1:{port}"

        def make_reachable() -> None:
            stack.enter_context(in_thread(forwarding)(port, ("127.0.0.1", kafka.port)))

        with once_told("The Kafka broker does not answer (_TRANSPORT); still trying.", make_reachable):
            assert consume(topic, 1).numbers == [1]


def test_a_message_of_a_partition_that_is_not_ours_any_more_is_not_committed(
    topic: str, kafka: RunningKafka, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"enable.auto.commit": False, "enable.auto.offset.store": False}
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": topic, **options})
    commits = Commits(consumer, Troubles(), finish=lambda: None)
    with caplog.at_level(logging.WARNING, "badges"):
        commits.read(Message(topic=f"tests-{topic}", partition=0, offset=0))
        commits.flush(wait=True)
    assert commits.pending == 0
    assert ours(caplog) == ["Offsets were not committed (_UNKNOWN_PARTITION): some events will be delivered again."]
    commits.flush(wait=True)  # nothing is there to commit, which is no trouble
    consumer.close()
    assert len(ours(caplog)) == 1
