"""From the platform's signals to the app, and what monitoring is told."""

from __future__ import annotations

import dataclasses
import logging
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection, transaction

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


@dataclasses.dataclass
class Idle:
    """A consumer that keeps Django's connection closed: its clock, what the version is said to be, and what came."""

    moment: float
    version: int | None
    looks: int = 0
    handled: int = 0


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Idle:
    settings.BADGES = {**settings.BADGES, "RULEBOOK_MAX_AGE": 1}
    template("A")
    this = Idle(clock.monotonic(), None)

    def version() -> int | None:
        this.looks += 1
        return this.version

    def handle(event: Event) -> failures.Received:
        this.handled += 1
        return failures.Received(matched=False)

    monkeypatch.setattr(clock, "monotonic", lambda: this.moment)
    this.version = rulebook.current().book.version
    monkeypatch.setattr(handlers, "connection", SimpleNamespace(connection=None, close=lambda: None))
    monkeypatch.setattr(watching, "version", version)
    monkeypatch.setattr(handlers.api, "receive_event", handle)
    return this


def test_where_no_connection_is_open_the_rules_are_looked_at_over_another_one(idle: Idle) -> None:
    for seconds in range(3):
        for _ in range(3):
            receive(from_bus("Z"))
        assert (idle.looks, idle.handled) == (seconds, 0)
        idle.moment += 1
    receive(from_bus("A"))
    receive(from_bus("A"))
    assert (idle.looks, idle.handled) == (3, 2), "what matches is handled, and looks once in a second, too"


def test_rules_that_may_be_used_for_no_time_are_looked_at_with_each_event(idle: Idle, settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "RULEBOOK_MAX_AGE": 0}
    rulebook.current()
    idle.moment += 1
    for _ in range(3):
        receive(from_bus("Z"))
    assert (idle.looks, idle.handled) == (3, 0)


@pytest.mark.parametrize("newer", [None, 1], ids=["no answer", "another version"])
def test_what_cannot_be_confirmed_is_handled(idle: Idle, newer: int | None) -> None:  # S26
    assert idle.version is not None
    idle.version = newer and idle.version + newer
    idle.moment += 1
    receive(from_bus("Z"))
    assert (idle.looks, idle.handled) == (1, 1)


@pytest.mark.parametrize("error", [RuntimeError("a receiver of connection_created"), OperationalError("gone")])
def test_no_trouble_with_the_look_loses_an_event(idle: Idle, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def trouble() -> NoReturn:
        raise error

    monkeypatch.setattr(watching, "version", trouble)
    idle.moment += 1
    receive(from_bus("A"))
    assert idle.handled == 1


def test_no_trouble_with_closing_loses_an_event(idle: Idle, monkeypatch: pytest.MonkeyPatch) -> None:
    def trouble() -> NoReturn:
        raise OperationalError("gone")

    made = SimpleNamespace(connection="open", in_atomic_block=False, get_autocommit=lambda: True, close=trouble)
    monkeypatch.setattr(handlers, "connection", made)
    monkeypatch.setattr(handlers, "_was_closed", False)
    idle.moment += 60
    receive(from_bus("A"))
    assert (idle.looks, idle.handled) == (0, 1)


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
