"""What needs a person, and what does not."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from badges import api
from badges.exceptions import PermanentError, TransientError
from badges.models import Delivery, FailedEvent, ProviderAccount, RulebookVersion, WebhookEvent
from badges.providers.memory import MemoryAccount, MemoryProvider
from badges.services import health
from badges.services.health import ConsumerLag
from tests.builders import account, claim, event, template

pytestmark = pytest.mark.django_db

AGO = datetime.timedelta(hours=1)


@pytest.fixture(autouse=True)
def _any_time(settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "FUTURE_TOLERANCE": 10**9}


@pytest.fixture
def provider() -> MemoryAccount:
    return MemoryProvider.account(template("A").account.external_id)


def award(learner: int = 1) -> None:
    assert api.receive_event(event=event("A", learner=learner)).matched


def failed_event(number: int, **fields: Any) -> None:
    given = event("A", learner=number)
    FailedEvent.objects.create(
        event_id=given.id, event_type=given.type, event_time=given.time, line="{}", error="deadlock", **fields
    )


def only_problem() -> str:
    (problem,) = api.health().problems
    return problem


def test_an_app_that_has_nothing_to_do_is_well() -> None:
    found = api.health()
    assert found.ok
    assert (found.oldest_due, found.failed_deliveries, found.failed_events, found.paused_accounts) == (None, 0, 0, ())


def test_the_version_of_the_rules_is_told(provider: MemoryAccount) -> None:  # S26
    assert api.health().rulebook_version == RulebookVersion.current() > 0


# --- deliveries ----------------------------------------------------------------------------------------------


def test_a_delivery_that_nobody_executes_is_a_problem_after_a_while(provider: MemoryAccount) -> None:  # S33
    award()
    assert api.health().ok

    Delivery.objects.filter(kind="issue").update(next_attempt_at=Now() - AGO)

    assert api.health().oldest_due == pytest.approx(3600, abs=60)
    assert "A delivery has been due for 36" in only_problem()


def test_a_claim_that_ran_out_is_due(provider: MemoryAccount) -> None:  # S39
    award()
    claim(Delivery.objects.get(kind="issue").pk)
    Delivery.objects.filter(kind="issue").update(lease_expires_at=Now() - 2 * AGO)
    assert api.health().oldest_due == pytest.approx(7200, abs=60)


def test_what_waits_for_its_turn_or_its_next_attempt_is_not_due(provider: MemoryAccount) -> None:  # S28, S32
    award()
    first = Delivery.objects.get(kind="issue")
    Delivery.objects.filter(pk=first.pk).update(next_attempt_at=Now() + AGO)
    Delivery.objects.create(
        progress=first.progress,
        lane=first.lane,
        kind="revoke",
        decided_at=first.decided_at + AGO,
        next_attempt_at=first.decided_at - AGO,
    )
    assert api.health().oldest_due is None


def test_deliveries_that_failed_are_a_problem(provider: MemoryAccount, settings: Any) -> None:  # S29
    provider.fail("issue", PermanentError("archived", status=422))
    award()
    api.deliver_due()

    assert api.health().failed_deliveries == 1
    assert only_problem().startswith("1 deliveries failed")
    settings.BADGES = {**settings.BADGES, "HEALTH_FAILED_DELIVERIES": 1}
    assert api.health().ok


def test_a_paused_account_is_a_problem_and_its_deliveries_are_not_another(provider: MemoryAccount) -> None:  # S30
    provider.api_key = "another key"
    award()
    api.deliver_due()
    Delivery.objects.filter(state="pending").update(next_attempt_at=Now() - AGO)

    found = api.health()

    assert found.paused_accounts == (provider.external_id,)
    assert found.oldest_due is None
    assert only_problem() == f"Nothing can be sent with account {provider.external_id}: save a new API key for it."


def test_deliveries_that_are_not_over_are_counted_by_kind_and_state(provider: MemoryAccount) -> None:
    provider.fail("issue", PermanentError("archived", status=422))
    award(1)
    api.deliver_due()
    award(2)
    award(3)
    claim(Delivery.objects.filter(kind="issue", state="pending").earliest("pk").pk)

    counts = api.health().deliveries

    assert set(counts) == set(Delivery.Kind.values)
    assert counts["issue"] == {"pending": 1, "claimed": 1, "failed": 1}
    assert counts["revoke"] == {"pending": 0, "claimed": 0, "failed": 0}


def test_a_failed_delivery_of_a_kind_that_only_a_newer_release_knows_is_a_problem(provider: MemoryAccount) -> None:
    award()
    Delivery.objects.filter(kind="issue").update(kind="renew", state="failed")
    assert api.health().deliveries["renew"]["failed"] == api.health().failed_deliveries == 1
    assert only_problem().startswith("1 deliveries failed")


# --- events --------------------------------------------------------------------------------------------------


def test_failed_events_are_a_problem_when_they_wait_for_a_person(settings: Any) -> None:  # S34
    failed_event(1, next_attempt_at="2026-06-01T00:00:00Z")
    assert api.health().ok
    failed_event(2)

    found = api.health()
    assert (found.failed_events, found.failed_events_waiting) == (2, 1)
    assert "1 failed events are not retried any more" in only_problem()
    settings.BADGES = {**settings.BADGES, "HEALTH_FAILED_EVENTS": 1}
    assert api.health().ok


def test_webhooks_that_were_not_looked_into_are_counted() -> None:
    assert api.health().webhooks == {"received": 0, "failed": 0}
    for state in ("received", "received", "done", "ignored", "failed"):
        WebhookEvent.objects.create(
            account=ProviderAccount.objects.first() or account(), event_id=uuid.uuid4(), state=state
        )
    assert api.health().webhooks == {"received": 2, "failed": 1}


# --- consumers -----------------------------------------------------------------------------------------------


def test_a_consumer_that_is_far_behind_is_a_problem(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = [("learning", "badges"), ("learning", "others"), ("elsewhere", "badges")]
    settings.BADGES = {**settings.BADGES, "HEALTH_CONSUMERS": watched, "HEALTH_LAG": 10}
    monkeypatch.setattr("badges.eventbus.lag.consumer_lags", lambda consumers, timeout: [{0: 4, 1: 6}, {0: 11}, None])

    assert api.health().consumers == (
        ConsumerLag("learning", "badges", 10, {0: 4, 1: 6}),
        ConsumerLag("learning", "others", 11, {0: 11}),
        ConsumerLag("elsewhere", "badges", None),
    )
    assert only_problem().startswith("Group others is 11 messages behind on learning")


def test_without_a_kafka_client_the_lag_is_unknown(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BADGES = {**settings.BADGES, "HEALTH_CONSUMERS": [("learning", "badges")]}
    monkeypatch.setattr(health, "CONSUMER_LAGS", "no_such_client.consumer_lags")
    assert api.health().consumers == (ConsumerLag("learning", "badges", None),)
    assert api.health().ok


# --- cost and secrecy ----------------------------------------------------------------------------------------


def test_the_number_of_queries_does_not_grow(provider: MemoryAccount) -> None:
    with CaptureQueriesContext(
        connection,
    ) as few:
        api.health()
    for number in range(1, 6):
        award(number)
        failed_event(number)
        account(name=f"Account {number}")
    ProviderAccount.objects.update(encrypted_key="")
    with CaptureQueriesContext(connection) as many:
        api.health()
    assert len(few) == len(many) == 7


def test_nothing_of_a_learner_and_no_error_text_is_told(provider: MemoryAccount) -> None:  # S36
    provider.fail("issue", PermanentError("refused learner1", status=422))
    award()
    failed_event(2)
    api.deliver_due()
    ProviderAccount.objects.update(paused_reason="refused learner1")
    told = json.dumps(str(api.health()))
    assert not any(text in told for text in ("learner1", "learner2", "@example.com", "Learner", "refused"))


def test_what_waits_for_a_provider_that_fails_is_told_once_it_is_overdue(
    provider: MemoryAccount, settings: Any
) -> None:  # S28
    settings.BADGES = {**settings.BADGES, "BREAKER_FAILURES": 1}
    provider.fail("issue", TransientError("Credly is busy."))
    award()
    api.deliver_due()
    assert api.health().ok and api.health().resting_accounts == (provider.external_id,)
    Delivery.objects.filter(kind="issue").update(next_attempt_at=Now() - AGO)
    assert f"the provider of account {provider.external_id} answers" in only_problem()
