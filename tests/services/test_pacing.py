"""A provider that fails or asks to wait is left alone; no account is sent more than its rate."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.db.models.functions import Now

from badges import api, tasks
from badges.exceptions import AmbiguousError, CredentialsRefused, PermanentError, TransientError
from badges.models import Delivery, ProviderAccount
from badges.providers.memory import MemoryAccount, MemoryProvider
from badges.services import claims, delivery, pacing, processing, sharing
from tests.builders import account as new_account, claim, event, template

pytestmark = pytest.mark.django_db

FAILURES = 3
BUSY = TransientError("Credly is busy.", status=503)


@pytest.fixture(autouse=True)
def _options(settings: Any) -> None:
    settings.BADGES = {
        **settings.BADGES,
        "FUTURE_TOLERANCE": 10**9,
        "BREAKER_FAILURES": FAILURES,
        "BREAKER_PAUSE": 60,
        "SWEEP_INTERVAL": 30,
    }


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how many seconds turns were waited for."""
    seconds: list[float] = []
    monkeypatch.setattr(pacing.time, "sleep", seconds.append)
    return seconds


@pytest.fixture
def credly() -> MemoryAccount:
    return MemoryProvider.account(template("A", penalties="A").account.external_id)


def award(*learners: int) -> None:
    for learner in learners:
        tasks.keep(processing.handle(event("A", learner=learner)).promises)


def account() -> ProviderAccount:
    return ProviderAccount.objects.get()


def rest() -> float:
    """For how many seconds the account rests from now on."""
    row = ProviderAccount.objects.annotate(now=Now()).get()
    return (row.rests_until - row.now).total_seconds() if row.rests_until else 0


def pass_the_rest() -> None:
    ProviderAccount.objects.update(rests_until=Now() - datetime.timedelta(seconds=1))


def attempts() -> list[int]:
    return list(Delivery.objects.filter(lane="provider").order_by("pk").values_list("attempts", flat=True))


def round_of_deliveries() -> None:
    for delivery_id in claims.due():
        delivery.execute(delivery_id)


# --- the circuit breaker -------------------------------------------------------------------------------------


def test_a_provider_that_only_fails_is_asked_a_few_times_and_then_left_alone(credly: MemoryAccount) -> None:  # S28
    credly.fail("issue", BUSY, times=100)
    award(*range(1, 11))
    round_of_deliveries()
    assert credly.count("issue") == FAILURES
    assert attempts() == [1] * FAILURES + [0] * (10 - FAILURES)
    assert (account().is_failing, 55 < rest() <= 60) == (True, True)
    assert claims.due() == []


def test_then_one_delivery_is_let_through_at_a_time_and_an_answer_ends_it(credly: MemoryAccount) -> None:  # S28
    credly.fail("issue", BUSY, times=FAILURES + 1)
    award(*range(1, 11))
    round_of_deliveries()
    pass_the_rest()
    round_of_deliveries()
    assert credly.count("issue") == FAILURES + 1
    pass_the_rest()
    one, other = claims.due()[:2]
    assert delivery.execute(one).state == "done"
    assert (account().failures, account().rests_until) == (0, None)
    assert delivery.execute(other).state == "done"


def test_one_that_is_let_through_holds_up_the_others_until_it_is_answered(credly: MemoryAccount) -> None:  # S28
    credly.fail("issue", BUSY, times=FAILURES)
    award(1, 2, 3, 4, 5)
    round_of_deliveries()
    pass_the_rest()
    first, second = claims.due()[:2]
    assert claim(first) is not None  # and its worker is busy, or dies
    assert claim(second) is None and second not in claims.due()
    pass_the_rest()
    assert claim(second) is not None


@pytest.mark.parametrize(("rate", "together"), [(0, True), (5, False)])
def test_threads_claim_together_unless_each_has_to_wait_for_its_turn(
    credly: MemoryAccount, rate: int, together: bool, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:  # S28
    settings.BADGES = {**settings.BADGES, "ACCOUNT_RATE_LIMIT": rate}
    award(1)
    asked = []
    monkeypatch.setattr(sharing, "share", lambda *_, **how: asked.append(how["together"]) or [])
    api.deliver_due(concurrency=4)
    assert asked == [together]


def test_of_several_that_are_claimed_together_one_is_let_through(credly: MemoryAccount) -> None:  # S28
    credly.fail("issue", BUSY, times=FAILURES)
    award(1, 2, 3, 4, 5)
    round_of_deliveries()
    pass_the_rest()
    waiting = claims.due()
    assert len(waiting) >= 2 and len(claims.claim_all(waiting)) == 1


def test_failures_that_are_not_in_a_row_do_not_add_up(credly: MemoryAccount) -> None:
    for learner in range(1, 4):
        credly.fail("issue", BUSY, times=FAILURES - 1)
        award(10 * learner + 1, 10 * learner + 2, 10 * learner + 3)
        round_of_deliveries()
        assert account().failures == 0 and account().rests_until is None


@pytest.mark.parametrize("answer", [PermanentError("No.", status=422), CredentialsRefused("No.", status=401)])
def test_a_refusal_is_an_answer(credly: MemoryAccount, answer: Any) -> None:  # S29, S30
    credly.fail("issue", BUSY, times=FAILURES - 1)
    credly.fail("issue", answer)
    award(1, 2, 3)
    round_of_deliveries()
    assert (account().failures, account().rests_until) == (0, None)


def test_what_has_no_answer_counts_like_what_is_not_available(credly: MemoryAccount) -> None:  # S31
    credly.fail("issue", AmbiguousError("No answer."), times=FAILURES)
    award(1, 2, 3, 4)
    round_of_deliveries()
    assert account().is_failing and credly.count("issue") == FAILURES


def test_announcements_and_other_accounts_do_not_wait(credly: MemoryAccount) -> None:  # S32
    template("B", account=new_account())
    credly.fail("issue", BUSY, times=100)
    award(*range(1, 6))
    round_of_deliveries()
    tasks.keep(processing.handle(event("B")).promises)
    round_of_deliveries()
    states = Delivery.objects.filter(progress__template__account=ProviderAccount.objects.latest("pk"))
    assert set(states.values_list("state", flat=True)) == {"done"}
    assert set(Delivery.objects.filter(lane="announce").values_list("state", flat=True)) == {"done"}


def test_a_task_that_comes_too_early_is_left_to_the_next_sweep(credly: MemoryAccount) -> None:  # S33
    award(1)
    (delivery_id,) = claims.due(enqueue=True)
    assert claims.due(enqueue=True) == []
    pacing.failed(account(), TransientError("Wait.", retry_after=60))
    assert delivery.execute(delivery_id).state is None and attempts() == [0]
    assert claims.due(enqueue=True) == []
    pass_the_rest()
    assert claims.due(enqueue=True) == [delivery_id]


def test_a_person_can_end_the_rest(credly: MemoryAccount) -> None:
    assert not api.resume_account(account_id=account().pk)
    pacing.failed(account(), TransientError("Wait.", retry_after=3600))
    assert api.resume_account(account_id=account().pk)
    assert (account().failures, account().rests_until) == (0, None)


# --- Retry-After ---------------------------------------------------------------------------------------------


def test_the_whole_account_waits_as_long_as_the_provider_asked(credly: MemoryAccount) -> None:  # S28
    credly.fail("issue", TransientError("Too many requests.", status=429, retry_after=120))
    award(1, 2, 3)
    round_of_deliveries()
    assert credly.count("issue") == 1 and attempts() == [1, 0, 0]
    assert 110 < rest() <= 120
    assert api.health().resting_accounts == (account().external_id,)
    pass_the_rest()
    round_of_deliveries()
    assert credly.count("issue") == 3
    assert (account().failures, account().rests_until) == (0, None)


def test_an_answer_to_an_earlier_request_does_not_shorten_the_wait(credly: MemoryAccount) -> None:  # S28
    sent_before = account()
    pacing.failed(account(), BUSY)
    sent_after = account()
    pacing.failed(account(), TransientError("Too many requests.", status=429, retry_after=120))
    for one in (sent_before, sent_after):
        pacing.answered(one)
        assert rest() > 110
    assert account().failures == 0


def test_a_shorter_wait_does_not_shorten_a_longer_one(credly: MemoryAccount) -> None:  # S28
    for seconds in (600.0, 5.0, None, None, None):
        pacing.failed(account(), TransientError("Wait.", retry_after=seconds))
    assert account().is_failing and rest() > 590


# --- the rate limit ------------------------------------------------------------------------------------------


def test_without_a_limit_nobody_waits(credly: MemoryAccount, naps: list[float]) -> None:
    award(1, 2, 3)
    round_of_deliveries()
    assert naps == [] and account().next_turn_at is None


def test_deliveries_of_an_account_are_spread_over_time(credly: MemoryAccount, naps: list[float], settings: Any) -> None:
    # So far apart that what the deliveries take themselves does not matter; the waiting here takes no time.
    settings.BADGES = {**settings.BADGES, "ACCOUNT_RATE_LIMIT": 0.001, "SWEEP_INTERVAL": 10_000}
    award(*range(1, 6))
    round_of_deliveries()
    assert credly.count("issue") == 5
    assert [round(nap / 1000) for nap in naps] == [1, 2, 3, 4]
    assert naps == sorted(naps)


def test_a_turn_that_is_far_away_is_left_for_later(credly: MemoryAccount, naps: list[float], settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "ACCOUNT_RATE_LIMIT": 0.02}  # one in 50 s
    award(1, 2, 3)
    round_of_deliveries()
    assert credly.count("issue") == 1 and attempts() == [1, 0, 0] and naps == []
    assert len(claims.due()) == 2


def test_a_rest_goes_before_the_rate(credly: MemoryAccount, naps: list[float], settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "ACCOUNT_RATE_LIMIT": 1000}
    read_before = account()
    pacing.failed(account(), TransientError("Too many requests.", status=429, retry_after=120))
    assert not pacing.wait_for_turn(read_before)
    assert account().next_turn_at is None
