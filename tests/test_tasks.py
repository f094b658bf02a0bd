"""Celery: ids in, one service call, and what follows."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError
from kombu.exceptions import OperationalError

from badges import celery, clock, tasks
from badges.conf import conf
from badges.models import CredlyBadge, Delivery, FailedEvent
from badges.providers.memory import MemoryProvider
from badges.services import claims, failures, processing
from tests.builders import event, template

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[int]:
    """The ids that were handed to the task queue."""
    settings.BADGES = {
        **settings.BADGES,
        "PROVIDERS": {"credly": "badges.providers.memory.MemoryProvider"},
        "FUTURE_TOLERANCE": 10**9,
        "RULEBOOK_MAX_AGE": 0,
    }
    ids: list[int] = []
    monkeypatch.setattr(celery.app, "send_task", lambda name, args, **_: ids.append(args[0]))
    monkeypatch.setattr(tasks, "_queue_away_until", 0.0)
    MemoryProvider.reset()
    return ids


def test_after_the_commit_the_issuing_task_is_sent(sent: list[int]) -> None:  # S21
    template("A")
    tasks.keep(processing.handle(event("A")).promises)
    assert sent == [Delivery.objects.get(kind="issue").pk]
    tasks.deliver(sent[0])
    assert CredlyBadge.objects.get().state == "pending"


def test_the_next_delivery_of_a_badge_is_sent_when_the_first_is_done(sent: list[int]) -> None:  # S32
    template("A", penalties="A")
    tasks.keep(processing.handle(event("A")).promises)
    tasks.deliver(sent.pop())
    tasks.keep(processing.handle(event("A", passing=False, at="10:01")).promises)
    tasks.keep(processing.handle(event("A", at="10:02")).promises)
    revocation, issue = sent
    sent.clear()
    tasks.deliver(revocation)
    assert sent == [issue]


def test_a_queue_that_is_away_is_left_alone_for_a_while(
    sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:  # S33
    calls = []

    def away(*_: Any, **__: Any) -> None:
        calls.append(1)
        raise OperationalError("connection refused")

    monkeypatch.setattr(celery.app, "send_task", away)
    now = 100.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    tasks.enqueue([1, 2])
    tasks.enqueue([3])
    assert len(calls) == 1
    now += tasks.QUEUE_PAUSE
    tasks.enqueue([4])
    assert len(calls) == 2


def test_the_sweep_finds_what_a_crash_left_and_hands_it_over_once(sent: list[int], settings: Any) -> None:  # S21, S33
    template("A")
    processing.handle(event("A"))  # and the process dies before it enqueues
    tasks.sweep()
    tasks.sweep()
    assert sent == [Delivery.objects.get(kind="issue").pk]
    settings.BADGES = {**settings.BADGES, "ENQUEUE_GRACE": 0}
    tasks.sweep()
    assert len(sent) == 2  # the queue did not bring it to an end


def test_the_sweep_retries_failed_events_whose_time_has_come(
    sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:  # S34
    template("A")
    with monkeypatch.context() as broken:
        broken.setattr(failures, "handle", lambda given: 1 / 0)
        failures.receive(event("A"))
    tasks.sweep()
    assert FailedEvent.objects.exists()
    FailedEvent.objects.update(next_attempt_at=clock.now())
    tasks.sweep()
    assert not FailedEvent.objects.exists() and len(sent) == 1


def test_without_celery_nothing_is_sent(sent: list[int], settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "ENQUEUE": False}
    tasks.enqueue([1])
    assert sent == []


def test_a_result_that_cannot_be_recorded_is_left_to_the_sweep(
    sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:  # S21
    def away(*_: Any, **__: Any) -> Any:
        raise DatabaseError

    template("A")
    promises = processing.handle(event("A")).promises
    monkeypatch.setattr(claims, "settle", away)
    tasks.keep(promises)
    assert Delivery.objects.get(lane="announce").state == "claimed"


def test_the_ready_made_application_knows_tasks_and_schedule() -> None:
    celery.app.loader.import_default_modules()
    assert {"badges.deliver", "badges.sweep"} <= set(celery.app.tasks)
    celery.app.finalize()
    assert celery.app.conf.beat_schedule["badges-sweep"]["schedule"] == conf.sweep_interval


def test_monitoring_is_told_how_a_delivery_ended(sent: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr(tasks, "set_custom_attribute", told.__setitem__)
    template("A")
    tasks.keep(processing.handle(event("A")).promises)
    tasks.deliver(sent[0])
    assert told == {"badges_delivery_id": sent[0], "badges_delivery_state": "done"}
    tasks.deliver(sent[0])
    assert told["badges_delivery_state"] == "not executed"
