"""Why an event counts, or does not, for a learner and a badge (S38)."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from badges import api, clock
from badges.data import Event
from badges.models import (
    BadgePenalty,
    BadgeProgress,
    BadgeRequirement,
    BadgeTemplate,
    DataRule,
    FailedEvent,
    Fulfillment,
    JournalEntry,
    PenaltyDataRule,
)
from badges.services.explaining import explain
from badges.services.explaining.model import EventVerdict
from tests.builders import PASSING, event, template

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 6, 1, 12, 30, tzinfo=datetime.UTC)
User = get_user_model()


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def receive(course: str = "A", **fields: Any) -> Event:
    received = event(course, **fields)
    api.receive_event(event=received)
    return received


def verdict(made: BadgeTemplate, of: Event, username: str = "learner1") -> EventVerdict:
    before = [list(model.objects.values()) for model in (Fulfillment, BadgeProgress, JournalEntry, User)]
    [told] = explain(username, made.uuid, [of]).events
    assert [list(model.objects.values()) for model in (Fulfillment, BadgeProgress, JournalEntry, User)] == before
    return told


# --- what was handled ----------------------------------------------------------------------------------------


# S37, S38
def test_an_event_that_counted_is_told_with_what_it_did() -> None:
    made = template("A")
    handled = receive("A")

    told = verdict(made, handled)

    assert (told.id, told.type, told.time, told.counted) == (handled.id, PASSING, "2026-05-01T10:00:00Z", True)
    assert told.why == "It counted on 2026-06-01T12:30:00Z: requirement fulfilled pass-a, badge awarded."
    assert told.details == (
        'requirement pass-a: rule is_passing eq "true": payload had true; holds',
        'requirement pass-a: rule course.course_key eq "course-v1:edX+A+1": payload had "course-v1:edX+A+1"; holds',
        "requirement pass-a: applies; it is the newest event that did",
    )


# S8
def test_an_event_that_only_moved_the_remembered_time_counted() -> None:
    made = template("AB")
    receive("A")
    second = receive("A", at="11:00")

    told = verdict(made, second)

    assert told.counted
    assert told.why == "It counted as the newest event for pass-a, and left that as it was."


def test_an_event_that_counted_once_is_told_even_if_a_newer_one_came() -> None:
    made = template("A", penalties="A")
    first = receive("A")
    reset = receive("A", passing=False, at="11:00")

    told = verdict(made, first)

    assert told.counted
    assert (
        f"requirement pass-a: applies; late, because event {reset.id} of 2026-05-01T11:00:00Z is newer" in told.details
    )
    assert verdict(made, reset).why == ("It counted on 2026-06-01T12:30:00Z: requirement reset pass-a, badge revoked.")


# S34
def test_an_event_that_failed_is_told_with_its_error() -> None:
    made = template("A")
    waiting = event("A")
    FailedEvent.objects.create(
        event_id=waiting.id, event_type=waiting.type, event_time=waiting.time, line="{}", error="the database was away"
    )

    told = verdict(made, waiting)

    assert not told.counted
    assert told.why == "It could not be handled and is kept for a retry: the database was away"


# --- what stands in the way ----------------------------------------------------------------------------------


# S5
def test_a_type_that_is_not_configured_takes_no_part(settings: Any) -> None:
    made = template("A")
    settings.BADGES = {**settings.BADGES, "EVENT_TYPES": []}

    told = verdict(made, event("A"))

    assert told.why == f"Events of type {PASSING} take no part: BADGES['EVENT_TYPES'] does not list it."
    assert (told.counted, told.details) == (False, ())


# S5
def test_a_type_that_cannot_carry_a_learner_takes_no_part(settings: Any) -> None:
    unsuitable = "org.openedx.content_authoring.course.catalog_info.changed.v1"
    made = template("A")
    settings.BADGES = {**settings.BADGES, "EVENT_TYPES": [unsuitable]}

    told = verdict(made, dataclasses.replace(event("A"), type=unsuitable))

    assert told.why.startswith(f"Events of type {unsuitable} take no part: its payload holds no UserData")


# S2
def test_an_event_without_a_learner_is_ignored() -> None:
    made = template("A")

    assert verdict(made, event("A", learner=0, username="")).why == "It names no learner, so it is ignored."


# S3
@pytest.mark.parametrize("is_known", [True, False])
def test_an_event_of_somebody_else_is_about_another_learner(is_known: bool) -> None:
    made = template("A")
    receive("A")
    if is_known:
        receive("A", learner=2)

    told = verdict(made, event("A", learner=2))

    assert (told.counted, told.why, told.details) == (False, "It is about another learner.", ())


# S3
def test_an_event_of_a_known_learner_is_not_that_of_a_stranger() -> None:
    made = template("A")
    receive("A")

    assert verdict(made, event("A"), "nobody").why == "It is about another learner."


# S3
def test_an_event_follows_the_lms_user_id_not_the_username() -> None:
    made = template("A")
    receive("A")
    User.objects.update(username="renamed")

    assert verdict(made, event("A"), "renamed").counted
    assert verdict(made, event("A"), "learner1").why == (
        "Its LMS user id 1 belongs to a record with another username; it counts there."
    )


# S3, S34
def test_a_conflict_of_learners_is_told() -> None:
    made = template("A")
    User.objects.create(username="learner1", lms_user_id=7)

    assert "its username belongs to LMS user 7" in verdict(made, event("A")).why


# S8
def test_an_event_from_the_future_has_to_wait() -> None:
    made = template("A")
    ahead = dataclasses.replace(event("A"), time=NOW + datetime.timedelta(seconds=301))

    assert verdict(made, ahead).why == "It is dated 301 seconds ahead of the clock and waits until its time has come."


# S10
@pytest.mark.parametrize("changes", [{"is_active": False}, {"state": "draft"}])
def test_a_template_that_takes_no_part_counts_nothing(changes: dict[str, Any]) -> None:
    told = verdict(template("A", **changes), event("A"))

    assert (
        told.why == "The template takes no part at the moment: it is switched off here, or not active at the provider."
    )
    assert "requirement pass-a: applies; nothing is remembered that could be newer" in told.details


def test_a_type_that_the_template_does_not_ask_for_is_told() -> None:
    made = template("A", penalties="A")
    BadgeRequirement.objects.update(event_type="org.openedx.learning.ccx.course.passing.status.updated.v1")
    BadgePenalty.objects.update(event_type="org.openedx.learning.ccx.course.passing.status.updated.v1")

    told = verdict(made, event("A"))

    assert told.why == "No requirement and no penalty of the template is about events of this type."
    assert told.details == ()


# S12, S14, S38
def test_rules_that_do_not_hold_are_told_one_by_one_with_what_the_payload_had() -> None:
    made = template("A", penalties="A")

    told = verdict(made, event("B"))

    assert told.why == "No requirement and no penalty of the template applies to it."
    other_course = 'rule course.course_key eq "course-v1:edX+A+1": payload had "course-v1:edX+B+1"; does not hold'
    assert told.details == (
        'requirement pass-a: rule is_passing eq "true": payload had true; holds',
        f"requirement pass-a: {other_course}",
        'penalty fail-a: rule is_passing eq "false": payload had true; does not hold',
        f"penalty fail-a: {other_course}",
    )


# S11
def test_no_rules_are_told_to_apply_always() -> None:
    made = template("A")
    DataRule.objects.all().delete()

    assert (
        "requirement pass-a: has no rules, so it applies to every event of its type"
        in verdict(made, event("Z")).details
    )


def test_a_rule_that_cannot_be_used_is_told_to_apply_never() -> None:
    made = template("A")
    DataRule.objects.filter(path="is_passing").update(operator="gt")

    told = verdict(made, event("A"))

    assert told.why == "No requirement and no penalty of the template applies to it."
    assert told.details[0].startswith("requirement pass-a: never applies; ")


# --- time ----------------------------------------------------------------------------------------------------


# S8
def test_a_late_event_is_told_which_one_was_newer() -> None:
    made = template("A")
    newer = receive("A", at="12:00")

    told = verdict(made, event("A", at="09:00"))

    assert told.why == "It is late: a newer event, or a reset of the same time, has decided about pass-a already."
    assert told.details[-1] == (
        f"requirement pass-a: applies; late, because event {newer.id} of 2026-05-01T12:00:00Z is newer"
    )


# S8
def test_another_event_of_the_same_time_comes_too_late() -> None:
    made = template("A")
    first = receive("A")

    told = verdict(made, dataclasses.replace(event("A"), id="0e0f3c3e-6a0b-11ef-9d52-0242ac120002"))

    assert not told.counted
    assert told.details[-1] == (
        f"requirement pass-a: applies; event {first.id} of 2026-05-01T10:00:00Z is of the same time and came first"
    )


# S8, S23
def test_a_reset_of_the_same_time_would_win() -> None:
    made = template("A", penalties="A")
    first = receive("A")

    told = verdict(made, event("A", passing=False))

    assert told.why == "It has not been handled here. Handled now, it would reset pass-a and revoke the badge."
    assert told.details[-1] == (
        "penalty fail-a: applies and resets pass-a, whatever else applies; "
        f"it overrules event {first.id} of 2026-05-01T10:00:00Z"
    )


# S6
def test_a_reset_by_the_same_event_wins_over_the_fulfilment() -> None:
    made = template("A", penalties="A")
    PenaltyDataRule.objects.filter(path="is_passing").delete()

    told = verdict(made, event("A"))

    assert told.why == "It has not been handled here. Handled now, it would change nothing but the time."
    assert "requirement pass-a: applies" not in "".join(told.details)
    assert told.details[-1] == (
        "penalty fail-a: applies and resets pass-a, whatever else applies; nothing is remembered that could be newer"
    )


# --- what an event would do ----------------------------------------------------------------------------------


def _award() -> tuple[BadgeTemplate, Event]:
    return template("A"), event("A")


def _fulfil() -> tuple[BadgeTemplate, Event]:
    return template("AB"), event("A")


def _confirm() -> tuple[BadgeTemplate, Event]:
    made = template("A")
    receive("A")
    return made, event("A", at="11:00")


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (_award, "it would fulfil pass-a and award the badge."),
        (_fulfil, "it would fulfil pass-a."),
        (_confirm, "it would change nothing but the time."),
    ],
)
def test_an_event_that_was_not_handled_is_told_with_what_it_would_do(
    prepare: Callable[[], tuple[BadgeTemplate, Event]], why: str
) -> None:
    made, unhandled = prepare()

    told = verdict(made, unhandled)

    assert not told.counted
    assert told.why == f"It has not been handled here. Handled now, {why}"


def test_a_newer_event_is_told_what_it_confirms() -> None:
    made, confirming = _confirm()

    assert verdict(made, confirming).details[-1].endswith("which left it fulfilled already")


# S25
def test_an_event_does_not_award_what_a_person_revoked() -> None:
    made = template("A")
    receive("A")
    api.revoke_badge(credential_uuid=BadgeProgress.objects.get().credential.uuid)

    told = verdict(made, event("A", at="11:00"))

    assert told.why.endswith("it would change nothing but the time.")


def test_every_event_gets_its_verdict_in_order_and_in_words() -> None:
    made = template("A")
    first = receive("A")
    events = [event("B"), first]

    explanation = explain("learner1", made.uuid, iter(events))

    assert [told.counted for told in explanation.events] == [False, True]
    words = explanation.in_words()
    assert f"Events:\n- {events[0].id} ({PASSING}) of 2026-05-01T10:00:00Z\n    Did not count. No requirement" in words
    assert "\n    Counted. It counted on " in words
