"""From an event to the committed rows."""

from __future__ import annotations

import contextlib
import datetime
import logging
import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction

from badges import clock
from badges.exceptions import FutureEvent, LearnerConflict
from badges.host import UserCredential
from badges.models import (
    BadgeProgress,
    BadgeRequirement,
    BadgeTemplate,
    CredlyBadge,
    Delivery,
    Fulfillment,
    JournalEntry,
)
from badges.services import processing, rulebook
from tests import builders
from tests.builders import event, template

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture(autouse=True)
def _late_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The events of these tests are of May 2026."""
    monkeypatch.setattr(clock, "now", lambda: datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC))


def states(username: str = "learner1") -> dict[str, bool]:
    rows = Fulfillment.objects.filter(user__username=username).values_list("requirement__key", "fulfilled")
    return dict(rows)


def test_an_unmatched_event_creates_nothing() -> None:  # S3, S18
    template("A")
    assert not processing.handle(event("Z")).matched
    assert not User.objects.exists()


def test_the_first_fulfilment_makes_learner_and_progress() -> None:  # S3, S18
    made = template("AB")
    assert processing.handle(event("A")).matched
    learner = User.objects.get()
    assert (learner.username, learner.email, learner.full_name, learner.lms_user_id, learner.is_active) == (
        "learner1",
        "learner1@example.com",
        "Learner 1",
        1,
        True,
    )
    assert BadgeProgress.objects.get().template == made
    assert states() == {"pass-a": True}
    assert not UserCredential.objects.exists()


def test_a_reset_of_nothing_only_remembers_the_time() -> None:  # S8, S18, S23
    template("A", penalties="A")
    handled = processing.handle(event("A", passing=False))
    assert handled.matched and not handled.promises
    assert states() == {"pass-a": False}
    assert not BadgeProgress.objects.exists() and not JournalEntry.objects.exists()


def test_existing_records_are_not_overwritten_but_for_an_empty_lms_id() -> None:  # S4
    learner = User.objects.create(username="learner1", email="kept@example.com", full_name="Kept")
    template("A")
    processing.handle(event("A"))
    learner.refresh_from_db()
    assert (learner.email, learner.full_name, learner.lms_user_id) == ("kept@example.com", "Kept", 1)


def test_a_learner_is_found_by_lms_id_whatever_the_username() -> None:  # S3
    User.objects.create(username="renamed", lms_user_id=1)
    template("A")
    processing.handle(event("A"))
    assert states("renamed") == {"pass-a": True}


def test_of_two_records_with_the_lms_id_the_one_with_the_username_is_taken() -> None:  # S3
    User.objects.create(username="first", lms_user_id=1)
    User.objects.create(username="learner1", lms_user_id=1)
    template("A")
    processing.handle(event("A"))
    assert states("learner1") == {"pass-a": True} and states("first") == {}


def test_a_username_of_somebody_else_is_refused() -> None:  # S3
    User.objects.create(username="learner1", lms_user_id=77)
    template("A")
    with pytest.raises(LearnerConflict, match="belongs to LMS user 77"):
        processing.handle(event("A"))
    assert not Fulfillment.objects.exists()


def test_an_event_without_a_learner_is_ignored_with_one_log_line(caplog: pytest.LogCaptureFixture) -> None:  # S2
    template("A")
    caplog.set_level(logging.INFO, logger="badges")
    nobody = event("A")
    object.__setattr__(nobody.payload, "user", None)
    assert not processing.handle(nobody).matched
    (record,) = [record for record in caplog.records if record.name.startswith("badges")]
    assert record.levelname == "INFO" and nobody.id in record.getMessage() and nobody.type in record.getMessage()


def test_an_event_from_the_future_has_to_wait() -> None:  # S8
    template("A")
    ahead = event("A")
    object.__setattr__(ahead, "time", clock.now() + datetime.timedelta(seconds=301))
    with pytest.raises(FutureEvent):
        processing.handle(ahead)
    object.__setattr__(ahead, "time", clock.now() + datetime.timedelta(seconds=299))
    assert processing.handle(ahead).matched


def test_an_award_is_one_transaction_of_credential_deliveries_and_journal() -> None:  # S20, S37
    made = template("AB")
    processing.handle(event("A"))
    (promise,) = processing.handle(event("B", at="10:01")).promises
    badge = CredlyBadge.objects.get()
    assert (badge.status, badge.state, badge.username, badge.credential_id) == (
        "awarded",
        "created",
        "learner1",
        made.pk,
    )
    assert badge.credential_content_type == ContentType.objects.get_for_model(BadgeTemplate)
    assert [row.kind for row in Delivery.objects.order_by("pk")] == ["announce_awarded", "issue"]
    assert promise.announcement.credential_uuid == badge.uuid
    assert promise.announcement.time == BadgeProgress.objects.get().awarded_at
    kinds = list(JournalEntry.objects.values_list("kind", "subject", "event_type"))
    assert kinds == [
        ("fulfilled", "pass-a", builders.PASSING),
        ("fulfilled", "pass-b", builders.PASSING),
        ("awarded", "", builders.PASSING),
    ]
    assert JournalEntry.objects.first().saw == [  # type: ignore[union-attr]
        {"path": "is_passing", "operator": "eq", "value": "true", "saw": True},
        {
            "path": "course.course_key",
            "operator": "eq",
            "value": "course-v1:edX+A+1",
            "saw": "course-v1:edX+A+1",
        },
    ]


def test_the_first_attempt_of_an_announcement_belongs_to_the_deciding_process() -> None:  # S21, S39
    template("A")
    (promise,) = processing.handle(event("A")).promises
    row = Delivery.objects.get(pk=promise.announcement_id)
    assert (row.state, row.claim, row.attempts) == ("claimed", promise.claim, 1)
    assert row.lease_expires_at is not None


def test_a_second_announcement_queues_up_behind_the_first() -> None:  # S32
    template("A", penalties="A")
    processing.handle(event("A"))
    (promise,) = processing.handle(event("A", passing=False, at="10:01")).promises
    assert promise.claim is None
    assert Delivery.objects.get(pk=promise.announcement_id).state == "pending"


def test_decision_times_grow_even_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:  # S21
    template("A", penalties="A")
    processing.handle(event("A"))
    first = BadgeProgress.objects.get().decided_at
    monkeypatch.setattr(clock, "now", lambda: first - datetime.timedelta(hours=1))
    processing.handle(event("A", passing=False, at="10:01"))
    assert BadgeProgress.objects.get().decided_at == first + datetime.timedelta(microseconds=1)


def test_an_issue_nobody_began_is_cancelled_and_one_in_doubt_is_not() -> None:  # S24
    template("A", penalties="A")
    processing.handle(event("A"))
    processing.handle(event("A", learner=2))
    Delivery.objects.filter(kind="issue", progress__user__username="learner2").update(unsettled=True)
    for learner in (1, 2):
        processing.handle(event("A", passing=False, learner=learner, at="10:01"))
    issues = Delivery.objects.filter(kind="issue").order_by("progress__user__username")
    assert [row.state for row in issues] == ["cancelled", "pending"]


def test_a_failed_delivery_is_superseded_by_the_next_decision() -> None:  # S32
    template("A", penalties="A")
    processing.handle(event("A"))
    Delivery.objects.filter(kind="issue").update(state="failed")
    processing.handle(event("A", passing=False, at="10:01"))
    assert Delivery.objects.get(kind="issue").state == "superseded"


def test_a_badge_held_back_by_a_person_stays_revoked() -> None:  # S25
    template("A")
    processing.handle(event("A"))
    BadgeProgress.objects.update(held_back=True)
    UserCredential.objects.update(status="revoked")
    assert not processing.handle(event("A", at="10:01")).promises
    BadgeProgress.objects.update(held_back=False)
    assert processing.handle(event("A", at="10:02")).promises
    assert UserCredential.objects.get().status == "awarded"


def test_a_deleted_learner_who_comes_back_gets_the_old_credential() -> None:
    template("A")
    processing.handle(event("A"))
    old = UserCredential.objects.get()
    User.objects.all().delete()
    assert not BadgeProgress.objects.exists()
    (promise,) = processing.handle(event("A", at="10:01")).promises
    assert promise.announcement.credential_uuid == old.uuid
    assert BadgeProgress.objects.get().credential == old


@pytest.mark.django_db(transaction=True)
def test_a_requirement_deleted_meanwhile_is_noticed(settings: Any) -> None:  # S26
    settings.BADGES = {**settings.BADGES, "RULEBOOK_MAX_AGE": 3600}
    template("AB")
    rulebook.current()
    BadgeRequirement.objects.filter(key="pass-a").delete()
    with pytest.raises(IntegrityError):
        processing.handle(event("A"))
    assert not Fulfillment.objects.exists()


def test_the_time_of_a_requirement_that_has_just_moved_does_not_go_back(settings: Any) -> None:  # S8, S26
    settings.BADGES = {**settings.BADGES, "RULEBOOK_MAX_AGE": 3600}
    one, other = template("AB"), template("AC")
    processing.handle(event("A", at="11:00"))
    BadgeRequirement.objects.get(template=one, key="pass-b").delete()  # the rules in memory know nothing of these
    BadgeRequirement.objects.filter(template=other, key="pass-a").update(template=one, key="moved")
    Fulfillment.objects.filter(requirement__key="pass-a").update(time=event("A", at="09:00").time)
    processing.handle(event("A", at="10:00"))
    assert {row.requirement.key: row.time.hour for row in Fulfillment.objects.all()} == {"pass-a": 10, "moved": 11}


@pytest.mark.parametrize("changed", [True, False])
def test_rules_that_changed_during_a_long_wait_for_the_learner_decide_nothing(
    monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:  # S26
    template("A")
    moment = 100.0
    lock = processing.learners.lock

    def lock_that_takes_a_minute(*arguments: Any) -> Any:
        nonlocal moment
        user = lock(*arguments)
        moment += 60
        if changed:
            BadgeTemplate.objects.update(is_active=False)
        return user

    monkeypatch.setattr(clock, "monotonic", lambda: moment)
    monkeypatch.setattr(processing.learners, "lock", lock_that_takes_a_minute)
    with pytest.raises(processing.StaleRules) if changed else contextlib.nullcontext():
        processing.handle(event("A"))
    assert Fulfillment.objects.exists() != changed


def test_what_the_event_says_of_the_learner_is_kept_only_where_it_differs() -> None:  # S22, S36
    template("AB")
    processing.handle(event("A"))
    processing.handle(event("B", email="new@example.com", name="New Name"))
    kept = dict(Fulfillment.objects.values_list("requirement__key", "email"))
    assert kept == {"pass-a": "", "pass-b": "new@example.com"}


def test_a_change_is_seen_once_the_rules_are_a_second_old(
    settings: Any, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:  # S26
    settings.BADGES = {**settings.BADGES, "RULEBOOK_MAX_AGE": 1}
    moment = 100.0
    monkeypatch.setattr(clock, "monotonic", lambda: moment)
    before = rulebook.current()
    template("A")
    with django_assert_num_queries(0):
        assert rulebook.current() is before
    moment += 1
    assert rulebook.current().book.version > before.book.version
    moment += 1
    with django_assert_num_queries(1):
        rulebook.current()


def test_half_a_change_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:  # S26
    template("A")
    read = rulebook.template_specs
    reads = []

    def read_while_it_changes(templates: Any) -> Any:
        specs = read(templates)
        if not reads:
            template("B")
        reads.append(len(specs))
        return specs

    monkeypatch.setattr(rulebook, "template_specs", read_while_it_changes)
    assert len(rulebook.load().facts) == 2
    assert reads == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_the_decision_does_not_join_a_transaction_of_somebody_else() -> None:  # S40
    template("A")
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        processing.handle(event("A"))


@pytest.mark.django_db(transaction=True)
def test_the_lock_is_the_first_statement_of_the_deciding_transaction(
    settings: Any, django_assert_num_queries: Any
) -> None:  # S40
    settings.BADGES = {**settings.BADGES, "RULEBOOK_MAX_AGE": 3600}
    template("A")
    processing.handle(event("A"))
    with django_assert_num_queries(6) as captured:
        processing.handle(event("A", at="10:01"))
    statements = [query["sql"] for query in captured.captured_queries]
    begin = next(number for number, sql in enumerate(statements) if sql.startswith("BEGIN"))
    assert 'FROM "core_user"' in statements[begin + 1].replace("`", '"')  # as MySQL quotes


def test_a_uuid_names_the_event_of_every_entry() -> None:  # S37
    template("A")
    first = event("A", event_id=str(uuid.UUID(int=7)))
    processing.handle(first)
    assert set(JournalEntry.objects.values_list("event_id", flat=True)) == {first.id}
