"""From the platform's signals to the app, and what monitoring is told."""

from __future__ import annotations

import dataclasses
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction

from badges import clock, handlers
from badges.data import Event
from badges.eventbus.batches import Batch, collecting
from badges.exceptions import EventNotStored
from badges.services import batching, failures, rulebook, watching
from tests.builders import event, sent, template

# Outside of a transaction: inside one, an event of this process waits for its end.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, settings: Any) -> dict[str, Any]:
    """The attributes that monitoring was given."""
    settings.BADGES = {**settings.BADGES, "FUTURE_TOLERANCE": 10**9, "RULEBOOK_MAX_AGE": 0, "ENQUEUE": False}
    attributes: dict[str, Any] = {}
    monkeypatch.setattr(handlers, "set_custom_attribute", attributes.__setitem__)
    return attributes


def receive(given: Event) -> None:
    handlers.receive(**sent(given))


def test_an_event_that_counts_is_told(told: dict[str, Any]) -> None:
    template("A")
    receive(event("A"))
    assert told == {"badges_event_id": event("A").id, "badges_event_outcome": "matched"}


def test_an_event_that_fails_is_told(told: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "handle", lambda given: 1 / 0)
    receive(event("A"))
    assert told == {"badges_event_id": event("A").id, "badges_event_outcome": "failed"}


def test_of_an_event_that_means_nothing_monitoring_hears_nothing(told: dict[str, Any]) -> None:
    template("B")
    receive(event("A"))
    assert told == {}


def test_a_connection_that_no_event_needs_is_closed(
    told: dict[str, Any], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BADGES = {**settings.BADGES, "RULEBOOK_MAX_AGE": 1}
    template("A")
    moment = 100.0
    monkeypatch.setattr(clock, "monotonic", lambda: moment)
    receive(from_bus("A"))
    closed: list[bool] = []
    monkeypatch.setattr(connection, "close", lambda: closed.append(True))
    moment += 0.9
    receive(from_bus("Z"))
    rulebook.forget()
    receive(from_bus("Z"))
    assert not closed, "it was needed less than a second ago"
    rulebook.forget()
    moment += 1.1
    receive(event("Z"))  # in a process that is no consumer
    rulebook.forget()
    with collecting(Batch(1)):
        receive(from_bus("Z"))  # in one that never asks whether it is well
    with transaction.atomic():
        assert not handlers._is_idle()
    assert not closed
    receive(from_bus("Z"))
    assert len(closed) == 1
    receive(from_bus("Z"))
    assert len(closed) == 1, "it is looked at together with the rules"
    moment += 1.1
    receive(from_bus("Z"))  # it is open again: somebody else uses it
    assert len(closed) == 1
    moment += 1.1
    receive(from_bus("Z"))
    assert len(closed) == 2


def test_where_no_connection_is_open_the_rules_are_looked_at_over_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    template("A")
    version = rulebook.current().book.version
    looks: list[int] = []
    monkeypatch.setattr(handlers, "connection", SimpleNamespace(connection=None))
    monkeypatch.setattr(watching, "version", lambda: looks.append(version) or version)
    monkeypatch.setattr(handlers.api, "receive_event", lambda event: pytest.fail("there was nothing to handle"))
    for _ in range(3):
        receive(from_bus("Z"))
    assert not looks
    later = clock.monotonic() + 60
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    for _ in range(3):
        receive(from_bus("Z"))
    assert looks == [version]


@pytest.mark.parametrize("newer", [None, 7], ids=["no answer", "another version"])
def test_what_cannot_be_confirmed_is_handled(monkeypatch: pytest.MonkeyPatch, newer: int | None) -> None:  # S26
    template("A")
    rulebook.current()
    handled: list[Event] = []
    monkeypatch.setattr(handlers, "connection", SimpleNamespace(connection=None, close=lambda: None))
    monkeypatch.setattr(watching, "version", lambda: newer)
    monkeypatch.setattr(
        handlers.api, "receive_event", lambda event: handled.append(event) or failures.Received(matched=False)
    )
    later = clock.monotonic() + 60
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    receive(from_bus("Z"))
    assert len(handled) == 1


@pytest.mark.parametrize(
    ("matched", "was_open", "stays"), [(False, False, False), (False, True, True), (True, False, True)]
)
def test_a_look_at_the_version_leaves_no_connection_behind(
    monkeypatch: pytest.MonkeyPatch, matched: bool, was_open: bool, stays: bool
) -> None:
    made = SimpleNamespace(connection="open" if was_open else None)
    made.close = lambda: setattr(made, "connection", None)

    def use(event: Event) -> failures.Received:
        made.connection = "open"
        return failures.Received(matched=matched)

    monkeypatch.setattr(handlers, "connection", made)
    monkeypatch.setattr(handlers, "_needed_until", clock.monotonic() + 60)
    monkeypatch.setattr(handlers.api, "receive_event", use)
    rulebook.forget()
    receive(from_bus("Z"))
    assert (made.connection is not None) is stays


# --- in a consumer that collects -----------------------------------------------------------------------------


def from_bus(*arguments: Any, **fields: Any) -> Any:
    return dataclasses.replace(event(*arguments, **fields), from_bus=True)


def test_what_may_change_something_is_put_off_and_handled_with_the_others(told: dict[str, Any], settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "RULEBOOK_MAX_AGE": 3600}
    template("A")
    rulebook.current()
    batch = Batch(2)
    with collecting(batch):
        for each in (from_bus("A", learner=1), from_bus("Z"), from_bus("A", learner=2)):
            assert not batch.is_full
            receive(each)
    assert batch.is_full
    assert told == {}
    batch.handle()
    assert told == {"badges_event_id": event("A", learner=2).id, "badges_event_outcome": "matched"}


def test_what_did_not_come_over_the_bus_is_not_put_off(told: dict[str, Any]) -> None:
    template("A")
    with collecting(Batch(1)):
        receive(event("A"))
    assert told["badges_event_outcome"] == "matched"


def test_a_consumer_stops_when_a_batch_cannot_be_stored(
    told: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:  # S35
    def fail(events: Any) -> Any:
        raise EventNotStored("There is no database.")

    monkeypatch.setattr(batching, "receive_all", fail)
    batch = Batch(2)
    with collecting(batch):
        receive(from_bus("A"))
    with (
        caplog.at_level(logging.CRITICAL, "badges"),
        pytest.raises(handlers.ConsumerMustStop, match=r"stops without committing: There is no database\."),
    ):
        batch.handle()
    assert [record.getMessage() for record in caplog.records] == ["There is no database."]
