"""What still comes after a purge finds everything that it needs."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import pytest

from badges import api, tasks
from badges.clock import DatabaseNow, now
from badges.data import Event
from badges.models import (
    AnnouncementCount,
    BadgeProgress,
    CredlyBadge,
    Delivery,
    FailedEvent,
    Fulfillment,
    JournalEntry,
    ProviderAccount,
)
from badges.providers.memory import MemoryAccount, MemoryProvider
from badges.services import claims
from badges.services.repairing import NotResendable
from badges.services.retention import PurgeReport, purge
from tests.builders import event, template

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _days(settings: Any) -> None:
    settings.BADGES = {
        **settings.BADGES,
        "REMEMBERED_DAYS": 30,
        "FINISHED_DAYS": 30,
        "FUTURE_TOLERANCE": 10**9,
        "SETTLE_TIME": 0,
    }


def purge_when_all_is_old() -> PurgeReport:
    long_ago = DatabaseNow() - datetime.timedelta(days=31)
    Delivery.objects.exclude(finished_at=None).update(finished_at=long_ago)
    return purge(batch_size=1)


@pytest.fixture
def provider() -> MemoryAccount:
    """The other side of a badge that was awarded, revoked, and awarded again."""
    made = template("A", penalties="A")
    for minute, passing in enumerate([True, False, True]):
        assert api.receive_event(event=event("A", at=f"10:0{minute}", passing=passing)).matched
        api.deliver_due()
    return MemoryProvider.account(made.account.external_id)


# --- events --------------------------------------------------------------------------------------------------


def everything() -> list[list[tuple[Any, ...]]]:
    """All rows that a decision, a delivery or a report is made from."""
    models = (BadgeProgress, CredlyBadge, Fulfillment, Delivery, JournalEntry, FailedEvent, AnnouncementCount)
    return [list(model._default_manager.order_by("pk").values_list()) for model in models]


def test_what_the_bus_still_has_changes_nothing_when_it_comes_again() -> None:  # S7, S8
    template("AB", penalties="AB")
    today = now().replace(microsecond=0)

    def on(days_ago: float, course: str = "A", **fields: Any) -> Event:
        return dataclasses.replace(event(course, **fields), time=today - datetime.timedelta(days=days_ago))

    gone = [on(40, passing=False, learner=learner, at="10:01") for learner in (1, 2, 3)]
    kept = [
        on(29, passing=False),  # moves a time that would have gone
        on(28, learner=2),
        on(27, "B", learner=2),
        on(26, "B", learner=2, passing=False),
        on(25, "B", learner=2, at="10:02"),
        on(24, "B", learner=4, passing=False),  # a reset of nothing, and then what it makes late
        on(24.5, "B", learner=4),
    ]
    for one in gone + kept:
        assert api.receive_event(event=one).matched
        api.deliver_due()
    assert purge_when_all_is_old() == PurgeReport(remembered=1, deliveries=4)
    before, told = everything(), api.report()

    for one in [*kept, *reversed(kept)]:
        assert api.receive_event(event=one).matched

    assert (everything(), api.report()) == (before, told)


# --- deliveries ----------------------------------------------------------------------------------------------


def test_what_the_queue_still_has_of_a_purged_delivery_is_no_error(provider: MemoryAccount) -> None:  # S33
    ids = list(Delivery.objects.order_by("pk").values_list("pk", flat=True))
    assert purge_when_all_is_old().deliveries == 4
    for delivery_id in ids:
        tasks.deliver(delivery_id)
    assert (provider.count("issue"), provider.count("revoke")) == (2, 1)


def test_an_announcement_that_failed_cannot_be_resent_after_a_newer_one(provider: MemoryAccount) -> None:  # S32
    oldest = Delivery.objects.filter(lane="announce").order_by("pk")[0]
    Delivery.objects.filter(pk=oldest.pk).update(state="failed")
    assert purge_when_all_is_old().deliveries == 3
    with pytest.raises(NotResendable, match="overtaken"):
        api.resend_delivery(delivery_id=oldest.pk)


def test_the_newest_decision_can_still_be_repaired(provider: MemoryAccount) -> None:  # S39
    assert purge_when_all_is_old().deliveries == 4
    provider.badges.clear()
    claims.schedule_comparison(Delivery.objects.get(kind="issue"))
    for _ in range(2):  # the comparison, and what it asks for
        api.deliver_due()
    assert [badge.state for badge in provider.badges.values()] == ["pending"]


def test_a_later_decision_is_announced_and_carried_out(provider: MemoryAccount) -> None:  # S21, S24
    purge_when_all_is_old()
    assert api.receive_event(event=event("A", at="10:09", passing=False)).matched
    api.deliver_due()
    assert {badge.state for badge in provider.badges.values()} == {"revoked"}
    assert api.report()["signals"] == {"BADGE_AWARDED": 2, "BADGE_REVOKED": 2}


def test_why_an_event_counted_is_still_told(provider: MemoryAccount) -> None:  # S37, S38
    made = ProviderAccount.objects.get().templates.get()
    first = event("A", at="10:00")
    purge_when_all_is_old()
    told = api.explain(username="learner1", template_uuid=made.uuid, events=[first])
    assert told.events[0].counted and "It counted on" in told.events[0].why
