"""Running the consumer in this process, and what there is to see of it."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from openedx_events.learning.signals import COURSE_PASSING_STATUS_UPDATED
from openedx_events.tooling import OpenEdxPublicSignal
from pytest_django import Settings

from badges.data import Event
from badges.eventbus.consumer import KafkaEventConsumer, Session
from badges.eventbus.signals import to_event
from badges.eventbus.stopping import StopRequest
from credentials_settings.sandbox.kafka import RunningKafka
from credentials_settings.sandbox.kafka.forwarding import forwarding
from credentials_settings.sandbox.readiness import free_port
from credentials_settings.sandbox.serving import in_thread

Publish = Callable[..., None]


class Receiver:
    """Keeps what it gets, and asks the process to end after ``count`` events."""

    def __init__(self, count: int, act: Callable[[Event], None] | None = None) -> None:
        self.count = count
        self.act = act
        self.events: list[Event] = []

    def __call__(self, signal: OpenEdxPublicSignal, **kwargs: Any) -> None:
        self.events.append(to_event(signal, kwargs))
        if len(self.events) == self.count:
            terminate()
        if self.act is not None:
            self.act(self.events[-1])

    @property
    def numbers(self) -> list[int]:
        return [event.payload.user.id for event in self.events]


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def connected(receiver: Any) -> Iterator[None]:
    COURSE_PASSING_STATUS_UPDATED.connect(receiver)
    try:
        yield
    finally:
        COURSE_PASSING_STATUS_UPDATED.disconnect(receiver)


def consume(topic: str, count: int, act: Callable[[Event], None] | None = None, group: str = "") -> Receiver:
    """Consume as the topic's own group, or another, by the command."""
    receiver = Receiver(count, act)
    with connected(receiver):
        call_command("consume_events", "-t", topic, "-g", group or topic)
    return receiver


def refused(consumer: KafkaEventConsumer) -> str:
    with pytest.raises(SystemExit) as raised:
        consumer.consume_indefinitely()
    assert isinstance(raised.value.code, str), "a text makes the exit code 1"
    return raised.value.code


def ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("badges")]


@contextmanager
def once_told(text: str, act: Callable[[], None]) -> Iterator[None]:
    """Call ``act``, in a thread, as soon as the app has logged ``text``; without that line the block fails."""
    threads: list[threading.Thread] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not threads and text in record.getMessage():
                threads.append(threading.Thread(target=act))
                threads[0].start()

    logger, listener = logging.getLogger("badges"), Listener()
    logger.addHandler(listener)
    try:
        yield
    finally:
        logger.removeHandler(listener)
        for thread in threads:
            thread.join(20)
    assert threads, f"nothing was logged with {text!r} in it"


@contextmanager
def consuming_in_thread(session: Session, stop: StopRequest) -> Iterator[None]:
    thread = threading.Thread(target=session.run)
    thread.start()
    try:
        yield
    finally:
        stop.requested = True
        thread.join(10)
        assert not thread.is_alive()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def unreachable_registry(settings: Settings, kafka: RunningKafka) -> Iterator[Callable[[], None]]:
    """Nothing listens at the registry's address until the function that is yielded has been called."""
    with ExitStack() as stack:
        port = free_port()
        settings.EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL = f"http://127.0.0.1:{port}"

        def make_reachable() -> None:
            stack.enter_context(in_thread(forwarding)(port, ("127.0.0.1", kafka.registry_port)))

        yield make_reachable
