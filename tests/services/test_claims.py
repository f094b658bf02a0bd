"""Several deliveries are read together and claimed one by one (S39)."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from badges import tasks
from badges.models import Delivery
from badges.services import claims, processing
from tests.builders import claim, event, template

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


def test_they_are_read_by_one_statement_and_claimed_by_one_each(issues: list[int]) -> None:
    claim(issues.pop())
    with CaptureQueriesContext(connection) as statements:
        held = claims.claim_all(issues)
    assert [query["sql"].split()[0] for query in statements] == ["SELECT"] + ["UPDATE"] * len(issues)
    assert ids(held) == issues and not any(one.unsettled for one in held)
    rows = Delivery.objects.in_bulk(issues)
    assert [rows[pk].claim for pk in issues] == [one.token for one in held]
    assert {(row.state, row.attempts, row.unsettled) for row in rows.values()} == {("claimed", 1, True)}


def test_they_are_claimed_in_the_order_given_and_those_that_are_not_due_left_alone(issues: list[int]) -> None:
    claim(issues[1])
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
    assert [claim_of[pk] for pk in issues[:taken]] == [one.token for one in others]


def test_what_dead_workers_left_behind_is_claimed_and_compared_later(issues: list[int]) -> None:  # S31, S39
    claims.claim_all(issues[:2])
    Delivery.objects.filter(pk__in=issues[:2]).update(lease_expires_at=Now() - datetime.timedelta(seconds=1))
    held = claims.claim_all(issues[:3])
    assert [(one.unsettled, one.delivery.attempts) for one in held] == [(True, 1), (True, 1), (False, 0)]
    compared = Delivery.objects.filter(kind="verify").values_list("progress", flat=True)
    assert set(compared) == {one.delivery.progress_id for one in held[:2]}


@pytest.mark.parametrize("trouble", [OperationalError, connection.Database.Error])  # type: ignore[attr-defined]
def test_one_at_which_the_database_fails_is_left_and_the_others_are_claimed(
    issues: list[int], trouble: type[Exception], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    claim_one = claims._claim
    renewed: list[str] = []
    monkeypatch.setattr(claims, "renew_connection", lambda: renewed.append("renewed"))

    def failing(*culprits: int) -> Callable[[Any], claims.Claim | None]:
        def claim(row: Any) -> claims.Claim | None:
            if row.pk in culprits:
                raise trouble("deadlock")
            return claim_one(row)

        return claim

    monkeypatch.setattr(claims, "_claim", failing(issues[0]))
    assert ids(claims.claim_all(issues[:3])) == issues[1:3]
    assert f"Delivery {issues[0]} was not claimed" in caplog.text
    assert renewed == ["renewed"]
    monkeypatch.setattr(claims, "_claim", failing(*issues))
    with pytest.raises(trouble):
        claims.claim_all(issues)


def test_queries_are_built_once_in_each_thread() -> None:
    with ThreadPoolExecutor(1) as other:
        kept = other.submit(lambda: claims.queries.claimable).result()
    assert claims.queries.claimable is claims.queries.claimable is not kept


def test_what_an_event_told_of_a_learner_comes_with_the_claim_and_is_not_shown() -> None:  # S22, S36
    template("A")
    processing.handle(event("A", learner=1))  # makes the record
    processing.handle(event("A", learner=1, at="10:05", email="told@example.com", name="Ada King"))
    (held,) = [claim(pk) for pk in claims.due()]
    assert held is not None
    assert (held.told_email, held.told_name) == ("told@example.com", "Ada King")
    assert "told@" not in repr(held) and "King" not in repr(held)
