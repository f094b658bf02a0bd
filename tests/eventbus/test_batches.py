"""Events that receivers put off: when they are handled, and what is committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from openedx_events.learning.signals import COURSE_PASSING_STATUS_UPDATED
from pytest_django import Settings

from badges.data import Event
from badges.eventbus import batches
from badges.eventbus.batches import Batch, collecting
from badges.eventbus.consumer import KafkaEventConsumer
from badges.eventbus.signals import to_event
from tests.eventbus.consuming import Publish, consume, refused, terminate
from tests.eventbus.samples import passing_event

# The consumer closes old database connections now and then; one may be open from another test.
pytestmark = pytest.mark.django_db


class Receiver:
    """Puts events off, and keeps in which company they came back; ends the process after ``count`` of them."""

    def __init__(self, count: int, act: Callable[[Sequence[Event]], None] | None = None) -> None:
        self.count = count
        self.act = act
        self.together: list[list[int]] = []
        self.pause = 0.0
        """Seconds that the first event takes, so that the others wait then."""

    def __call__(self, signal: Any, **kwargs: Any) -> None:
        time.sleep(self.pause)
        self.pause = 0
        batches.put_off(to_event(signal, kwargs), self.handle_all)

    def handle_all(self, events: Sequence[Event]) -> None:
        if self.act is not None:
            self.act(events)
        self.together.append([event.payload.user.id for event in events])
        if sum(map(len, self.together)) >= self.count:
            terminate()


@pytest.fixture
def connect() -> Iterator[Callable[[Receiver], Receiver]]:
    receivers: list[Receiver] = []

    def add(receiver: Receiver) -> Receiver:
        receivers.append(receiver)
        COURSE_PASSING_STATUS_UPDATED.connect(receiver)
        return receiver

    yield add
    for receiver in receivers:
        COURSE_PASSING_STATUS_UPDATED.disconnect(receiver)


Connect = Callable[[Receiver], Receiver]


def run(topic: str) -> None:
    KafkaEventConsumer(topic=topic, group_id=topic).consume_indefinitely()


def test_a_backlog_is_handled_in_batches(
    bus_settings: Settings, topic: str, publish: Publish, connect: Connect
) -> None:
    bus_settings.BADGES = {**bus_settings.BADGES, "BATCH_SIZE": 10}
    publish(*map(passing_event, range(1, 26)))
    receiver = connect(Receiver(25))
    receiver.pause = 0.5
    run(topic)
    assert [number for batch in receiver.together for number in batch] == list(range(1, 26))
    assert max(map(len, receiver.together)) == 10


def test_a_lone_event_waits_for_no_other(topic: str, publish: Publish, connect: Connect) -> None:
    publish(passing_event(1))
    receiver = connect(Receiver(1))
    run(topic)
    assert receiver.together == [[1]]


def test_what_was_handled_is_committed(topic: str, publish: Publish, connect: Connect) -> None:
    publish(*map(passing_event, (1, 2)))
    receiver = connect(Receiver(2))
    run(topic)
    COURSE_PASSING_STATUS_UPDATED.disconnect(receiver)
    publish(passing_event(3))
    assert consume(topic, 1).numbers == [3]


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize("error", [SystemExit("stops without committing"), RuntimeError("a defect")])
def test_nothing_is_committed_of_a_batch_that_was_not_handled(
    bus_settings: Settings, topic: str, publish: Publish, connect: Connect, error: BaseException, size: int
) -> None:  # S35
    bus_settings.BADGES = {**bus_settings.BADGES, "BATCH_SIZE": size}

    def fail(events: Sequence[Event]) -> None:
        raise error

    publish(*map(passing_event, (1, 2)))
    receiver = connect(Receiver(0, fail))
    told = refused(KafkaEventConsumer(topic=topic, group_id=topic))
    assert told in ("stops without committing", f"Cannot go on consuming {topic}: RuntimeError; see the log.")
    COURSE_PASSING_STATUS_UPDATED.disconnect(receiver)
    assert consume(topic, 2).numbers == [1, 2]


def test_what_waits_when_the_process_is_asked_to_end_is_handled_first(
    topic: str, publish: Publish, connect: Connect
) -> None:
    publish(passing_event(1))
    receiver = Receiver(0)

    def end_and_put_off(signal: Any, **kwargs: Any) -> None:
        terminate()
        receiver(signal, **kwargs)

    COURSE_PASSING_STATUS_UPDATED.connect(end_and_put_off)
    try:
        run(topic)
    finally:
        COURSE_PASSING_STATUS_UPDATED.disconnect(end_and_put_off)
    assert receiver.together == [[1]]


def test_each_receiver_gets_its_own_events() -> None:
    got: dict[str, list[str]] = {"one": [], "other": []}
    batch, given = Batch(10), {name: passing_event(number) for number, name in enumerate("abc")}
    with collecting(batch):
        one, other = (lambda events, key=key: got[key].extend(event.id for event in events) for key in got)
        batches.put_off(given["a"], one)
        batches.put_off(given["b"], other)
        batches.put_off(given["c"], one)
    assert not batches.is_open()
    batch.handle()
    batch.handle()
    assert got == {"one": [given["a"].id, given["c"].id], "other": [given["b"].id]}
