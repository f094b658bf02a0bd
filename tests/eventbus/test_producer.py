"""Our producer: sent means confirmed, and what is not confirmed is an error (S21)."""

from __future__ import annotations

import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Message
from edx_event_bus_kafka import create_producer as create_stock_producer
from edx_event_bus_kafka.internal.config import get_schema_registry_client
from openedx_events.event_bus import EventBusProducer, get_producer
from pytest_django import Settings

from badges.data import Event
from badges.eventbus.producer import KafkaEventProducer, create_producer
from badges.exceptions import BusUnavailable, ConfigurationError
from credentials_settings.sandbox.kafka import RunningKafka, running_kafka
from tests.eventbus.samples import PASSING_KEY, passing_event, send

EVENT = passing_event(1)


@pytest.fixture
def own_producer(bus_settings: Settings) -> Iterator[KafkaEventProducer]:
    """One that has sent nothing yet, for tests with settings of their own."""
    made = create_producer()
    yield made
    made.prepare_for_shutdown()


@pytest.fixture
def read(topic: str, kafka: RunningKafka) -> Iterator[Callable[[int], list[Message]]]:
    """The first messages of the topic."""
    options = {"group.id": str(uuid.uuid4()), "auto.offset.reset": "earliest", "group.protocol": "consumer"}
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, **options})
    consumer.subscribe([f"tests-{topic}"])
    yield lambda count: consumer.consume(count, timeout=10)
    consumer.close()


def failure(
    producer: EventBusProducer, topic: str = "topic", key_field: str = PASSING_KEY, event: Event = EVENT
) -> str:
    with pytest.raises(BusUnavailable) as raised:
        send(producer, event, topic, key_field)
    told = "".join(traceback.format_exception(raised.value))
    assert "learner1" not in told, "nor may the errors behind it repeat the data"
    return str(raised.value)


def test_it_is_what_the_setting_may_name(bus_settings: Settings) -> None:
    bus_settings.EVENT_BUS_PRODUCER = "badges.eventbus.producer.create_producer"
    assert isinstance(get_producer(), KafkaEventProducer)


def test_what_was_sent_is_there(producer: KafkaEventProducer, topic: str, read: Callable[[int], list[Message]]) -> None:
    # S21
    send(producer, EVENT, topic, PASSING_KEY)
    (message,) = read(1)
    assert dict(message.headers() or [])["ce_id"] == EVENT.id.encode()


def test_its_messages_are_those_of_the_stock_producer(
    producer: KafkaEventProducer, topic: str, read: Callable[[int], list[Message]]
) -> None:
    stock = create_stock_producer()
    assert stock is not None
    send(stock, EVENT, topic, PASSING_KEY)
    stock.prepare_for_shutdown()
    get_schema_registry_client().close()
    send(producer, EVENT, topic, PASSING_KEY)
    first, second = read(2)
    assert first.value() == second.value()
    assert first.key() == second.key()
    assert sorted(first.headers() or []) == sorted(second.headers() or [])


def test_it_sends_again_after_it_was_prepared_for_shutdown(
    own_producer: KafkaEventProducer, topic: str, read: Callable[[int], list[Message]]
) -> None:
    for _ in range(2):
        send(own_producer, EVENT, topic, PASSING_KEY)
        own_producer.prepare_for_shutdown()
    assert len(read(2)) == 2


def test_a_broker_that_does_not_answer_is_an_error_in_time(bus_settings: Settings) -> None:
    # S33
    with running_kafka(topics={"tests-topic": 1}) as lost:
        bus_settings.EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS = lost.bootstrap_servers
        bus_settings.EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL = lost.schema_registry_url
        bus_settings.BADGES = {"PRODUCE_TIMEOUT": 1}
        producer = create_producer()
        send(producer, EVENT, "topic", PASSING_KEY)
    started = time.monotonic()
    assert "Message timed out (_MSG_TIMED_OUT)" in failure(producer)
    assert time.monotonic() - started < 10, "neither five minutes nor for ever"
    producer.prepare_for_shutdown()


def test_a_silent_librdkafka_is_an_error_too(
    own_producer: KafkaEventProducer, bus_settings: Settings, topic: str
) -> None:
    bus_settings.EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:1"
    settings = {"message.timeout.ms": 60_000}
    bus_settings.BADGES = {"PRODUCE_TIMEOUT": 0.1, "KAFKA_PRODUCER_SETTINGS": settings}
    assert failure(own_producer).endswith("no confirmation within 0.1 s.")


def test_a_registry_that_does_not_answer_is_an_error(own_producer: KafkaEventProducer, bus_settings: Settings) -> None:
    # S33
    bus_settings.EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL = "http://127.0.0.1:1"
    told = failure(own_producer)
    assert "did not reach the topic tests-topic: ConnectError. Either the schema registry does not answer" in told


def test_a_registry_that_refuses_is_an_error(own_producer: KafkaEventProducer, bus_settings: Settings) -> None:
    bus_settings.EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL += "/nowhere"
    assert "the schema registry answers 404" in failure(own_producer)


def test_a_message_that_is_too_large_is_an_error(own_producer: KafkaEventProducer, bus_settings: Settings) -> None:
    bus_settings.BADGES = {"KAFKA_PRODUCER_SETTINGS": {"message.max.bytes": 1000}}
    assert "MSG_SIZE_TOO_LARGE" in failure(own_producer, event=passing_event(1, course=f"course-v1:edX+{'A' * 2000}+1"))


def test_a_key_that_is_no_field_is_an_error(producer: KafkaEventProducer, topic: str) -> None:
    assert "or course_passing_status.nothing is no field of the event" in failure(
        producer, topic, "course_passing_status.nothing"
    )


def test_data_that_do_not_fit_are_an_error_that_does_not_repeat_them(producer: KafkaEventProducer, topic: str) -> None:
    # S36
    event = passing_event(1)
    event.payload.user.pii.__dict__["username"] = ["learner1@example.com"]
    told = failure(producer, topic, event=event)
    assert "or its data do not fit the type" in told
    assert "learner1" not in told


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS", None, "EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS is missing"),
        ("EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL", None, "EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL is missing"),
        ("BADGES", {"KAFKA_PRODUCER_SETTINGS": {"no.such": 1}}, r"BADGES\['KAFKA_PRODUCER_SETTINGS'\]: No such"),
    ],
)
def test_settings_that_cannot_be_used_are_an_error_with_the_first_event(
    own_producer: KafkaEventProducer, bus_settings: Settings, name: str, value: Any, problem: str
) -> None:
    # Told at its creation, openedx-events would put one in its place that drops everything.
    setattr(bus_settings, name, value)
    with pytest.raises(ConfigurationError, match=problem):
        send(own_producer, EVENT, "topic", PASSING_KEY)
