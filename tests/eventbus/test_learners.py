"""Whose event it is (S1, S2)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from opaque_keys.edx.keys import CourseKey, UsageKey
from openedx_events.learning.data import (
    BadgeData,
    BadgeTemplateData,
    CourseData,
    CourseEnrollmentData,
    DiscussionThreadData,
    ExamAttemptData,
    UserData,
)
from pytest_django import Settings

from badges.data import Event, Learner
from badges.eventbus.signals import find_learner
from tests.eventbus.samples import PASSING, TIME, passing, user

COURSE = CourseKey.from_string("course-v1:edX+A+1")
LEARNER = Learner(11, "learner11", "learner11@example.com", "Learner 11")


def learner_in(payload: Any, event_type: str = PASSING) -> Learner | None:
    return find_learner(Event("9d2f0c3e-6a0b-11ef-9d52-0242ac120002", event_type, TIME, payload))


def enrollment(**fields: Any) -> CourseEnrollmentData:
    return CourseEnrollmentData(
        course=CourseData(course_key=COURSE), mode="audit", is_active=True, creation_date=TIME, **fields
    )


def exam(**fields: Any) -> ExamAttemptData:
    usage = UsageKey.from_string("block-v1:edX+A+1+type@problem+block@p1")
    return ExamAttemptData(course_key=COURSE, usage_key=usage, exam_type="timed", **fields)


def thread(**fields: Any) -> DiscussionThreadData:
    required = dict.fromkeys(("body", "commentable_id", "url"), "")
    known = {field.name for field in attrs.fields(DiscussionThreadData)}
    values = {**required, "id": "1", "truncated": False, "course_id": COURSE, "user": user(), **fields}
    values |= {
        field.name: None
        for field in attrs.fields(DiscussionThreadData)
        if field.default is attrs.NOTHING and field.name not in values
    }
    return DiscussionThreadData(**{name: value for name, value in values.items() if name in known})


# --- openedx-events' own payloads ----------------------------------------------------------------------------


def test_the_user_of_a_payload_is_the_learner() -> None:
    # S1
    assert learner_in(passing()) == LEARNER


def test_a_payload_that_is_a_user_is_the_learner() -> None:
    # S1
    assert learner_in(user()) == LEARNER


def test_who_created_an_enrollment_is_not_the_learner() -> None:
    # S1
    assert learner_in(enrollment(created_by=user(99), user=user())) == LEARNER
    assert learner_in(enrollment(created_by=user(99), user=None)) is None


def test_the_student_of_an_exam_is_the_learner_and_not_who_asked_for_it() -> None:
    # S1
    assert learner_in(exam(requesting_user=user(99), student_user=user())) == LEARNER
    assert learner_in(exam(requesting_user=user(99), student_user=None)) is None


def test_the_holder_of_a_badge_is_the_learner() -> None:
    # S1
    template = BadgeTemplateData(uuid="t", origin="credly")
    assert learner_in(BadgeData(uuid="b", user=user(), template=template)) == LEARNER


def test_the_author_of_a_thread_with_untyped_parts_is_the_learner() -> None:
    # S1: version 10 of openedx-events has plain dicts in it.
    assert learner_in(thread(options={"user": user(99)})) == LEARNER


def test_an_inactive_learner_is_told() -> None:
    # S3
    assert learner_in(user(is_active=False)) == attrs_like(LEARNER, is_active=False)


def attrs_like(learner: Learner, **changes: Any) -> Learner:
    return Learner(**{name: getattr(learner, name) for name in learner.__slots__} | changes)


# --- nobody --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [None, 0])
def test_a_learner_without_an_lms_user_id_is_told_by_the_username(number: int | None) -> None:
    # S2
    assert learner_in(user(id=number)) == attrs_like(LEARNER, lms_user_id=None)


@pytest.mark.parametrize("username", ["", None])
def test_a_learner_without_a_username_is_told_by_the_lms_user_id(username: str | None) -> None:
    # S2
    assert learner_in(user(username=username)) == attrs_like(LEARNER, username="")


@pytest.mark.parametrize("username", ["", None])
@pytest.mark.parametrize("number", [None, 0])
def test_with_neither_there_is_no_learner(username: str | None, number: int | None) -> None:
    # S2
    assert learner_in(user(username=username, id=number)) is None


def test_missing_personal_data_is_empty_text() -> None:
    assert learner_in(user(email=None, name=None)) == attrs_like(LEARNER, email="", full_name="")


@pytest.mark.parametrize("payload", [None, 7, "learner1", [], {}, CourseData(course_key=COURSE)])
def test_a_payload_without_a_user_has_no_learner(payload: Any) -> None:
    # S2
    assert learner_in(payload) is None


# --- payloads of other apps ----------------------------------------------------------------------------------


@attrs.frozen
class Inner:
    user: UserData | None = None
    member: UserData | None = None


@attrs.frozen
class Team:
    """Everything at once; each test fills in some."""

    member: UserData | None = None
    learner: UserData | None = None
    student: UserData | None = None
    graded_by: UserData | None = None
    coach: UserData | None = None
    coach_assistant: Inner | None = None
    approved_by: Inner | None = None
    inner: Inner | None = None
    user: UserData | None = None


@attrs.frozen
class Loose:
    """Parts whose types do not tell where a learner is."""

    users: list[UserData] = attrs.field(factory=list)
    by_name: dict[str, UserData] = attrs.field(factory=dict)
    untyped: Any = None
    course: str = ""
    created_by: UserData | None = None
    user: UserData | None = None
    inner: Inner | None = None


@attrs.frozen
class Chain:
    """A class inside itself."""

    before: Chain | None = None
    learner: UserData | None = None


@pytest.mark.parametrize(
    "fields",
    [
        {"user": 11, "learner": 2, "member": 3, "inner": {"user": 4}},
        {"inner": {"user": 11}, "learner": 2, "member": 3},
        {"learner": 11, "member": 3, "inner": {"member": 4}},
        {"learner": 11, "student": 2},
        {"student": 11, "member": 3},
        {"member": 11, "inner": {"member": 4}},
        {"inner": {"member": 11}},
    ],
    ids=str,
)
def test_the_name_of_a_field_counts_first_and_then_its_depth(fields: dict[str, Any]) -> None:
    # S1: user, then student_user, student and learner, then any; of the same rank the shallower, then the first.
    made = {
        name: Inner(**{key: user(number) for key, number in value.items()}) if isinstance(value, dict) else user(value)
        for name, value in fields.items()
    }
    assert learner_in(Team(**made)) == LEARNER
    as_mapping: dict[str, Any] = {}
    for field in attrs.fields(Team):
        value = made.get(field.name)
        as_mapping[field.name] = attrs.asdict(value, recurse=False) if isinstance(value, Inner) else value
    assert learner_in(as_mapping) == LEARNER


@pytest.mark.parametrize("actor", ["graded_by", "coach", "coach_assistant", "approved_by"])
def test_an_actor_is_never_the_learner(actor: str) -> None:
    # S1
    person: Any = user(99) if actor in {"graded_by", "coach"} else Inner(user=user(99), member=user(99))
    assert learner_in(Team(**{actor: person})) is None
    assert learner_in({actor: person}) is None
    assert learner_in(Team(**{actor: person}, member=user())) == LEARNER


def test_a_learner_in_a_list_or_a_mapping_is_found() -> None:
    # S1: at any depth.
    assert learner_in(Loose(users=[user(), user(2)])) == LEARNER
    assert learner_in(Loose(by_name={"x": user()})) == LEARNER
    assert learner_in(Loose(untyped=user())) == LEARNER
    assert learner_in(Loose(untyped=[{"deep": ({"learner": user()},)}])) == LEARNER
    assert learner_in(Loose(untyped={"created_by": user(99)}, users=[user()], created_by=user(99))) == LEARNER


def test_a_better_name_in_a_list_or_mapping_beats_a_worse_one_outside() -> None:
    # S1
    assert learner_in(Loose(users=[user(2)], by_name={"learner": user()})) == LEARNER
    assert learner_in(Loose(users=[user(2)], untyped={"user": user()})) == LEARNER


def test_a_shallower_user_beats_one_in_a_mapping() -> None:
    # S1
    assert learner_in(Loose(untyped={"user": user(2)}, user=user())) == LEARNER
    assert learner_in(Loose(untyped={"user": user(2)}, inner=Inner(user=user()))) == learner_in(user(2))
    assert learner_in(Loose(untyped=[{"user": user(2)}], inner=Inner(user=user()))) == LEARNER


def test_a_class_inside_itself_is_searched_too() -> None:
    # S1
    assert learner_in(Chain(learner=user())) == LEARNER
    assert learner_in(Chain(before=Chain(learner=user()))) is None


# --- the setting ---------------------------------------------------------------------------------------------


def test_a_configured_path_wins(settings: Settings) -> None:
    # S1
    settings.BADGES = {"LEARNER_PATHS": {PASSING: "requesting_user"}}
    assert learner_in(exam(requesting_user=user(), student_user=user(2))) == LEARNER
    assert learner_in(exam(requesting_user=user(2), student_user=user()), "org.openedx.other.v1") == LEARNER


def test_a_configured_path_goes_through_lists(settings: Settings) -> None:
    # S1
    settings.BADGES = {"LEARNER_PATHS": {PASSING: "users.1"}}
    assert learner_in(Loose(users=[user(2), user()])) == LEARNER
    assert learner_in(Loose(users=[user()])) is None


def test_a_configured_path_is_not_followed_by_a_search(settings: Settings) -> None:
    # S1
    settings.BADGES = {"LEARNER_PATHS": {PASSING: "course"}}
    assert learner_in(passing()) is None


def test_a_learner_is_not_told_in_a_repr() -> None:
    # S36
    learner = learner_in(passing())
    assert isinstance(learner, Learner)
    for personal in ("learner11", "learner11@example.com", "Learner 11"):
        assert personal not in repr(learner)
