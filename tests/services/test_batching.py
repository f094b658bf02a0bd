"""Several events in one transaction: what they end in, what they cost, and what a failure among them does."""

from __future__ import annotations

import dataclasses
import datetime
import random
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from badges import api, clock
from badges.data import Event
from badges.engine.rulebook import Rulebook
from badges.exceptions import EventNotStored, LearnerConflict
from badges.host import UserCredential
from badges.models import BadgeProgress, BadgeTemplate, Delivery, FailedEvent, Fulfillment, JournalEntry
from badges.services import failures, processing, rulebook
from badges.services.batching import receive_all, waves
from tests.builders import event, template

pytestmark = pytest.mark.django_db(transaction=True)
User = get_user_model()


@pytest.fixture(autouse=True)
def _calm(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC))
    monkeypatch.setattr(failures.time, "sleep", lambda seconds: None)
    settings.BADGES = {**settings.BADGES, "RULEBOOK_MAX_AGE": 3600, "ENQUEUE": False, "DATABASE_WAIT": 0}


def known(*learners: int) -> None:
    User.objects.bulk_create(
        User(username=f"learner{n}", lms_user_id=n, email=f"learner{n}@example.com", full_name=f"Learner {n}")
        for n in learners
    )


def receive(events: Sequence[Event]) -> list[failures.Received]:
    return [received for _, received in sorted(receive_all(events), key=itemgetter(0))]


def statements(events: Sequence[Event]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert all(received.matched for received in receive(events))
    return len(captured)


def standing() -> dict[str, Any]:
    """All that is kept of learners, but for ids and the times of this process's clock."""
    return {
        "times": sorted(
            Fulfillment.objects.values_list("user__username", "requirement__key", "fulfilled", "time", "event_id")
        ),
        "badges": sorted(
            (name, template, str(status))
            for name, template, status in BadgeProgress.objects.values_list(
                "user__username", "template__uuid", "credential__status"
            )
        ),
        "journal": {
            name: list(
                JournalEntry.objects.filter(user__username=name)
                .order_by("pk")
                .values_list("kind", "subject", "penalty", "event_id")
            )
            for name in JournalEntry.objects.values_list("user__username", flat=True).distinct()
        },
        "deliveries": {
            name: list(
                Delivery.objects.filter(progress__user__username=name)
                .order_by("pk")
                .values_list("lane", "kind", "state")
            )
            for name in Delivery.objects.values_list("progress__user__username", flat=True).distinct()
        },
    }


# --- groups --------------------------------------------------------------------------------------------------


def test_events_of_one_learner_keep_their_order() -> None:
    first, second, third = event("A", learner=1), event("B", learner=1), event("C", learner=1)
    other = event("A", learner=2)
    assert waves([first, second, other, third]) == [[0, 2], [1], [3]]


def test_a_learner_is_the_same_in_any_case_and_without_a_username() -> None:
    assert len(waves([event("A", username="U1"), event("B", username="u1")])) == 2
    assert len(waves([event("A", username="", id=7), event("B", username="", id=7)])) == 2


def test_a_learner_with_another_name_or_without_one_keeps_the_order() -> None:
    renamed = event("A", learner=1, username="renamed")
    assert waves([event("A"), event("B"), renamed]) == [[0], [1], [2]]
    by_name = event("A", learner=2, id=None)
    assert waves([by_name, event("A", learner=2), event("B", learner=2, username="")]) == [[0], [1], [2]]


def test_events_without_a_learner_do_not_wait_for_each_other() -> None:
    assert len(waves([event("A", username="", id=None), event("B", username="", id=None)])) == 1


# --- the same end --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_batches_end_as_one_by_one_does(seed: int) -> None:  # S6, S7, S8, S9
    chance = random.Random(seed)
    template("AB", penalties="AB", uuid="00000000-0000-4000-8000-000000000001")
    template("BC", penalties="C", group="any", uuid="00000000-0000-4000-8000-000000000002")
    events = [
        event(
            chance.choice("ABCD"),
            passing=chance.random() < 0.7,
            learner=chance.randint(1, 6),
            at=f"10:{chance.randrange(20):02}",
        )
        for _ in range(60)
    ]
    for each in events:
        receive([each])
    one_by_one = standing()
    forget_learners()
    for start in range(0, len(events), 12):
        receive(events[start : start + 12])
    assert standing() == one_by_one
    assert not FailedEvent.objects.exists()


def forget_learners() -> None:
    for model in (Delivery, JournalEntry, BadgeProgress, Fulfillment, UserCredential, User):
        model.objects.all().delete()


# --- cost ----------------------------------------------------------------------------------------------------


def prepare(courses: str = "AB") -> None:
    template(courses, penalties="A")
    rulebook.current()
    ContentType.objects.get_for_model(BadgeTemplate)


@pytest.mark.parametrize("learners", [1, 2, 50])
def test_fulfilments_of_many_learners_cost_as_many_statements_as_one(learners: int) -> None:
    prepare()
    known(*range(learners))
    assert statements([event("A", learner=n) for n in range(learners)]) <= 8
    assert Fulfillment.objects.count() == learners


def test_redelivered_events_of_many_learners_cost_one() -> None:
    prepare()
    known(*range(50))
    events = [event("A", learner=n) for n in range(50)]
    receive(events)
    assert statements(events) == 1


def test_each_further_badge_of_a_batch_costs_two_more() -> None:
    prepare("A")
    known(*range(30))
    first = statements([event("A", learner=n) for n in range(10)])
    assert first <= 14 + 2 * 9
    assert statements([event("A", learner=n) for n in range(10, 30)]) - first == 20


def test_revocations_of_many_learners_cost_as_many_statements_as_one() -> None:
    prepare("A")
    known(*range(50))
    receive([event("A", learner=n) for n in range(50)])
    assert statements([event("A", learner=n, passing=False, at="11:00") for n in range(50)]) <= 14


# --- failures ------------------------------------------------------------------------------------------------


def poison(monkeypatch: pytest.MonkeyPatch, *poisoned: Event) -> None:
    record = processing.record

    def poisoned_record(changes: Any, rules: Any) -> Any:
        promises = record(changes, rules)
        if any(change.event in poisoned for change in changes):
            raise ZeroDivisionError
        return promises

    monkeypatch.setattr(processing, "record", poisoned_record)


def test_only_the_culprit_fails(monkeypatch: pytest.MonkeyPatch) -> None:  # S34
    template("A")
    events = [event("A", learner=n) for n in range(1, 6)]
    poison(monkeypatch, events[2])
    received = api.receive_events(events=events)
    assert [each.failed for each in received] == [False, False, True, False, False]
    assert [row.event_id for row in FailedEvent.objects.all()] == [events[2].id]
    assert BadgeProgress.objects.filter(credential__status="awarded").count() == 4
    assert Delivery.objects.filter(lane=Delivery.Lane.ANNOUNCE, state=Delivery.State.DONE).count() == 4


def test_an_event_of_the_future_waits_alone() -> None:  # S8
    template("A")
    ahead = dataclasses.replace(event("A", learner=1), time=datetime.datetime(2026, 7, 1, tzinfo=datetime.UTC))
    received = receive([ahead, event("A", learner=2)])
    assert [each.failed for each in received] == [True, False]
    assert FailedEvent.objects.get().next_attempt_at == ahead.time


def test_two_names_of_one_learner_are_handled_one_after_the_other() -> None:  # S3
    template("AB")
    User.objects.create(username="renamed", lms_user_id=1)
    by_name, by_id = event("A", username="renamed", id=None), event("B", learner=1)
    assert len(waves([by_name, by_id])) == 1  # nothing in them tells
    with pytest.raises(LearnerConflict, match="Two of several events"):
        processing.handle_all([by_name, by_id])
    assert not Fulfillment.objects.exists()
    assert [each.failed for each in receive([by_name, by_id])] == [False, False]
    assert BadgeProgress.objects.get().credential is not None


def test_one_learner_under_two_names_gets_one_record() -> None:  # S3
    template("AB")
    received = receive([event("A", learner=7), event("B", learner=7, username="renamed")])
    assert [each.failed for each in received] == [False, False]
    assert User.objects.get().lms_user_id == 7
    assert BadgeProgress.objects.get().credential is not None


def test_what_became_of_each_event_is_told_in_their_order() -> None:
    template("A")
    ahead = dataclasses.replace(event("A", learner=1), time=datetime.datetime(2026, 7, 1, tzinfo=datetime.UTC))
    received = api.receive_events(events=[event("A", learner=1), ahead, event("A", learner=2)])
    assert [each.failed for each in received] == [False, True, False]


def test_what_was_committed_before_the_database_went_away_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:  # S35
    template("A", penalties="A")
    award, revoke = event("A"), event("A", passing=False, at="11:00")

    handle = processing.handle

    def handle_until_it_is_gone(given: Event) -> processing.Handled:
        if given == award:
            return handle(given)
        raise OperationalError("gone away")

    def store(given: Event, failure: Exception) -> str:
        raise OperationalError("gone away")

    monkeypatch.setattr(failures, "handle", handle_until_it_is_gone)
    monkeypatch.setattr(failures, "_store", store)
    with pytest.raises(EventNotStored):
        api.receive_events(events=[award, revoke])
    assert Delivery.objects.get(lane=Delivery.Lane.ANNOUNCE).state == Delivery.State.DONE


# --- from memory ---------------------------------------------------------------------------------------------


def test_what_may_change_something_is_told_without_a_query(settings: Any) -> None:
    template("A")
    assert may_change(event("Z")) is None, "no rules are at hand"
    rulebook.current()
    with CaptureQueriesContext(connection) as captured:
        assert may_change(event("A")) is True
        assert may_change(event("Z")) is False
    assert not len(captured)
    settings.BADGES = {**settings.BADGES, "RULEBOOK_MAX_AGE": 0}
    rulebook.forget()
    rulebook.current()
    assert may_change(event("Z")) is None, "they are too old"


def test_an_event_that_cannot_be_matched_is_not_dropped(monkeypatch: pytest.MonkeyPatch) -> None:  # S34
    template("A")
    rulebook.current()
    monkeypatch.setattr(Rulebook, "match", lambda *arguments: 1 / 0)
    assert may_change(event("A")) is True


def may_change(given: Event) -> bool | None:
    return rulebook.may_change(event_type=given.type, payload=given.payload)
