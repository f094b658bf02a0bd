"""Where a learner stands with a badge: done, missing, what happened (S38)."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

import pytest

from badges import api, clock
from badges.exceptions import BadgesError, PermanentError
from badges.models import BadgePenalty, BadgeProgress, BadgeRequirement, BadgeTemplate, CredlyBadge, DataRule, Delivery
from badges.providers.memory import MemoryProvider
from badges.services.explaining import explain
from tests.builders import PASSING, event, template

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 6, 1, 12, 30, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def receive(course: str = "A", **fields: Any) -> str:
    received = event(course, **fields)
    assert api.receive_event(event=received).matched
    return received.id


def words_of(made: BadgeTemplate, username: str = "learner1") -> str:
    return explain(username, made.uuid).in_words()


# S38
def test_somebody_unknown_has_everything_before_them() -> None:
    made = template("A")

    explanation = explain("nobody", made.uuid)

    assert (explanation.groups_done, explanation.groups_in_all, explanation.complete) == (0, 1, False)
    assert (explanation.status, explanation.journal, explanation.deliveries) == (None, (), ())
    words = explanation.in_words()
    assert f"nobody: Badge A ({made.uuid})\nDone: 0 of 1. Badge: not awarded.\n" in words
    assert "No learner of this username is known here; nothing has been recorded." in words
    assert "What happened" not in words and "Deliveries" not in words and "\nDone:\n" not in words


def test_a_template_that_is_not_there_is_told() -> None:
    with pytest.raises(BadgesError, match="There is no badge template"):
        explain("learner1", uuid.UUID(int=1))


# S16, S38
def test_what_is_done_and_what_is_missing_is_told_with_event_types_and_rules() -> None:
    made = template("ABC")
    BadgeRequirement.objects.exclude(key="pass-a").update(group="either", description="One of two")
    id_ = receive("A")

    explanation = explain("learner1", made.uuid)

    first, second = explanation.groups
    assert (first.name, first.done, [one.key for one in first.requirements]) == ("", True, ["pass-a"])
    assert (second.name, second.done, [one.key for one in second.requirements]) == (
        "either",
        False,
        ["pass-b", "pass-c"],
    )
    words = explanation.in_words()
    terms = f'an event {PASSING} in which is_passing eq "true" and course.course_key eq "course-v1:edX+'
    assert f'Done:\n- pass-a: {terms}A+1". Fulfilled; the newest event is {id_} of 2026-05-01T10:00:00Z.\n' in words
    assert (
        "Missing:\n- group either, one of:\n"
        f'  - pass-b (One of two): {terms}B+1". Nothing recorded.\n'
        f'  - pass-c (One of two): {terms}C+1". Nothing recorded.'
    ) in words


# S11
def test_a_requirement_without_rules_is_told_as_such() -> None:
    made = template("A")
    DataRule.objects.all().delete()

    assert f"- pass-a: an event {PASSING}, whatever is in it. Nothing recorded." in words_of(made)


# S36
def test_personal_data_in_rules_is_not_told() -> None:
    made = template("A")
    DataRule.objects.filter(path="is_passing").update(path="user.pii.email", value="learner1@example.com")

    words = words_of(made)

    assert "user.pii.email eq (personal)" in words
    assert "@" not in words
    assert "learner1" not in repr(explain("learner1", made.uuid))


# S23
def test_what_takes_a_badge_back_is_told() -> None:
    made = template("AB", penalties="A")
    penalty = BadgePenalty.objects.get()
    penalty.requirements.add(BadgeRequirement.objects.get(key="pass-b"))
    BadgePenalty.objects.update(description="Failed")

    [terms] = explain("learner1", made.uuid).penalties

    assert (terms.key, terms.resets) == ("fail-a", ("pass-a", "pass-b"))
    assert f"What takes it back:\n- fail-a (Failed): an event {PASSING} in which is_passing" in words_of(made)
    assert 'course.course_key eq "course-v1:edX+A+1" resets pass-a, pass-b.' in words_of(made)


# S37, S38
def test_the_journal_is_told_in_order_with_events_and_what_the_rules_saw() -> None:
    made = template("A", penalties="A")
    first = receive("A")
    api.deliver_due()
    second = receive("A", passing=False, at="11:00")

    explanation = explain("learner1", made.uuid)

    assert [entry.what.split(" (")[0] for entry in explanation.journal] == [
        "requirement fulfilled pass-a",
        "badge awarded",
        "delivered announcement",
        "delivered issue",
        "requirement reset pass-a by penalty fail-a",
        "badge revoked",
        "delivered announcement",
    ]
    words = explanation.in_words()
    assert (
        "What happened:\n"
        f"- 2026-06-01T12:30:00Z: requirement fulfilled pass-a, by event {first} ({PASSING}) of 2026-05-01T10:00:00Z\n"
        '    rule is_passing eq "true": payload had true\n'
        '    rule course.course_key eq "course-v1:edX+A+1": payload had "course-v1:edX+A+1"\n'
    ) in words
    assert f"Not fulfilled; reset by event {second} of 2026-05-01T11:00:00Z." in words


def test_what_the_journal_did_not_see_is_told_as_absent() -> None:
    made = template("A")
    DataRule.objects.filter(path="is_passing").update(path="course.start", operator="exists", value="false")
    receive("A")

    assert 'rule course.start exists "false": payload had no such field' in words_of(made)


# S38
def test_deliveries_are_told_with_their_state_and_error() -> None:
    made = template("A")
    account = MemoryProvider.account(made.account.external_id)
    receive("A")
    waiting = explain("learner1", made.uuid).deliveries
    account.fail("issue", PermanentError("template is archived", status=422))
    api.deliver_due()

    announcement, issue = explain("learner1", made.uuid).deliveries

    assert (waiting[1].state, bool(waiting[1].next_attempt)) == ("pending", True)
    assert (announcement.kind, announcement.state, announcement.next_attempt) == ("announce_awarded", "done", "")
    assert (issue.kind, issue.state, issue.attempts) == ("issue", "failed", 1)
    assert "- issue, decided at 2026-06-01T12:30:00Z: failed, attempts: 1. template is archived" in words_of(made)
    assert f"pending, attempts: 0, next at {waiting[1].next_attempt}." in str(waiting[1])


def test_a_badge_is_told_with_its_id_at_the_provider() -> None:
    made = template("A")
    receive("A")
    assert "Badge: awarded, last awarded at 2026-06-01T12:30:00Z, created at the provider.\n" in words_of(made)
    api.deliver_due()

    badge = CredlyBadge.objects.get()
    assert f"{badge.state} at the provider as {badge.external_uuid}.\n" in words_of(made)


def test_a_learner_without_any_fulfilment_is_told_as_such() -> None:
    made = template("A", penalties="A")
    receive("A", passing=False)

    assert "The learner has not fulfilled anything of this template yet." in words_of(made)


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"is_active": False}, "The template is switched off: events do not count for it, badges stay."),
        ({"state": "archived"}, "The template is archived at the provider: events do not count for it, badges stay."),
    ],
)
def test_a_template_that_takes_no_part_is_told(changes: dict[str, Any], note: str) -> None:
    made = template("A", **changes)

    assert note in words_of(made)


# S16
def test_a_template_without_requirements_is_told_to_be_never_complete() -> None:
    explanation = explain("learner1", template().uuid)

    assert not explanation.complete
    assert "The template has no requirements, so it is never complete." in explanation.notes


# S25
def test_a_badge_revoked_by_hand_is_told() -> None:
    made = template("A")
    receive("A")
    api.revoke_badge(credential_uuid=CredlyBadge.objects.get().uuid)

    assert "A person revoked the badge by hand: no event awards it again until a person lifts that." in words_of(made)
    assert "badge revoked (by hand)" in words_of(made)


# S25
def test_a_badge_that_is_not_awarded_again_is_told() -> None:
    made = template("A", penalties="A", allow_reaward=False)
    receive("A")
    receive("A", passing=False, at="11:00")
    receive("A", at="12:00")

    assert "The badge was revoked, and this template does not award it again." in words_of(made)


# S26
def test_a_template_that_became_complete_by_an_edit_is_told_to_wait_for_an_event() -> None:
    made = template("AB")
    receive("A")
    BadgeRequirement.objects.filter(key="pass-b").delete()

    explanation = explain("learner1", made.uuid)

    assert explanation.complete
    assert explanation.notes == (
        "Everything is done, by a change of the template: the learner's next event that applies awards the badge.",
    )


def test_nothing_is_noted_about_a_badge_that_is_held() -> None:
    made = template("A")
    receive("A")

    assert explain("learner1", made.uuid).notes == ()


def test_an_explanation_is_plain_data_too() -> None:
    made = template("A")
    receive("A")

    told = json.loads(json.dumps(explain("learner1", made.uuid).as_dict()))

    assert (told["username"], told["template"], told["status"]) == ("learner1", str(made.uuid), "awarded")
    assert told["groups"][0]["requirements"][0]["key"] == "pass-a"
    assert told["journal"][0]["saw"][0] == {"path": "is_passing", "operator": "eq", "value": "true", "saw": True}


def test_other_templates_and_learners_stay_out_of_it() -> None:
    made, other = template("A"), template("B")
    receive("A")
    receive("A", learner=2)
    receive("B")

    explanation = explain("learner1", other.uuid)

    assert [group.requirements[0].key for group in explanation.groups] == ["pass-b"]
    assert len(explanation.journal) == len(explain("learner1", made.uuid).journal)
    assert BadgeProgress.objects.count() == 3
    assert Delivery.objects.count() == 3 * len(explanation.deliveries)
