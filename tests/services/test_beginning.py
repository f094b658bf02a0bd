"""Deliveries are claimed, and their badges read together after that (S24, S39)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from badges import tasks
from badges.models import BadgeProgress, CredlyBadge, Delivery
from badges.services import beginning, claims, delivery, processing
from tests.builders import event, template

pytestmark = pytest.mark.django_db


@pytest.fixture
def issues() -> list[int]:
    """Three badges that are to be issued."""
    template("A")
    for learner in range(1, 4):
        tasks.keep(processing.handle(event("A", learner=learner)).promises)
    return claims.due()


@pytest.fixture
def renewed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often the connection was looked at."""
    seen: list[str] = []
    monkeypatch.setattr(beginning, "renew_connection", lambda: seen.append("renewed"))
    return seen


def test_badges_are_read_by_one_statement_after_all_claims(issues: list[int]) -> None:
    with CaptureQueriesContext(connection) as statements:
        begun = beginning.begin(issues)
    assert [query["sql"].split()[0] for query in statements] == ["SELECT", "UPDATE", "UPDATE", "UPDATE", "SELECT"]
    assert [one.held.delivery.pk for one in begun] == issues
    assert [one.badge.pk for one in begun] == [one.held.delivery.progress.credential_id for one in begun]
    with CaptureQueriesContext(connection) as statements:
        assert all(one.badge.badge_progress.user_id == one.held.delivery.progress.user_id for one in begun)
    assert not statements


def test_an_announcement_needs_no_badge(issues: list[int]) -> None:
    Delivery.objects.exclude(lane="announce").delete()
    Delivery.objects.update(state="pending", finished_at=None)
    due = claims.due()
    with CaptureQueriesContext(connection) as statements:
        begun = beginning.begin(due)
    assert len(begun) == 3 and not any(one.badge for one in begun)
    assert [query["sql"].split()[0] for query in statements] == ["SELECT", "UPDATE", "UPDATE", "UPDATE"]


def test_a_badge_that_is_gone_keeps_the_others_from_nothing(issues: list[int]) -> None:
    culprit = Delivery.objects.get(pk=issues[1]).progress.credential_id
    CredlyBadge.objects.get(pk=culprit).delete(keep_parents=True)
    assert [delivery.carry_out(one) for one in beginning.begin(issues)] == ["done", "pending", "done"]


def test_badges_that_cannot_be_read_together_are_read_one_by_one(
    issues: list[int], renewed: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> Any:
        raise OperationalError("learner1@example.com")

    with monkeypatch.context() as patched:
        patched.setattr(beginning, "_rows", fails)
        begun = beginning.begin(issues)
    assert len(begun) == 3 and not any(one.badge for one in begun)
    assert renewed == ["renewed"]
    assert "3 deliveries were not read together (OperationalError)" in caplog.text and "learner1" not in caplog.text
    assert [delivery.carry_out(one) for one in begun] == ["done"] * 3


@pytest.mark.parametrize("trouble", [OperationalError, connection.Database.Error])  # type: ignore[attr-defined]
def test_trouble_with_the_database_is_no_mistake_of_the_provider(
    issues: list[int], trouble: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise trouble("gone")

    (begun, *_) = beginning.begin(issues)
    monkeypatch.setitem(delivery.ACTIONS, Delivery.Kind.ISSUE, fails)
    with pytest.raises(trouble):
        delivery.carry_out(begun)
    row = Delivery.objects.get(pk=begun.held.delivery.pk)
    assert (row.state, row.claim) == ("claimed", begun.held.token)  # its lease runs out, and it is looked up first


def test_a_provider_that_is_not_there_holds_up_no_other(issues: list[int], renewed: list[str]) -> None:
    badge = Delivery.objects.get(pk=issues[1]).progress
    other = template("B", provider="elsewhere")
    BadgeProgress.objects.filter(pk=badge.pk).update(template=other)
    begun = beginning.begin(issues)
    assert [one.badge is not None for one in begun] == [True, False, True] and not renewed
    assert [delivery.carry_out(one) for one in begun] == ["done", "pending", "done"]
