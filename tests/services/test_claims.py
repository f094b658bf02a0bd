"""Several deliveries are claimed at the cost of one (S39)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from badges import tasks
from badges.models import Delivery
from badges.services import claims, processing
from tests.builders import event, template

pytestmark = pytest.mark.django_db


@pytest.fixture
def issues() -> list[int]:
    """Five badges that are to be issued, longest waiting first."""
    template("A")
    for learner in range(1, 6):
        tasks.keep(processing.handle(event("A", learner=learner)).promises)
    return claims.due()


def ids(held: list[claims.Claim]) -> list[int]:
    return [one.delivery.pk for one in held]


def test_however_many_are_claimed_by_two_statements(issues: list[int]) -> None:
    claims.claim(issues.pop())  # what is asked for but once, such as time zones
    with CaptureQueriesContext(
        connection,
    ) as statements:
        held = claims.claim_all(issues)
    assert len(statements) == 2
    assert ids(held) == issues
    assert {(one.token, one.unsettled) for one in held} == {(held[0].token, False)}
    rows = Delivery.objects.filter(pk__in=issues)
    assert {(row.state, row.claim, row.attempts, row.unsettled) for row in rows} == {
        ("claimed", held[0].token, 1, True)
    }


def test_they_are_claimed_in_the_order_given_and_those_that_are_not_due_left_alone(issues: list[int]) -> None:
    claims.claim(issues[1])
    assert ids(claims.claim_all([issues[4], issues[1], 10**9, issues[0]])) == [issues[4], issues[0]]
    assert claims.claim_all([]) == claims.claim_all(issues[:2]) == []


def test_each_keeps_its_own_attempts_and_whether_its_result_is_known(issues: list[int]) -> None:
    Delivery.objects.filter(pk=issues[1]).update(attempts=2, unsettled=True)
    held = claims.claim_all(issues[:3])
    assert [one.unsettled for one in held] == [False, True, False]
    assert [one.delivery.attempts for one in held] == [0, 2, 0]
    attempts = dict(Delivery.objects.values_list("pk", "attempts"))
    assert [attempts[pk] for pk in issues[:3]] == [1, 3, 1]


@pytest.mark.parametrize("taken", [1, 3])
def test_what_another_worker_takes_meanwhile_is_not_claimed(
    issues: list[int], taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[claims.Claim] = []
    may_be_sent: Callable[[Any], bool] = claims._may_be_sent

    def slowly(row: Any) -> bool:
        if not others:
            monkeypatch.setattr(claims, "_may_be_sent", may_be_sent)
            others.extend(claims.claim_all(issues[:taken]))
        return may_be_sent(row)

    monkeypatch.setattr(claims, "_may_be_sent", slowly)
    held = claims.claim_all(issues[:3])
    assert ids(others) == issues[:taken] and ids(held) == issues[taken:3]
    claim_of = dict(Delivery.objects.values_list("pk", "claim"))
    assert [claim_of[pk] for pk in issues[:taken]] == [others[0].token] * taken


def test_what_an_event_told_of_a_learner_comes_with_the_claim_and_is_not_shown() -> None:  # S22, S36
    template("A")
    processing.handle(event("A", learner=1))  # makes the record
    processing.handle(event("A", learner=1, at="10:05", email="told@example.com", name="Ada King"))
    (held,) = [claims.claim(pk) for pk in claims.due()]
    assert held is not None
    assert (held.told_email, held.told_name) == ("told@example.com", "Ada King")
    assert "told@" not in repr(held) and "King" not in repr(held)
