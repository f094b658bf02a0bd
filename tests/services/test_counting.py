"""How many announcements were sent in all: the same number whatever was added up, and when."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from badges import api, tasks
from badges.eventbus import publisher
from badges.exceptions import BadgesError
from badges.models import AnnouncementCount, Delivery
from badges.services import counting
from tests.builders import event, template

pytestmark = pytest.mark.django_db


def award(learners: int) -> None:
    template("A", penalties="A")
    for learner in range(1, learners + 1):
        assert api.receive_event(event=event("A", learner=learner)).matched


def counted() -> dict[str, int]:
    return dict(AnnouncementCount.objects.filter(sent__gt=0).values_list("kind", "sent"))


def uncounted() -> int:
    return Delivery.objects.filter(uncounted=True).count()


def test_an_announcement_is_counted_from_the_moment_it_was_sent() -> None:
    award(2)
    assert (uncounted(), counted()) == (2, {})
    assert api.report()["signals"] == {"BADGE_AWARDED": 2, "BADGE_REVOKED": 0}


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_adding_up_changes_no_number(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(counting, "BATCH", batch)
    award(3)
    assert api.receive_event(event=event("A", learner=1, at="10:01", passing=False)).matched
    before = api.report()
    for _ in range(2):
        counting.count_sent()
        assert (uncounted(), counted()) == (0, {"announce_awarded": 3, "announce_revoked": 1})
        assert api.report() == before
    assert api.receive_event(event=event("A", learner=2, at="10:02", passing=False)).matched
    counting.count_sent()
    assert counted() == {"announce_awarded": 3, "announce_revoked": 2}


@pytest.mark.parametrize("attempts", [1, 5], ids=["for good", "for now"])
def test_what_was_not_sent_is_not_counted(monkeypatch: pytest.MonkeyPatch, settings: Any, attempts: int) -> None:
    settings.BADGES = {**settings.BADGES, "DELIVERY_ATTEMPTS": attempts}
    monkeypatch.setattr(publisher, "announce", fail)
    award(2)
    assert set(Delivery.objects.filter(lane="announce").values_list("state", flat=True)) == {
        "failed" if attempts == 1 else "pending"
    }
    counting.count_sent()
    assert counted() == {}
    assert api.report()["signals"] == {"BADGE_AWARDED": 0, "BADGE_REVOKED": 0}


def fail(_: Any) -> None:
    raise BadgesError("The bus is away.")


def test_it_ends_when_it_is_told_to() -> None:
    award(2)
    counting.count_sent(is_stopping=lambda: True)
    assert uncounted() == 2


def test_the_victim_of_a_deadlock_leaves_it_to_the_next_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    award(2)
    victims = [OperationalError("deadlock detected")]
    add = counting.add

    def once(locked: Any) -> None:
        add(locked)
        if victims:
            raise victims.pop()

    monkeypatch.setattr(counting, "add", once)
    assert api.deliver_due().failed == 0
    assert (uncounted(), counted()) == (2, {})
    counting.count_sent()
    assert (uncounted(), counted()) == (0, {"announce_awarded": 2})


def test_every_sweep_adds_up() -> None:
    award(1)
    tasks.sweep()
    assert (uncounted(), counted()) == (0, {"announce_awarded": 1})
    assert api.receive_event(event=event("A", at="10:01", passing=False)).matched
    api.deliver_due()
    assert (uncounted(), counted()) == (0, {"announce_awarded": 1, "announce_revoked": 1})


def test_a_process_that_dies_in_between_has_counted_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    award(2)
    before, add = api.report(), counting.add

    def die_after(locked: Any) -> None:
        add(locked)
        raise KeyboardInterrupt

    monkeypatch.setattr(counting, "add", die_after)
    with pytest.raises(KeyboardInterrupt):
        counting.count_sent()
    assert (uncounted(), counted(), api.report()) == (2, {}, before)


def test_the_first_of_a_kind_may_be_added_by_another_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    AnnouncementCount.objects.all().delete()
    award(1)
    make = AnnouncementCount.objects.bulk_create

    def another_was_first(rows: Any, **options: Any) -> Any:
        AnnouncementCount.objects.create(kind="announce_awarded", sent=7)
        return make(rows, **options)

    monkeypatch.setattr(AnnouncementCount.objects, "bulk_create", another_was_first)
    counting.count_sent()
    assert counted() == {"announce_awarded": 8}


def test_the_number_is_read_without_going_through_all_deliveries() -> None:
    award(1)
    with CaptureQueriesContext(connection) as captured:
        counting.sent()
    [query] = captured.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
        steps = [row[3] for row in cursor.fetchall()]
    assert "SEARCH openedx_badges_delivery USING COVERING INDEX openedx_badges_delivery_sent (uncounted=?)" in steps


def test_nothing_to_add_is_one_query() -> None:
    award(1)
    counting.count_sent()
    with CaptureQueriesContext(connection) as captured:
        counting.count_sent()
    assert len(captured) == 1
