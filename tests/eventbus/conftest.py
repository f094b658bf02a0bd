"""Signals beside openedx-events' own, and a broker with a schema registry."""

from __future__ import annotations

import enum
import io
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import pytest
from openedx_events.learning.data import CoursePassingStatusData, UserData
from openedx_events.learning.signals import COURSE_PASSING_STATUS_UPDATED
from openedx_events.tooling import OpenEdxPublicSignal
from pytest_django import Settings

from badges.data import Event
from badges.eventbus.producer import KafkaEventProducer, create_producer
from credentials_settings.sandbox.kafka import RunningKafka, running_kafka
from tests.eventbus.samples import PASSING_KEY, send


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


def not_bad(instance: object, attribute: object, value: Mood) -> None:
    if value is Mood.BAD:
        raise ValueError(f"{value} is not accepted")


@attrs.frozen
class Picky:
    """Another app's data class: a validator, an enum, postponed annotations, types that JSON cannot hold."""

    mood: Mood = attrs.field(validator=not_bad)
    anything: Any = None
    file: io.BytesIO | None = None
    several: int | str = 1
    team: list[UserData] = attrs.field(factory=list)
    parent: Picky | None = None


@contextmanager
def signal(event_type: str, data: dict[str, type[Any]]) -> Iterator[OpenEdxPublicSignal]:
    made = OpenEdxPublicSignal(event_type=event_type, data=data)
    try:
        yield made
    finally:
        OpenEdxPublicSignal.instances.remove(made)
        del OpenEdxPublicSignal._mapping[event_type]


@pytest.fixture
def two_argument_signal() -> Iterator[OpenEdxPublicSignal]:
    arguments = {"status": CoursePassingStatusData, "learner": UserData}
    with signal("org.openedx.badges.tests.two_arguments.v1", arguments) as made:
        yield made


@pytest.fixture
def picky_signal() -> Iterator[OpenEdxPublicSignal]:
    with signal("org.openedx.badges.tests.picky.v1", {"picky": Picky}) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_other_receivers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app's own is tested elsewhere, with a database."""
    monkeypatch.setattr(COURSE_PASSING_STATUS_UPDATED, "receivers", [])


# --- a broker ------------------------------------------------------------------------------------------------

QUICK = {"group.protocol": "consumer", "fetch.wait.max.ms": 20}
"""
Joining takes no time (a group keeps to one protocol, so each test has its own), and the embedded broker answers nothing
else on a connection while it waits for messages.
"""

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def kafka() -> Iterator[RunningKafka]:
    """A member that does not leave its group keeps its partitions for longer than any test waits."""
    with running_kafka(session_timeout_ms=120_000) as running:
        yield running


@pytest.fixture
def bus_settings(settings: Settings, kafka: RunningKafka) -> Settings:
    """Settings that lead to the broker; ``KAFKA_SETTINGS`` make joining quick."""
    settings.EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS = kafka.bootstrap_servers
    settings.EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL = kafka.schema_registry_url
    settings.EVENT_BUS_TOPIC_PREFIX = "tests"
    settings.EVENT_BUS_CONSUMER = "badges.eventbus.consumer.KafkaEventConsumer"
    settings.BADGES = {"KAFKA_SETTINGS": QUICK, "TOPIC_WAIT": 0.5, "PRODUCE_TIMEOUT": 5}
    return settings


@pytest.fixture
def topic(bus_settings: Settings, kafka: RunningKafka) -> str:
    """A new topic of one partition, without its prefix."""
    name = f"topic-{next(numbers)}"
    kafka.create_topic(f"tests-{name}")
    return name


@pytest.fixture(scope="session")
def shared_producer(kafka: RunningKafka) -> Iterator[KafkaEventProducer]:
    """It connects once, with the settings of the first test that sends."""
    made = create_producer()
    yield made
    made.prepare_for_shutdown()


@pytest.fixture
def producer(bus_settings: Settings, shared_producer: KafkaEventProducer) -> KafkaEventProducer:
    return shared_producer


@pytest.fixture
def publish(topic: str, producer: KafkaEventProducer) -> Callable[..., None]:
    """Put events on the topic, or another."""

    def publish_events(*events: Event, to: str = topic) -> None:
        for event in events:
            send(producer, event, to, PASSING_KEY)

    return publish_events
