"""What is purged, and what has to stay."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from badges import api
from badges.clock import DatabaseNow, now
from badges.eventbus.jsonlines import to_line
from badges.exceptions import PermanentError
from badges.models import (
    AnnouncementCount,
    BadgeRequirement,
    Delivery,
    FailedEvent,
    Fulfillment,
    JournalEntry,
    ProviderAccount,
    WebhookEvent,
)
from badges.providers.memory import MemoryProvider
from badges.services import counting, retention
from badges.services.retention import PurgeReport, purge
from tests.builders import account, event, template

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = datetime.timedelta(days=31)


@pytest.fixture(autouse=True)
def _days(settings: Any) -> None:
    settings.BADGES = {
        **settings.BADGES,
        "REMEMBERED_DAYS": 30,
        "FINISHED_DAYS": 30,
        "FUTURE_TOLERANCE": 10**9,
        "SETTLE_TIME": 0,
    }


def receive(course: str = "A", **fields: Any) -> None:
    assert api.receive_event(event=event(course, **fields)).matched


def fail(**fields: Any) -> None:
    """An event could not be handled, and waits."""
    given = event("A", **fields)
    FailedEvent.objects.create(
        event_id=given.id, event_type=given.type, event_time=given.time, line=to_line(given), error="deadlock"
    )


def age(**changes: Any) -> None:
    """Everything that is over has been over for long."""
    Delivery.objects.exclude(finished_at=None).update(finished_at=DatabaseNow() - LONG_AGO, **changes)


# --- remembered times ----------------------------------------------------------------------------------------


def test_the_time_of_what_was_never_fulfilled_goes() -> None:  # S8
    template("A", penalties="A")
    receive(passing=False)
    assert purge(dry_run=True) == PurgeReport(remembered=1)
    assert Fulfillment.objects.count() == 1
    assert purge() == PurgeReport(remembered=1)
    assert not Fulfillment.objects.exists()


def test_a_time_that_is_not_old_enough_stays(settings: Any) -> None:
    template("A", penalties="A")
    receive(passing=False)
    Fulfillment.objects.update(time=now() - datetime.timedelta(days=29))
    assert purge() == PurgeReport()


@pytest.mark.parametrize("passing", [True, False])
def test_what_is_or_was_fulfilled_stays(passing: bool) -> None:  # S8
    template("AB", penalties="A")
    receive(at="10:00")
    receive(at="10:05", passing=passing)
    assert purge().remembered == 0
    assert Fulfillment.objects.get().fulfilled is passing


@pytest.mark.parametrize(("at", "stays"), [("09:59", True), ("10:00", True), ("10:01", False)])
def test_a_time_stays_while_an_older_failed_event_waits(at: str, stays: bool) -> None:  # S8
    template("A", penalties="A")
    receive(passing=False, at="10:00")
    fail(at=at)
    assert purge().remembered == (0 if stays else 1)
    assert api.retry_failed_events().healed == 1
    assert JournalEntry.objects.filter(kind="fulfilled").exists() is not stays


def test_what_was_fulfilled_stays_when_the_journal_tells_it_no_more() -> None:  # S8
    template("A", penalties="A")
    receive(at="10:00")
    receive(at="10:05", passing=False)
    receive(at="10:00", learner=2)
    receive(at="10:05", learner=2, passing=False)
    api.retire_learner(username="learner1")  # takes the learner out of the journal
    BadgeRequirement.objects.update(key="another")

    assert purge().remembered == 0

    receive(at="10:00")
    receive(at="10:00", learner=2)
    assert not Fulfillment.objects.filter(fulfilled=True).exists()


def test_failed_events_that_are_all_newer_hold_nothing_up() -> None:  # S8
    template("AB", penalties="AB")
    receive(passing=False, at="10:00")
    receive("B", passing=False, at="10:03")
    for at in ("10:01", "10:02"):
        fail(at=at)

    assert purge(dry_run=True) == purge() == PurgeReport(remembered=1)

    assert [row.requirement.key for row in Fulfillment.objects.all()] == ["pass-b"]


def test_a_badge_still_goes_to_the_address_that_the_newest_event_told() -> None:  # S22
    account_id = template("AB", penalties="B", group="either").account.external_id
    provider = MemoryProvider.account(account_id)
    provider.fail("issue", PermanentError("archived", status=422))
    receive("A", at="10:00")
    receive("B", at="10:05", passing=False, email="newest@example.com")
    api.deliver_due()

    assert purge().remembered == 0

    api.deliver_due(retry_failed=True)
    assert [badge.request.recipient.email for badge in provider.badges.values()] == ["newest@example.com"]


@pytest.mark.parametrize("passing", [True, False])
def test_a_time_that_an_event_has_just_moved_stays(monkeypatch: pytest.MonkeyPatch, passing: bool) -> None:
    template("A", penalties="A")
    receive(passing=False)
    delete = retention._delete
    newer = dataclasses.replace(event(passing=passing), time=now())

    def after_an_event(*arguments: Any) -> int:
        assert api.receive_event(event=newer).matched
        return delete(*arguments)

    monkeypatch.setattr(retention, "_delete", after_an_event)
    assert purge().remembered == 0
    row = Fulfillment.objects.get()
    assert (row.fulfilled, row.time) == (passing, newer.time)


def test_a_time_stays_when_an_older_event_has_just_failed(monkeypatch: pytest.MonkeyPatch) -> None:  # S8
    template("A", penalties="A")
    receive(passing=False, at="10:00")
    delete = retention._delete

    def after_a_failure(*arguments: Any) -> int:
        fail(at="09:59")
        return delete(*arguments)

    monkeypatch.setattr(retention, "_delete", after_a_failure)
    assert purge().remembered == 0


# --- deliveries ----------------------------------------------------------------------------------------------


def award_revoke_award() -> None:
    template("A", penalties="A")
    for minute, passing in enumerate([True, False, True]):
        receive(at=f"10:0{minute}", passing=passing)
        api.deliver_due()


def left() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("kind", flat=True))


def test_the_newest_delivery_of_each_lane_stays() -> None:  # S32, S39
    award_revoke_award()
    age()
    before = api.report()
    assert left() == ["announce_awarded", "issue", "announce_revoked", "revoke", "announce_awarded", "issue"]
    assert purge(batch_size=1).deliveries == 4
    assert left() == ["announce_awarded", "issue"]
    assert api.report() == before, "the announcements that were sent are counted all the same"


def test_what_goes_uncounted_is_counted_as_it_goes() -> None:
    award_revoke_award()
    age(uncounted=False)
    AnnouncementCount.objects.all().delete()
    Delivery.objects.filter(kind="announce_awarded").update(uncounted=True)
    assert purge(batch_size=1).deliveries == 4
    assert dict(AnnouncementCount.objects.values_list("kind", "sent")) == {"announce_awarded": 1}
    assert api.report()["signals"] == {"BADGE_AWARDED": 2, "BADGE_REVOKED": 0}


def test_deliveries_that_ended_lately_stay() -> None:
    award_revoke_award()
    assert purge().deliveries == 0


def test_what_is_not_known_to_be_over_stays() -> None:  # S24, S28
    award_revoke_award()
    age(unsettled=True)
    assert purge().deliveries == 0
    age(unsettled=False, state="failed")
    assert purge().deliveries == 0
    Delivery.objects.update(state="pending", finished_at=None)
    assert purge().deliveries == 0


def test_without_days_they_are_kept_for_ever(settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "FINISHED_DAYS": 0}
    award_revoke_award()
    age()
    assert purge() == PurgeReport()


# --- webhooks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "left"), [(0, 2), (40, 2), (30, 1)])
def test_the_journal_goes_only_after_the_days_that_are_named(settings: Any, days: int, left: int) -> None:  # S37
    settings.BADGES = {**settings.BADGES, "JOURNAL_DAYS": days}
    template("AB")
    receive("A")
    JournalEntry.objects.update(created=DatabaseNow() - LONG_AGO)
    receive("B", learner=2)
    assert purge(dry_run=True).journal == purge().journal == 2 - left
    assert JournalEntry.objects.count() == left


@pytest.mark.parametrize(
    ("state", "days", "stays"),
    [("done", 31, False), ("ignored", 31, False), ("done", 29, True), ("received", 31, True), ("failed", 31, True)],
)
def test_webhooks_that_were_looked_into_go(state: str, days: int, stays: bool) -> None:
    webhook = WebhookEvent.objects.create(
        account=account(), event_id=uuid.uuid4(), event_type="badge.created", state=state
    )
    WebhookEvent.objects.filter(pk=webhook.pk).update(received_at=now() - datetime.timedelta(days=days))
    assert purge().webhooks == (0 if stays else 1)
    assert WebhookEvent.objects.exists() is stays


# --- how -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [0, 10**9])
def test_no_days_and_more_than_a_century_mean_never(settings: Any, days: int) -> None:
    settings.BADGES = {**settings.BADGES, "REMEMBERED_DAYS": days, "FINISHED_DAYS": days}
    award_revoke_award()
    receive(passing=False, learner=2)
    age()
    assert purge() == PurgeReport()


def test_pages_come_in_the_order_of_an_index_without_sorting_on_sqlite() -> None:
    template("A", penalties="A")
    for learner in (1, 2, 3):
        receive(passing=False, learner=learner)
        receive(learner=learner + 10)
        for state in ("done", "ignored", "received"):
            webhook = WebhookEvent(account=ProviderAccount.objects.get(), event_id=uuid.uuid4(), state=state)
            webhook.save()
    WebhookEvent.objects.update(received_at=now() - LONG_AGO)
    with CaptureQueriesContext(connection) as captured:
        assert purge(batch_size=2, dry_run=True) == PurgeReport(remembered=3, webhooks=6)
    pages = [query["sql"] for query in captured.captured_queries if query["sql"].endswith(" LIMIT 2")]
    steps = set()
    for sql in pages:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            steps.update(row[3].removeprefix("SEARCH ").replace("USING COVERING", "USING") for row in cursor.fetchall())
    assert len(pages) >= 9
    assert steps == {
        "openedx_badges_fulfillment USING INDEX openedx_badges_fulfillment_old (fulfilled=? AND time<?)",
        "openedx_badges_fulfillment USING INDEX openedx_badges_fulfillment_old (fulfilled=? AND time>? AND time<?)",
        "SCAN openedx_badges_delivery",  # the first two, in the order of the primary key
        "openedx_badges_delivery USING INTEGER PRIMARY KEY (rowid>?)",
        "openedx_badges_webhookevent USING INDEX openedx_badges_webhook_state (state=? AND received_at<?)",
        "openedx_badges_webhookevent USING INDEX openedx_badges_webhook_state "
        "(state=? AND received_at>? AND received_at<?)",
    }


def test_a_failed_batch_leaves_nothing_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    award_revoke_award()
    age(uncounted=True)
    AnnouncementCount.objects.all().delete()
    before, rows = api.report(), left()
    add = counting.add

    def die_after(locked: Any) -> None:
        add(locked)
        raise KeyboardInterrupt

    monkeypatch.setattr(counting, "add", die_after)
    with pytest.raises(KeyboardInterrupt):
        purge()
    assert (api.report(), left()) == (before, rows)
    assert not AnnouncementCount.objects.exists()


def test_it_is_told_after_each_batch() -> None:
    template("A", penalties="A")
    for learner in range(5):
        receive(passing=False, learner=learner + 1)
    told: list[int] = []
    purge(batch_size=2, told=lambda report: told.append(report.remembered))
    assert told == [2, 4, 5]


def test_the_victim_of_a_deadlock_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    template("A", penalties="A")
    receive(passing=False)
    failures = [OperationalError("deadlock detected")] * 2
    atomic = transaction.atomic

    def fail_twice(*arguments: Any, **named: Any) -> Any:
        if failures:
            raise failures.pop()
        return atomic(*arguments, **named)

    monkeypatch.setattr(retention.transaction, "atomic", fail_twice)
    monkeypatch.setattr(retention.time, "sleep", lambda seconds: None)
    assert purge().remembered == 1


def test_a_database_that_stays_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    template("A", penalties="A")
    receive(passing=False)

    def fail(*arguments: Any, **named: Any) -> Any:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(retention.transaction, "atomic", fail)
    monkeypatch.setattr(retention.time, "sleep", lambda seconds: None)
    with pytest.raises(OperationalError):
        purge()
