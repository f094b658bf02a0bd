"""Announcing: what other apps and the bus get, and whose failure is ours (S21)."""

from __future__ import annotations

import datetime
import functools
import logging
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from openedx_events.apps import general_signal_handler
from openedx_events.event_bus import EventBusProducer, get_producer
from openedx_events.learning.data import BadgeData, BadgeTemplateData
from openedx_events.learning.signals import BADGE_AWARDED, BADGE_REVOKED
from openedx_events.tooling import OpenEdxPublicSignal
from pytest_django import Settings

from badges.data import Announcement, Decision, Learner
from badges.eventbus import publisher
from badges.eventbus.publisher import announce, flush, produce
from badges.exceptions import AnnouncementFailed, AnnouncementImpossible, BusUnavailable
from tests.eventbus.samples import PASSING, TIME, passing_event, user

CREDENTIAL, TEMPLATE = uuid.UUID(int=1), uuid.UUID(int=2)


def announcement(decision: Decision = "award", lms_user_id: int | None = 11) -> Announcement:
    return Announcement(
        decision=decision,
        time=TIME.astimezone(datetime.timezone(datetime.timedelta(hours=3))),
        credential_uuid=CREDENTIAL,
        learner=Learner(lms_user_id, "learner11", "learner11@example.com", "Learner 11", is_active=False),
        template_uuid=TEMPLATE,
        origin="credly",
        template_name="Two courses",
        template_description="Passed both",
        image_url="https://example.com/image.png",
    )


BADGE = BadgeData(
    uuid=str(CREDENTIAL),
    user=user(is_active=False),
    template=BadgeTemplateData(
        uuid=str(TEMPLATE),
        origin="credly",
        name="Two courses",
        description="Passed both",
        image_url="https://example.com/image.png",
    ),
)


class RecordingProducer(EventBusProducer):  # type: ignore[misc]
    """Stands for the bus; ``failure`` is what it raises."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.sent: list[dict[str, Any]] = []

    def send(self, **message: Any) -> None:
        if self.failure is not None:
            raise self.failure
        self.sent.append(message)


@contextmanager
def connected(signal: OpenEdxPublicSignal, receiver: Any) -> Iterator[None]:
    signal.connect(receiver)
    try:
        yield
    finally:
        signal.disconnect(receiver)


@pytest.fixture
def bus(settings: Settings) -> Iterator[RecordingProducer]:
    """Both announcements go to the bus, as ``openedx_events`` wires it at start."""
    settings.EVENT_BUS_PRODUCER = f"{__name__}.RecordingProducer"
    topic = {"learning-badges-lifecycle": {"event_key_field": "badge.uuid", "enabled": True}}
    settings.EVENT_BUS_PRODUCER_CONFIG = {BADGE_AWARDED.event_type: topic, BADGE_REVOKED.event_type: topic}
    with ExitStack() as stack:
        for signal in (BADGE_AWARDED, BADGE_REVOKED):
            stack.enter_context(connected(signal, general_signal_handler))
        producer = get_producer()
        assert isinstance(producer, RecordingProducer)
        yield producer


@pytest.mark.parametrize(("decision", "signal"), [("award", BADGE_AWARDED), ("revoke", BADGE_REVOKED)])
def test_other_apps_get_the_signal_with_the_time_of_the_decision(
    decision: Decision, signal: OpenEdxPublicSignal
) -> None:
    # S21
    received = []

    def receive(**kwargs: Any) -> None:
        received.append(kwargs)

    with connected(signal, receive):
        announce(announcement(decision))
    (kwargs,) = received
    assert kwargs["badge"] == BADGE
    assert kwargs["metadata"].time == TIME
    assert kwargs["metadata"].time.tzinfo is datetime.UTC
    assert kwargs["from_event_bus"] is False


def test_the_bus_gets_it_with_the_same_metadata(bus: RecordingProducer) -> None:
    # S21
    announce(announcement())
    (message,) = bus.sent
    assert message["event_data"] == {"badge": BADGE}
    assert message["event_metadata"].time == TIME
    assert (message["topic"], message["event_key_field"]) == ("learning-badges-lifecycle", "badge.uuid")


def test_a_bus_that_does_not_take_it_is_a_failure(bus: RecordingProducer) -> None:
    # S21, S33
    bus.failure = BusUnavailable("no confirmation within 10 s.")
    with pytest.raises(AnnouncementFailed, match=f"{CREDENTIAL} was not announced: no confirmation within 10 s"):
        announce(announcement())


def test_what_a_foreign_error_says_is_not_repeated(bus: RecordingProducer) -> None:
    # S36
    bus.failure = ValueError("cannot encode learner11@example.com")
    with pytest.raises(AnnouncementFailed, match=r"was not announced: ValueError$"):
        announce(announcement())


def test_the_failure_of_another_apps_receiver_is_logged_and_no_failure(
    bus: RecordingProducer, caplog: pytest.LogCaptureFixture
) -> None:
    # S21, S36
    def fail(**kwargs: Any) -> None:
        raise ValueError(kwargs["badge"].user.pii.email)

    with connected(BADGE_AWARDED, fail), caplog.at_level(logging.WARNING, "badges"):
        announce(announcement())
    assert len(bus.sent) == 1
    (record,) = [record for record in caplog.records if record.name.startswith("badges")]
    assert "fail raised ValueError" in record.getMessage()
    assert "learner11" not in record.getMessage()
    assert record.__dict__["badge_id"] == str(CREDENTIAL)


def test_with_debug_on_any_receivers_failure_is_told(settings: Settings) -> None:
    # Openedx-events then stops at the first receiver that fails, so nobody knows what the others got.
    def fail(**kwargs: Any) -> None:
        raise ValueError("learner11@example.com")

    settings.DEBUG = True
    with connected(BADGE_AWARDED, fail), pytest.raises(AnnouncementFailed, match=r"was not announced: ValueError$"):
        announce(announcement())


def test_a_learner_without_an_lms_user_id_cannot_be_announced(bus: RecordingProducer) -> None:
    # S4
    with pytest.raises(AnnouncementImpossible, match="no LMS user id"):
        announce(announcement(lms_user_id=None))
    assert bus.sent == []


def test_any_event_can_be_put_on_the_bus_with_its_own_id_and_time(bus: RecordingProducer) -> None:
    event = passing_event()
    produce(event, "learning-badges-lifecycle", key_field="course_passing_status.course.course_key")
    (message,) = bus.sent
    assert message["signal"].event_type == message["event_metadata"].event_type == PASSING
    assert message["event_data"] == {"course_passing_status": event.payload}
    assert str(message["event_metadata"].id) == event.id
    assert message["event_metadata"].time == event.time


def test_a_producer_in_the_background_can_be_waited_for(bus: RecordingProducer) -> None:
    flush()  # this one has nothing to wait for
    calls: list[str] = []
    bus.prepare_for_shutdown = lambda: calls.append("flushed")
    flush()
    assert calls == ["flushed"]


def test_a_process_that_sent_nothing_makes_no_producer_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[EventBusProducer] = []

    @functools.lru_cache
    def get_producer() -> EventBusProducer:
        made.append(RecordingProducer())
        return made[0]

    monkeypatch.setattr(publisher, "get_producer", get_producer)
    flush()
    assert made == []
    get_producer()
    flush()
    assert len(made) == 1


def test_several_arguments_are_put_on_the_bus_by_name(
    bus: RecordingProducer, two_argument_signal: OpenEdxPublicSignal
) -> None:
    event = passing_event()
    payload = {"status": event.payload, "learner": user()}
    several = type(event)(event.id, two_argument_signal.event_type, event.time, payload)
    produce(several, "topic", key_field="learner.id")
    assert bus.sent[0]["event_data"] == payload
