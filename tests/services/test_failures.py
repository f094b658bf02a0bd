"""Events that cannot be handled: tried again, stored, retried, never lost without a word."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction

from badges import clock, handlers
from badges.eventbus.jsonlines import from_line
from badges.eventbus.signals import signal_of
from badges.exceptions import EventNotStored, StaleRules
from badges.models import FailedEvent, Fulfillment
from badges.services import failures, processing
from tests import builders
from tests.builders import event, template

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture(autouse=True)
def _calm(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(failures.time, "sleep", lambda seconds: None)
    settings.BADGES = {**settings.BADGES, "FUTURE_TOLERANCE": 10**9, "DATABASE_RETRIES": 3}


def failing(error: Exception, times: int) -> Callable[[Any], Any]:
    """``processing.handle``, but for its first ``times`` calls."""
    left = [error] * times

    def handle(given: Any) -> Any:
        if left:
            raise left.pop()
        return processing.handle(given)

    return handle


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("deadlock"),
        InterfaceError("closed"),
        connection.Database.OperationalError("the driver's own"),
        connection.Database.InterfaceError("the driver's own"),
        IntegrityError("gone"),
        StaleRules(),
        User.DoesNotExist(),
    ],
)
def test_what_passes_is_tried_again(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:  # S26, S34
    template("A")
    monkeypatch.setattr(failures, "handle", failing(error, 3))
    assert failures.receive(event("A")).matched
    assert Fulfillment.objects.exists() and not FailedEvent.objects.exists()


def test_what_does_not_pass_is_stored_and_healed_later(monkeypatch: pytest.MonkeyPatch) -> None:  # S34
    template("A")
    monkeypatch.setattr(failures, "handle", failing(OperationalError("deadlock"), 4))
    received = failures.receive(event("A"))
    assert received.failed and "OperationalError" in received.error
    stored = FailedEvent.objects.get()
    assert from_line(stored.line) == event("A") and stored.next_attempt_at is not None
    promised: list[Any] = []
    assert failures.retry(keep=promised.extend) == failures.Retried(healed=1, failed=0)
    assert len(promised) == 1
    assert not FailedEvent.objects.exists() and Fulfillment.objects.exists()


def test_any_error_of_one_event_leaves_the_next_alone(monkeypatch: pytest.MonkeyPatch) -> None:  # S34
    template("A")
    monkeypatch.setattr(failures, "handle", failing(ZeroDivisionError("learner1@example.com"), 1))
    assert failures.receive(event("A", learner=1)).failed
    assert failures.receive(event("A", learner=2)).matched
    (stored,) = FailedEvent.objects.all()
    assert "ZeroDivisionError" in stored.error and "example.com" not in stored.error  # S36


def test_a_conflict_is_told_in_words(caplog: pytest.LogCaptureFixture) -> None:  # S3, S36
    User.objects.create(username="learner1", lms_user_id=77)
    template("A")
    failures.receive(event("A"))
    assert "belongs to LMS user 77" in FailedEvent.objects.get().error
    assert "learner1" not in caplog.text


def test_the_same_event_failing_again_is_one_row() -> None:  # S7, S34
    User.objects.create(username="learner1", lms_user_id=77)
    template("A")
    failures.receive(event("A"))
    failures.receive(event("A"))
    assert FailedEvent.objects.get().attempts == 2


def test_the_sweep_gives_up_after_enough_attempts_and_a_person_can_go_on(settings: Any) -> None:  # S34
    settings.BADGES = {**settings.BADGES, "FAILED_EVENT_ATTEMPTS": 2}
    wrong = User.objects.create(username="learner1", lms_user_id=77)
    template("A")
    failures.receive(event("A"))
    assert failures.retry(keep=list).failed == 1
    stored = FailedEvent.objects.get()
    assert stored.next_attempt_at is None and failures.due() == []
    wrong.delete()
    assert failures.retry([stored.pk], keep=list).healed == 1


def test_an_event_from_the_future_is_retried_at_its_time(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # S8
    settings.BADGES = {**settings.BADGES, "FUTURE_TOLERANCE": 300}
    template("A")
    ahead = dataclasses.replace(event("A"), time=clock.now() + datetime.timedelta(hours=1))
    assert failures.receive(ahead).failed
    assert FailedEvent.objects.get().next_attempt_at == ahead.time
    assert failures.due() == []
    assert failures.retry(keep=list).failed == 1 and FailedEvent.objects.get().next_attempt_at == ahead.time
    monkeypatch.setattr(clock, "now", lambda: ahead.time)
    assert failures.retry(keep=list).healed == 1


def test_a_host_whose_clock_steps_back_does_not_leave_failed_events_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    # S34: this one's clock is an hour ahead, and set right afterwards.
    User.objects.create(username="learner1", lms_user_id=77)
    template("A")
    ahead = clock.now() + datetime.timedelta(hours=1)
    with monkeypatch.context() as patched:
        patched.setattr(clock, "now", lambda: ahead)
        failures.receive(event("A"))
        failures.retry(keep=list)
    waits = FailedEvent.objects.get().next_attempt_at - clock.now()
    assert waits <= datetime.timedelta(minutes=10)
    FailedEvent.objects.update(next_attempt_at=clock.now() - datetime.timedelta(seconds=5))
    monkeypatch.setattr(clock, "now", lambda: ahead - datetime.timedelta(hours=2))
    assert len(failures.due()) == 1


def test_a_stored_line_that_cannot_be_read_any_more_stays(settings: Any) -> None:
    FailedEvent.objects.create(
        event_id="x", event_type="y", event_time=clock.now(), line="{", error="", next_attempt_at=clock.now()
    )
    assert failures.retry(keep=list).failed == 1
    assert "JSON" in FailedEvent.objects.get().error


def test_a_consumer_waits_for_the_database_and_then_stops_without_a_commit(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:  # S35
    settings.BADGES = {**settings.BADGES, "DATABASE_WAIT": 10}
    seconds = [0.0]
    monkeypatch.setattr(clock, "monotonic", lambda: seconds[0])
    monkeypatch.setattr(failures.time, "sleep", lambda pause: seconds.__setitem__(0, seconds[0] + 1))
    monkeypatch.setattr(failures.connection, "close", lambda: None)
    monkeypatch.setattr(failures, "_handle_or_store", _away)
    on_bus = builders.event("A")
    object.__setattr__(on_bus, "from_bus", True)
    with pytest.raises(EventNotStored, match="OperationalError"):
        failures.receive(on_bus)
    assert seconds[0] >= 10


@pytest.mark.parametrize("error", [InterfaceError("closed"), connection.Database.Error("the driver's own")])
def test_no_error_of_the_database_loses_an_event(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:  # S35
    def away(_: Any) -> Any:
        raise error

    monkeypatch.setattr(failures, "_handle_or_store", away)
    with pytest.raises(EventNotStored):
        failures.receive(event("A"))


def test_a_web_process_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:  # S35
    monkeypatch.setattr(failures, "_handle_or_store", _away)
    with pytest.raises(EventNotStored):
        failures.receive(event("A"))


@pytest.mark.parametrize("from_bus", [True, False])
def test_only_a_consumer_stops(from_bus: bool, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:  # S35
    settings.BADGES = {**settings.BADGES, "DATABASE_WAIT": 0}
    monkeypatch.setattr(failures, "_handle_or_store", _away)
    monkeypatch.setattr(failures.connection, "close", lambda: None)
    given = builders.sent(dataclasses.replace(event("A"), from_bus=from_bus))
    if from_bus:
        with pytest.raises(SystemExit, match="without committing"):
            handlers.receive(**given)
    else:
        handlers.receive(**given)


def _away(given: Any) -> Any:
    raise OperationalError("could not connect")


def test_a_line_round_trips_through_the_store() -> None:  # S34
    User.objects.create(username="learner1", lms_user_id=77)
    template("A")
    failures.receive(event("A"))
    stored = json.loads(FailedEvent.objects.get().line)
    assert stored == builders.line("A") | {"data": stored["data"]}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("committed", [True, False])
def test_an_event_of_this_process_is_handled_after_its_transaction(committed: bool) -> None:  # S40
    template("A")
    signal = signal_of(builders.PASSING)
    sent = event("A")

    class RolledBack(Exception):
        pass

    with contextlib.suppress(RolledBack), transaction.atomic():
        signal.send_event(course_passing_status=sent.payload, time=sent.time)
        assert not Fulfillment.objects.exists()
        if not committed:
            raise RolledBack
    assert Fulfillment.objects.exists() is committed
    assert not FailedEvent.objects.exists()


def test_a_stored_line_is_read_however_long_it_is(monkeypatch: pytest.MonkeyPatch) -> None:  # S34
    template("A")
    long_event = from_line(json.dumps(builders.line("A", name="x" * 2_000_000)), longest=None)
    monkeypatch.setattr(failures, "handle", failing(ZeroDivisionError(), 1))
    failures.receive(long_event)
    monkeypatch.setattr(failures, "handle", lambda given: processing.Handled(matched=given == long_event))
    assert failures.retry(keep=list).healed == 1


def test_an_event_type_that_is_not_listed_does_not_count(settings: Any) -> None:  # S5
    settings.BADGES = {**settings.BADGES, "EVENT_TYPES": []}
    template("A")
    assert not failures.receive(event("A")).matched
    assert not User.objects.exists()
