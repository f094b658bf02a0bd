"""From the platform's signals to the app, and what monitoring is told."""

from __future__ import annotations

from typing import Any

import pytest

from badges import handlers
from badges.services import failures
from tests.builders import event, template

# Outside of a transaction: inside one, an event of this process waits for its end.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, settings: Any) -> dict[str, Any]:
    """The attributes that monitoring was given."""
    settings.BADGES = {**settings.BADGES, "FUTURE_TOLERANCE": 10**9, "RULEBOOK_MAX_AGE": 0, "ENQUEUE": False}
    attributes: dict[str, Any] = {}
    monkeypatch.setattr(handlers, "set_custom_attribute", attributes.__setitem__)
    monkeypatch.setattr(handlers, "to_event", lambda signal, given: given["event"])
    return attributes


def test_an_event_that_counts_is_told(told: dict[str, Any]) -> None:
    template("A")
    handlers.receive(None, event=event("A"))
    assert told == {"badges_event_id": event("A").id, "badges_event_outcome": "matched"}


def test_an_event_that_fails_is_told(told: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "handle", lambda given: 1 / 0)
    handlers.receive(None, event=event("A"))
    assert told == {"badges_event_id": event("A").id, "badges_event_outcome": "failed"}


def test_of_an_event_that_means_nothing_monitoring_hears_nothing(told: dict[str, Any]) -> None:
    template("B")
    handlers.receive(None, event=event("A"))
    assert told == {}
