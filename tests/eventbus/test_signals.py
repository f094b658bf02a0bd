"""Which types can take part (S5), and from a signal to an event."""

from __future__ import annotations

from typing import Any

import pytest
from openedx_events.data import EventsMetadata
from openedx_events.learning.signals import COURSE_PASSING_STATUS_UPDATED
from openedx_events.tooling import OpenEdxPublicSignal
from pytest_django import Settings

from badges.data import Event
from badges.eventbus.signals import connect, disconnect, known_event_types, problem_with, signal_of, to_event
from tests.eventbus.samples import PASSING, TIME, passing, user

GRADE = "org.openedx.learning.course.persistent_grade_summary.changed.v1"


def metadata(event_type: str = PASSING) -> EventsMetadata:
    return EventsMetadata(event_type=event_type, time=TIME)


# --- types ---------------------------------------------------------------------------------------------------


def test_all_types_of_openedx_events_are_known() -> None:
    types = known_event_types()
    assert list(types) == sorted(set(types))
    assert {PASSING, GRADE, "org.openedx.content_authoring.course.created.v1"} <= set(types)
    assert signal_of(PASSING) is COURSE_PASSING_STATUS_UPDATED


def test_the_types_of_other_apps_are_known(picky_signal: OpenEdxPublicSignal) -> None:
    assert picky_signal.event_type in known_event_types()
    assert problem_with(picky_signal.event_type) is None


@pytest.mark.parametrize(
    "event_type",
    [
        PASSING,
        "org.openedx.learning.ccx.course.passing.status.updated.v1",
        "org.openedx.learning.student.registration.completed.v1",
        "org.openedx.learning.course.enrollment.created.v1",
        "org.openedx.learning.exam.attempt.verified.v1",
        "org.openedx.learning.badge.awarded.v1",
    ],
)
def test_a_type_with_a_learner_can_take_part(event_type: str) -> None:
    # S5
    assert problem_with(event_type) is None


def test_a_type_that_is_unknown_is_told_with_the_closest_ones() -> None:
    # S5
    problem = problem_with(PASSING.replace("updated", "update"))
    assert problem is not None
    assert problem.startswith("the installed openedx-events knows no such event type. Did you mean ")
    assert PASSING in problem
    assert problem_with("x") == "the installed openedx-events knows no such event type."


@pytest.mark.parametrize(
    "event_type",
    [GRADE, "org.openedx.content_authoring.course.created.v1", "org.openedx.learning.user.notification.requested.v1"],
)
def test_a_type_that_cannot_carry_a_learner_is_told(event_type: str) -> None:
    # S5
    assert problem_with(event_type) == "its payload holds no UserData, so nobody can tell whose event it is."


@pytest.mark.parametrize(
    ("path", "usable"), [("user", True), ("course", False), ("nothing", False), ("user.pii", False), ("us er", False)]
)
def test_a_configured_path_has_to_lead_to_a_learner(settings: Settings, path: str, usable: bool) -> None:
    # S5
    settings.BADGES = {"LEARNER_PATHS": {PASSING: path}}
    expected = None if usable else f"LEARNER_PATHS sends it to {path!r}, where its payload holds no UserData."
    assert problem_with(PASSING) == expected


def test_a_configured_path_may_lead_to_an_actor(settings: Settings) -> None:
    # S1
    event_type = "org.openedx.learning.exam.attempt.verified.v1"
    settings.BADGES = {"LEARNER_PATHS": {event_type: "requesting_user"}}
    assert problem_with(event_type) is None


def test_a_signal_with_several_arguments_can_take_part(two_argument_signal: OpenEdxPublicSignal) -> None:
    # S5
    assert problem_with(two_argument_signal.event_type) is None


# --- events --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("from_bus", [True, False])
def test_what_a_receiver_gets_becomes_an_event(from_bus: bool) -> None:
    payload, sent = passing(), metadata()
    received: dict[str, Any] = {"metadata": sent, "from_event_bus": from_bus, "course_passing_status": payload}
    event = to_event(COURSE_PASSING_STATUS_UPDATED, {**received, "sender": None})
    assert event == Event(str(sent.id), PASSING, TIME, payload, from_bus)
    assert event.payload is payload


def test_several_arguments_become_a_mapping(two_argument_signal: OpenEdxPublicSignal) -> None:
    payload = {"status": passing(), "learner": user()}
    sent = metadata(two_argument_signal.event_type)
    assert to_event(two_argument_signal, {"metadata": sent, **payload}).payload == payload


def test_a_payload_is_not_told_in_a_repr() -> None:
    # S36
    event = to_event(COURSE_PASSING_STATUS_UPDATED, {"metadata": metadata(), "course_passing_status": passing()})
    assert "learner11" not in repr(event)


# --- connecting ----------------------------------------------------------------------------------------------


def test_a_receiver_is_connected_to_the_known_types_once() -> None:
    # S5: a type that openedx-events does not know is no crash.
    events = []

    def receive(signal: OpenEdxPublicSignal, **kwargs: Any) -> None:
        events.append(to_event(signal, kwargs))

    types = ["org.openedx.nothing.v1", PASSING]
    try:
        connect(receive, types, dispatch_uid="tests")
        connect(receive, types, dispatch_uid="tests")
        del receive  # connected for good, not as long as somebody else holds it
        payload = passing()
        COURSE_PASSING_STATUS_UPDATED.send_event(time=TIME, course_passing_status=payload)
    finally:
        disconnect(types, dispatch_uid="tests")
    COURSE_PASSING_STATUS_UPDATED.send_event(time=TIME, course_passing_status=payload)
    assert [(event.type, event.time, event.payload, event.from_bus) for event in events] == [
        (PASSING, TIME, payload, False)
    ]
