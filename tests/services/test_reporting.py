"""The structure of ``badge_report --format json``."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from badges import api, clock
from badges.exceptions import BadgesError
from badges.models import AnnouncementCount, BadgeRequirement, CredlyBadge, Delivery, FailedEvent
from badges.services.reporting import report
from tests.builders import PASSING, event, template

pytestmark = pytest.mark.django_db
User = get_user_model()
NOW = datetime.datetime(2026, 6, 1, 12, 30, 0, 250_000, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def receive(course: str = "A", **fields: Any) -> None:
    assert api.receive_event(event=event(course, **fields)).matched


def test_nothing_recorded_reports_nobody() -> None:
    template("A")

    assert report() == {
        "learners": {},
        "failed_events": 0,
        "signals": {"BADGE_AWARDED": 0, "BADGE_REVOKED": 0},
    }


# S17
def test_a_learner_on_the_way_has_groups_done_and_no_badge() -> None:
    made = template("AB")
    receive("B")

    assert report()["learners"] == {
        "learner1": {
            str(made.uuid): {
                "fulfilled": ["pass-b"],
                "groups_done": 1,
                "groups": 2,
                "complete": False,
                "status": None,
                "state": None,
                "external_id": None,
                "pending_deliveries": 0,
                "failed_deliveries": 0,
                "awarded_at": None,
            }
        }
    }


# S16
def test_alternatives_are_one_group() -> None:
    made = template("AB", group="any")
    receive("B")

    standing = report()["learners"]["learner1"][str(made.uuid)]
    assert (standing["groups_done"], standing["groups"], standing["complete"]) == (1, 1, True)


def test_an_award_is_pending_until_it_is_delivered() -> None:
    made = template("A")
    receive("A")
    before = report()["learners"]["learner1"][str(made.uuid)]

    api.deliver_due()
    after = report()["learners"]["learner1"][str(made.uuid)]

    assert (before["status"], before["state"], before["external_id"]) == ("awarded", "created", None)
    assert (before["pending_deliveries"], before["failed_deliveries"]) == (1, 0)
    assert before["awarded_at"] == "2026-06-01T12:30:00.250000Z"
    badge = CredlyBadge.objects.get()
    assert (after["status"], after["state"], after["external_id"]) == ("awarded", badge.state, str(badge.external_uuid))
    assert badge.external_uuid is not None
    assert after["pending_deliveries"] == 0
    assert report()["signals"] == {"BADGE_AWARDED": 1, "BADGE_REVOKED": 0}


def test_a_revoked_badge_keeps_its_moment_of_award() -> None:
    made = template("A", penalties="A")
    receive("A")
    api.deliver_due()
    receive("A", passing=False, at="11:00")

    standing = report()["learners"]["learner1"][str(made.uuid)]
    assert (standing["status"], standing["fulfilled"], standing["complete"]) == ("revoked", [], False)
    assert standing["awarded_at"] == "2026-06-01T12:30:00.250000Z"
    assert standing["pending_deliveries"] == 1
    assert report()["signals"] == {"BADGE_AWARDED": 1, "BADGE_REVOKED": 1}


def test_failed_deliveries_are_counted_and_comparisons_to_come_are_not_pending() -> None:
    made = template("A")
    receive("A")
    Delivery.objects.filter(lane="provider").update(state="failed")
    progress = Delivery.objects.first().progress
    Delivery.objects.create(progress=progress, lane="verify", kind="verify", decided_at=NOW, next_attempt_at=NOW)

    standing = report()["learners"]["learner1"][str(made.uuid)]
    assert (standing["pending_deliveries"], standing["failed_deliveries"]) == (0, 1)


def test_signals_count_what_was_purged_too() -> None:
    template("A")
    receive("A")
    for kind, sent in {"announce_awarded": 40, "announce_revoked": 2}.items():
        AnnouncementCount.objects.update_or_create(kind=kind, defaults={"sent": sent})

    assert report()["signals"] == {"BADGE_AWARDED": 41, "BADGE_REVOKED": 2}


def test_failed_events_are_counted() -> None:
    FailedEvent.objects.create(event_id="e", event_type=PASSING, event_time=NOW, line="{}", error="because")

    assert report()["failed_events"] == 1


# S26
def test_groups_are_those_of_the_template_as_it_is_now() -> None:
    made = template("AB")
    receive("A")
    BadgeRequirement.objects.filter(key="pass-b").delete()

    standing = report()["learners"]["learner1"][str(made.uuid)]
    assert (standing["groups_done"], standing["groups"], standing["complete"]) == (1, 1, True)
    assert standing["status"] is None


def test_learners_stand_under_their_present_usernames_sorted() -> None:
    first, second = template("A", name="1"), template("A", name="2")
    for number in (3, 1, 2):
        receive("A", learner=number)
    User.objects.filter(username="learner1").update(username="renamed")

    learners = report()["learners"]

    assert list(learners) == ["learner2", "learner3", "renamed"]
    assert list(learners["renamed"]) == sorted([str(first.uuid), str(second.uuid)])


def test_only_one_learner_or_one_template_can_be_asked_for() -> None:
    first, second = template("A"), template("A")
    receive("A", learner=1)
    receive("A", learner=2)
    identities = sorted([str(first.uuid), str(second.uuid)])

    assert {name: list(of) for name, of in report(username="learner2")["learners"].items()} == {"learner2": identities}
    assert {name: list(of) for name, of in report(template_uuid=second.uuid)["learners"].items()} == {
        "learner1": [str(second.uuid)],
        "learner2": [str(second.uuid)],
    }
    both = report("learner1", first.uuid)["learners"]
    assert both == {"learner1": {str(first.uuid): report()["learners"]["learner1"][str(first.uuid)]}}
    assert both["learner1"][str(first.uuid)]["fulfilled"] == ["pass-a"]
    assert report(username="nobody")["learners"] == {}


def test_a_template_that_is_not_there_is_told() -> None:
    with pytest.raises(BadgesError, match="There is no badge template"):
        report(template_uuid=uuid.UUID(int=1))


def test_the_number_of_queries_does_not_grow_with_the_learners() -> None:
    template("A")
    counts = []
    for first, last in ((1, 2), (2, 12)):
        for number in range(first, last):
            receive("A", learner=number)
        with CaptureQueriesContext(connection) as queries:
            report()
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 8
