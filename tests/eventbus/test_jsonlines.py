"""Events as JSON lines: there and back, and what a bad line is told."""

from __future__ import annotations

import datetime
import json
import traceback
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from opaque_keys.edx.keys import CourseKey
from openedx_events.learning.data import CoursePassingStatusData, DiscussionTopicContext
from openedx_events.tooling import OpenEdxPublicSignal

from badges.data import Event
from badges.eventbus.jsonlines import MAX_LINE, from_line, to_line
from badges.exceptions import UnreadableEvent
from tests.eventbus.samples import PASSING, TIME, events, passing, passing_event, signals, user

DOCUMENTED = (
    '{"type":"org.openedx.learning.course.passing.status.updated.v1","id":"9d2f0c3e-6a0b-11ef-9d52-0242ac120002",'
    '"time":"2026-05-01T10:00:00Z","data":{"course_passing_status":{"is_passing":true,"course":{"course_key":'
    '"course-v1:edX+A+1"},"user":{"id":11,"is_active":true,"pii":{"username":"learner1","email":'
    '"learner1@example.com","name":"Learner One"}}}}}'
)
GRADE = "org.openedx.learning.course.persistent_grade_summary.changed.v1"
CONFIGURATION = "org.openedx.learning.discussions.configuration.changed.v1"

GRADED = {
    "user_id": 1,
    "course": {"course_key": "course-v1:edX+A+1"},
    "course_edited_timestamp": "2026-05-01",
    "course_version": "",
    "grading_policy_hash": "",
    "letter_grade": "A",
    "passed_timestamp": "2026-05-01T10:00:00",
}


def content() -> Any:
    return json.loads(DOCUMENTED)


def with_change(change: Callable[[Any], object]) -> str:
    line = content()
    change(line)
    return json.dumps(line)


# --- there and back ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", signals(), ids=lambda signal: signal.event_type)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_event_type_comes_back_as_it_was(signal: OpenEdxPublicSignal, data: st.DataObject) -> None:
    event = data.draw(events(signal))
    line = to_line(event)
    assert line.isascii()
    assert "\n" not in line
    assert from_line(line) == event
    assert from_line(line.encode()) == event


def test_the_documented_line_is_the_documented_event() -> None:
    event = from_line(DOCUMENTED)
    assert event == Event("9d2f0c3e-6a0b-11ef-9d52-0242ac120002", PASSING, TIME, event.payload)
    assert isinstance(event.payload, CoursePassingStatusData)
    assert event.payload.course.course_key == CourseKey.from_string("course-v1:edX+A+1")
    assert event.payload.user == user(11, username="learner1", email="learner1@example.com", name="Learner One")
    assert json.loads(to_line(event))["data"]["course_passing_status"]["course"]["course_key"] == "course-v1:edX+A+1"


def test_an_event_from_the_bus_is_written_like_any_other() -> None:
    event = passing_event()
    assert to_line(attrs_of(event, from_bus=True)) == to_line(event)


def attrs_of(event: Event, **changes: Any) -> Event:
    return Event(**{name: getattr(event, name) for name in event.__slots__} | changes)


@pytest.mark.parametrize(
    "time",
    ["2026-05-01T10:00:00Z", "2026-05-01T10:00:00+00:00", "2026-05-01T13:30:00+03:30", "2026-05-01T10:00:00.000000Z"],
)
def test_any_offset_is_turned_into_utc(time: str) -> None:
    read = from_line(with_change(lambda line: line.update(time=time))).time
    assert read == TIME
    assert read.tzinfo is datetime.UTC


def test_an_id_is_read_in_any_form_of_a_uuid() -> None:
    line = with_change(lambda line: line.update(id="{9D2F0C3E-6A0B-11EF-9D52-0242AC120002}"))
    assert from_line(line).id == "9d2f0c3e-6a0b-11ef-9d52-0242ac120002"


def test_fields_that_a_newer_platform_adds_are_ignored() -> None:
    def extend(line: Any) -> None:
        line["source"] = "openedx/lms/web"
        line["data"]["more"] = 1
        line["data"]["course_passing_status"]["grade"] = {"percent": 0.7}
        line["data"]["course_passing_status"]["user"]["pii"]["nickname"] = "L"

    assert from_line(with_change(extend)) == from_line(DOCUMENTED)


def test_fields_with_a_default_may_be_left_out_or_null() -> None:
    course = content()["data"]["course_passing_status"]["course"]
    full = with_change(
        lambda line: line["data"]["course_passing_status"].update(course={**course, "start": None, "display_name": ""})
    )
    assert from_line(full) == from_line(DOCUMENTED)


def test_a_learner_the_lms_does_not_know_may_have_no_id() -> None:
    line = with_change(lambda line: line["data"]["course_passing_status"]["user"].update(id=None))
    assert from_line(line).payload.user.id is None


def test_a_whole_number_will_do_for_a_fraction() -> None:
    event = from_line(json.dumps({**content(), "type": GRADE, "data": {"grade": {**GRADED, "percent_grade": 1}}}))
    assert event.payload.percent_grade == 1.0
    assert event.payload.passed_timestamp.tzinfo is None


def test_a_signal_with_several_arguments_has_them_by_name(two_argument_signal: OpenEdxPublicSignal) -> None:
    event = Event(passing_event().id, two_argument_signal.event_type, TIME, {"status": passing(), "learner": user(12)})
    line = to_line(event)
    assert set(json.loads(line)["data"]) == {"status", "learner"}
    assert from_line(line) == event


def test_values_that_json_does_not_know_are_written_as_text() -> None:
    # An event that cannot be handled has to be kept whatever its sender put into it (S34).
    status = attrs.evolve(passing(), is_passing={1j, "x"}, course=datetime.date(2026, 5, 1))
    data = json.loads(to_line(attrs_of(passing_event(), payload=status)))["data"]["course_passing_status"]
    assert sorted(data["is_passing"]) == ["1j", "x"]
    assert data["course"] == "2026-05-01"


# --- bad lines -----------------------------------------------------------------------------------------------

MUTATIONS: list[tuple[Callable[[Any], object], str]] = [
    (lambda line: line.pop("type"), "type: is missing."),
    (lambda line: line.update(type=7), "type: must be text in Unicode, not a number."),
    (lambda line: line.update(type="org.openedx.nothing.v1"), "type: must be an event type that the installed"),
    (lambda line: line.pop("id"), "id: is missing."),
    (lambda line: line.update(id="seven"), "id: must be a UUID; what is there is none."),
    (lambda line: line.update(id=7), "id: must be a UUID, not a number."),
    (lambda line: line.pop("time"), "time: is missing."),
    (lambda line: line.update(time="yesterday"), "time: must be a date and time in ISO 8601"),
    (lambda line: line.update(time=1777629600), "time: must be a date and time in ISO 8601"),
    (lambda line: line.update(time="2026-05-01T10:00:00"), "time: must have a Z or an offset from UTC"),
    (lambda line: line.update(time="9999-12-31T23:00:00-05:00"), "time: must be within the years 1 to 9999"),
    (lambda line: line.pop("data"), "data: is missing."),
    (lambda line: line.update(data=[]), "data: must be an object, not a list."),
    (lambda line: line.update(data={"status": {}}), "data.course_passing_status: is missing."),
    (lambda line: line["data"].update(course_passing_status=None), "data.course_passing_status: must be an object"),
    (lambda line: status(line).pop("is_passing"), "data.course_passing_status.is_passing: is missing."),
    (
        lambda line: status(line).update(is_passing="yes"),
        "data.course_passing_status.is_passing: must be true or false, not text.",
    ),
    (
        lambda line: status(line).update(is_passing=1),
        "data.course_passing_status.is_passing: must be true or false, not a number.",
    ),
    (
        lambda line: status(line).update(is_passing=None),
        "data.course_passing_status.is_passing: must be true or false, not null.",
    ),
    (
        lambda line: status(line)["user"].update(id="11"),
        "data.course_passing_status.user.id: must be a whole number of at most 64 bits, not text.",
    ),
    (lambda line: status(line)["user"].update(id=True), "user.id: must be a whole number"),
    (lambda line: status(line)["user"].update(id=11.0), "user.id: must be a whole number"),
    (lambda line: status(line)["user"].update(id=2**63), "user.id: must be a whole number of at most 64 bits; what"),
    (lambda line: status(line)["user"]["pii"].pop("email"), "data.course_passing_status.user.pii.email: is missing."),
    (
        lambda line: status(line)["user"]["pii"].update(name=["L"]),
        "user.pii.name: must be text in Unicode, not a list.",
    ),
    (lambda line: status(line)["user"]["pii"].update(name="\ud800"), "user.pii.name: must be text in Unicode; what"),
    (lambda line: status(line)["course"].update(course_key="edX"), "course.course_key: must be an opaque key of its"),
    (lambda line: status(line)["course"].update(course_key={}), "course.course_key: must be an opaque key of its"),
    (lambda line: status(line)["course"].update(start="soon"), "course.start: must be a date and time in ISO 8601"),
    (lambda line: status(line)["course"].update(start={}), "course.start: must be a date and time in ISO 8601"),
]


def status(line: Any) -> Any:
    return line["data"]["course_passing_status"]


@pytest.mark.parametrize(("change", "problem"), MUTATIONS, ids=[problem for _, problem in MUTATIONS])
def test_a_field_that_is_missing_or_of_another_type_is_named(change: Callable[[Any], object], problem: str) -> None:
    with pytest.raises(UnreadableEvent) as raised:
        from_line(with_change(change))
    assert problem in str(raised.value)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "The line is not JSON: Expecting value at column 1."),
        ("{'type': 1}", "The line is not JSON: Expecting property name"),
        (DOCUMENTED[:-1], "The line is not JSON"),
        ("[" * 100_000, "The line is not JSON that can be read: RecursionError."),
        ('{"id": ' + "1" * 10_000 + "}", "The line is not JSON that can be read: ValueError."),
        ('{"id": NaN}', "The line is not JSON: NaN is no number of JSON"),
        ("7", "The line: must be an object, not a number."),
        ("null", "The line: must be an object, not null."),
        (b"\xff\xfe", "The line is not UTF-8 from byte 0 on."),
        (" " * (10 * MAX_LINE), f"The line is {10 * MAX_LINE} characters long; at most {MAX_LINE} are read."),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_line_that_is_no_event_at_all_is_told_why(line: str | bytes, problem: str) -> None:
    with pytest.raises(UnreadableEvent) as raised:
        from_line(line)
    assert problem in str(raised.value)


def test_a_ccx_key_has_to_be_one() -> None:
    course = {"ccx_course_key": "course-v1:edX+A+1", "master_course_key": "course-v1:edX+A+1"}
    line = with_change(lambda line: status(line).update(course=course)).replace(
        ".course.passing", ".ccx.course.passing"
    )
    with pytest.raises(UnreadableEvent, match=r"course\.ccx_course_key: must be an opaque key"):
        from_line(line)


def test_items_of_lists_and_mappings_are_named_by_their_place() -> None:
    topic = {"title": "T", "ordering": 1}
    configuration = {
        "course_key": "course-v1:edX+A+1",
        "provider_type": "openedx",
        "contexts": [topic, {**topic, "ordering": "2"}],
    }
    line = {**content(), "type": CONFIGURATION, "data": {"configuration": configuration}}
    with pytest.raises(UnreadableEvent, match=r"^data\.configuration\.contexts\.1\.ordering: must be a whole number"):
        from_line(json.dumps(line))
    configuration["contexts"] = [topic]
    read = from_line(json.dumps(line))
    assert read.payload.contexts == [DiscussionTopicContext(title="T", ordering=1)]
    assert from_line(to_line(read)) == read


def test_a_number_has_to_be_finite() -> None:
    line = json.dumps({**content(), "type": GRADE, "data": {"grade": {**GRADED, "percent_grade": 7}}})
    assert line.count(" 7}") == 1
    with pytest.raises(UnreadableEvent) as raised:
        from_line(line.replace(" 7}", " 1e999}"))
    assert str(raised.value) == "data.grade.percent_grade: must be a finite number; what is there is none."


def test_a_data_class_that_refuses_its_values_is_named(picky_signal: OpenEdxPublicSignal) -> None:
    line = {**content(), "type": picky_signal.event_type, "data": {"picky": {"mood": "bad"}}}
    with pytest.raises(UnreadableEvent, match=r"^data\.picky: Picky does not accept these values\.$"):
        from_line(json.dumps(line))
    line["data"] = {"picky": {"mood": "worse"}}
    with pytest.raises(UnreadableEvent, match=r"^data\.picky\.mood: must be one of its values"):
        from_line(json.dumps(line))
    line["data"] = {"picky": {"mood": "good", "file": 1}}
    with pytest.raises(UnreadableEvent, match=r"^data\.picky\.file: a BytesIO cannot be read from JSON"):
        from_line(json.dumps(line))
    line["data"] = {"picky": {"mood": "good", "anything": [None, {"x": 1}]}}
    event = from_line(json.dumps(line))
    assert event.payload.anything == [None, {"x": 1}]
    assert from_line(to_line(event)) == event


def test_an_event_of_an_unknown_type_cannot_be_written() -> None:
    with pytest.raises(UnreadableEvent, match="type: must be an event type"):
        to_line(attrs_of(passing_event(), type="org.openedx.nothing.v1"))


def problem_with(line: str) -> str:
    """All that a log can tell about why a line was refused; nothing when it was not."""
    try:
        from_line(line)
    except UnreadableEvent as error:
        return "".join(traceback.format_exception(error))
    return ""


@pytest.mark.parametrize("place", range(12))
def test_no_problem_repeats_a_value(place: int) -> None:
    # S36: whatever is wrong, the message holds nothing of what the line says.
    secret = "learner1-secret@example.com"
    leaves: list[tuple[Any, str]] = []

    def collect(value: Any) -> None:
        for name, inner in value.items():
            leaves.append((value, name))
            if isinstance(inner, dict):
                collect(inner)

    line = content()
    collect(line)
    holder, name = leaves[place]
    for wrong in (secret, [secret], {secret: secret}):
        holder[name] = wrong
        told = problem_with(json.dumps(line))
        assert secret not in told
        assert told or isinstance(wrong, str), f"{name} took {wrong}"
