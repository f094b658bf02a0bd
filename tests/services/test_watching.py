"""The version of the rules, over a connection that Django does not know of."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.utils import CaptureQueriesContext

from badges import clock
from badges.models import RulebookVersion
from badges.services import rulebook, watching
from tests.builders import template

pytestmark = pytest.mark.django_db(transaction=True)


def end(own: BaseDatabaseWrapper | None) -> None:
    """Close what Django keeps open for the sake of a database in memory."""
    assert own is not None and own is not connection and own.connection is not None
    own.connection.close()


def test_it_is_the_version_that_was_committed_last() -> None:
    RulebookVersion.objects.all().delete()
    assert watching.version() == 0
    template("A")
    before = watching.version()
    assert before == RulebookVersion.current()
    RulebookVersion.bump()
    assert watching.version() == RulebookVersion.current() != before


def test_it_costs_the_other_connection_nothing_and_stays_open() -> None:
    watching.version()
    own = watching._own.connection
    assert own is not None and own is not connection
    with CaptureQueriesContext(connection) as captured:
        watching.version()
    assert len(captured) == 0
    assert watching._own.connection is own


def test_one_that_was_lost_is_made_anew_at_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    template("A")
    watching.version()
    own = watching._own.connection
    assert own is not None

    def lost(*_: Any, **__: Any) -> Any:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(own, "cursor", lost)
    monkeypatch.setattr(own, "close", lost)
    assert watching.version() is None
    assert watching.version() == RulebookVersion.current()
    end(own)


def test_it_is_made_anew_after_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: moment)
    watching.version()
    first = watching._own.connection
    moment += 29
    watching.version()
    assert watching._own.connection is first
    moment += 2
    watching.version()
    assert watching._own.connection is not first
    end(first)


def test_it_takes_nothing_from_a_pool_and_begins_no_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"pool": True, "timeout": 5})
    monkeypatch.setitem(connections.databases[DEFAULT_DB_ALIAS], "OPTIONS", {"pool": True, "timeout": 5})
    monkeypatch.setitem(connections.databases[DEFAULT_DB_ALIAS], "AUTOCOMMIT", False)
    made = watching._make()
    assert made.settings_dict["OPTIONS"] == {"timeout": 5}
    assert made.settings_dict["AUTOCOMMIT"] is True
    assert connections.databases[DEFAULT_DB_ALIAS]["OPTIONS"] == {"pool": True, "timeout": 5}


def test_rules_are_confirmed_where_their_version_is_in_force(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "RULEBOOK_MAX_AGE": 1}
    moment = clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: moment)
    assert rulebook.confirmed() is None, "none were read yet"
    template("A")
    rules = rulebook.current()
    moment += 1
    assert rulebook.at_hand() is None
    assert rulebook.confirmed() is rules
    assert rulebook.at_hand() is rules
    moment += 0.9
    assert rulebook.at_hand() is rules
    moment += 0.2
    template("B", name="Another")
    assert rulebook.confirmed() is None
    assert rulebook.at_hand() is None
    assert rulebook.current().book.version == RulebookVersion.current()
