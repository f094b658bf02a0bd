"""The outbox: order, claims, retries, and what is believed after a crash."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models.functions import Now
from openedx_events.learning.signals import BADGE_AWARDED, BADGE_REVOKED

from badges import api, tasks
from badges.data import IssueRequest, Recipient
from badges.exceptions import (
    AmbiguousError,
    AnnouncementFailed,
    CredentialsRefused,
    DuplicateBadge,
    PermanentError,
    TransientError,
)
from badges.models import BadgeProgress, CredlyBadge, Delivery, JournalEntry, ProviderAccount
from badges.providers.memory import MemoryAccount, MemoryBadge, MemoryProvider
from badges.services import claims, delivery, manual, processing, repairing
from badges.services.announcing import announce_promised
from tests.builders import API_KEY, claim, event, template

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _any_time(settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "FUTURE_TOLERANCE": 10**9, "DELIVERY_ATTEMPTS": 3, "SETTLE_TIME": 0}


@pytest.fixture
def credly() -> MemoryAccount:
    """The other side of the account that the tests' templates belong to."""
    template("A", penalties="A")
    return MemoryProvider.account(ProviderAccount.objects.get().external_id)


@pytest.fixture
def announced() -> Iterator[list[tuple[str, str, datetime.datetime]]]:
    """The announcements that were sent, by their identity."""
    seen = []

    def receive(signal: Any, metadata: Any, badge: Any, **_: Any) -> None:
        seen.append((metadata.event_type.split(".")[-2], badge.uuid, metadata.time))

    for signal in (BADGE_AWARDED, BADGE_REVOKED):
        signal.connect(receive)
    yield seen
    for signal in (BADGE_AWARDED, BADGE_REVOKED):
        signal.disconnect(receive)


def earn(at: str = "10:00", *, passing: bool = True, **fields: Any) -> None:
    tasks.keep(processing.handle(event("A", passing=passing, at=at, **fields)).promises)


def lose(at: str = "10:01", **fields: Any) -> None:
    earn(at, passing=False, **fields)


def deliver(times: int = 1) -> None:
    """Execute what is due, and what would be due later too."""
    for _ in range(times):
        Delivery.objects.filter(state="pending").update(next_attempt_at=Now())
        for delivery_id in claims.due():
            delivery.execute(delivery_id)


def expire_leases() -> None:
    Delivery.objects.filter(state="claimed").update(lease_expires_at=Now() - datetime.timedelta(seconds=1))


def states() -> list[tuple[str, str]]:
    return [(row.kind, row.state) for row in Delivery.objects.exclude(lane="announce").order_by("pk")]


def badge() -> CredlyBadge:
    return CredlyBadge.objects.get()


# --- announcements -------------------------------------------------------------------------------------------


def test_an_announcement_has_the_time_of_the_decision(credly: MemoryAccount, announced: list[Any]) -> None:  # S21
    earn()
    (sent,) = announced
    assert sent == ("awarded", str(badge().uuid), BadgeProgress.objects.get().decided_at)
    assert Delivery.objects.get(lane="announce").state == "done"


def test_a_first_attempt_that_comes_too_late_is_left_to_the_sweep(
    credly: MemoryAccount, announced: list[Any], settings: Any
) -> None:  # S21, S39
    settings.BADGES = {**settings.BADGES, "ANNOUNCE_LEASE": 0}
    earn()
    assert announced == []
    deliver()
    assert [what for what, *_ in announced] == ["awarded"]


def test_an_announcement_lost_in_a_crash_is_sent_by_the_sweep(
    credly: MemoryAccount, announced: list[Any]
) -> None:  # S21
    processing.handle(event("A"))  # and the process dies here
    assert claims.due() == list(Delivery.objects.filter(kind="issue").values_list("pk", flat=True))
    expire_leases()
    deliver()
    assert [what for what, _, _ in announced] == ["awarded"]


def test_a_result_of_an_expired_claim_is_not_recorded(credly: MemoryAccount) -> None:  # S39
    (promise,) = processing.handle(event("A")).promises
    expire_leases()
    row = Delivery.objects.get(pk=promise.announcement_id)
    held = claim(row.pk)
    assert held is not None and claim(row.pk) is None
    announce_promised(promise)  # the first process wakes up late
    row.refresh_from_db()
    assert (row.state, row.claim) == ("claimed", held.token)


def test_announcements_keep_their_order_when_the_bus_is_away(
    credly: MemoryAccount, announced: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:  # S32
    with monkeypatch.context() as away:
        away.setattr("badges.eventbus.publisher.announce", _raise(AnnouncementFailed("The bus is away.")))
        earn()
        lose()
    assert announced == []
    deliver(2)
    assert [what for what, _, _ in announced] == ["awarded", "revoked"]
    assert credly.count("issue") == 0  # S24: cancelled before anybody began it


def test_a_bus_outage_does_not_stop_the_provider(credly: MemoryAccount, monkeypatch: pytest.MonkeyPatch) -> None:  # S32
    monkeypatch.setattr("badges.eventbus.publisher.announce", _raise(AnnouncementFailed("The bus is away.")))
    earn()
    deliver()
    assert badge().state == "pending"
    assert Delivery.objects.get(lane="announce").state == "pending"


def test_an_announcement_fails_for_good_without_an_lms_id(credly: MemoryAccount) -> None:  # S4
    promises = processing.handle(event("A")).promises
    get_user_model().objects.update(lms_user_id=None)
    expire_leases()
    deliver()
    row = Delivery.objects.get(lane="announce")
    assert promises and row.state == "failed" and "LMS user id" in row.error


def test_another_apps_error_text_is_not_kept(credly: MemoryAccount, monkeypatch: pytest.MonkeyPatch) -> None:  # S36
    monkeypatch.setattr("badges.eventbus.publisher.announce", _raise(ValueError("learner1@example.com")))
    earn()
    row = Delivery.objects.get(lane="announce")
    assert row.state == "pending" and row.error == "builtins.ValueError while announcing"


# --- issuing -------------------------------------------------------------------------------------------------


def test_a_badge_is_issued_at_the_moment_of_the_award(credly: MemoryAccount) -> None:  # S22
    earn(email="told@example.com", name="Ada Augusta King")
    deliver()
    (issued,) = credly.badges.values()
    recipient = issued.request.recipient
    assert issued.request.issued_at == BadgeProgress.objects.get().awarded_at
    assert (recipient.email, recipient.first_name, recipient.last_name, recipient.earner_id) == (
        "told@example.com",
        "Ada Augusta",
        "King",
        "1",
    )
    assert (str(badge().external_uuid), badge().state, badge().earner_id) == (issued.external_id, "pending", "1")


def test_the_newest_event_tells_the_address(credly: MemoryAccount) -> None:  # S22
    template("BC", account=ProviderAccount.objects.get())
    tasks.keep(processing.handle(event("B", at="10:05", email="newest@example.com")).promises)
    tasks.keep(processing.handle(event("C", at="10:01", email="older@example.com")).promises)
    deliver()
    (issued,) = credly.badges.values()
    assert issued.request.recipient.email == "newest@example.com"


def test_the_learner_id_stays_what_it_was_at_credly(credly: MemoryAccount) -> None:  # S22
    earn()
    deliver()
    get_user_model().objects.update(lms_user_id=99)
    lose(learner=99, username="learner1")
    earn("10:02", learner=99, username="learner1")
    deliver(2)
    assert [one.request.recipient.earner_id for one in credly.badges.values()] == ["1", "1"]


def test_without_an_address_there_is_no_badge_and_a_person_is_told(credly: MemoryAccount) -> None:  # S29
    earn(email="")
    deliver()
    assert states() == [("issue", "failed")]
    assert "no e-mail address" in Delivery.objects.get(kind="issue").error
    assert badge().state == "error"


def test_transient_errors_are_retried_and_then_wait_for_a_person(credly: MemoryAccount) -> None:  # S28
    credly.fail("issue", TransientError("Credly is busy."), times=3)
    earn()
    for expected in ("pending", "pending", "failed"):
        deliver()
        assert states() == [("issue", expected)]
    row = Delivery.objects.get(kind="issue")
    assert (row.attempts, row.error) == (3, "Credly is busy.")
    assert JournalEntry.objects.filter(kind="delivery_failed", subject="issue").count() == 1
    repairing.resend(row.pk)
    deliver()
    assert states() == [("issue", "done")] and credly.count("issue") == 4


def test_a_retry_after_is_obeyed(credly: MemoryAccount) -> None:  # S28
    credly.fail("issue", TransientError("Too many requests.", status=429, retry_after=120))
    earn()
    deliver()
    row = Delivery.objects.get(kind="issue")
    wait = row.next_attempt_at - datetime.datetime.now(tz=datetime.UTC)
    assert datetime.timedelta(seconds=110) < wait <= datetime.timedelta(seconds=121)
    assert delivery.execute(row.pk).state is None  # not before


def test_a_permanent_error_fails_at_once(credly: MemoryAccount) -> None:  # S29
    credly.fail("issue", PermanentError("The template is archived.", status=422))
    earn()
    deliver(2)
    assert states() == [("issue", "failed")] and credly.count("issue") == 1
    assert badge().state == "error"


def test_a_lost_answer_does_not_issue_twice(credly: MemoryAccount) -> None:  # S31
    credly.fail("issue", AmbiguousError("No answer."), after=True)
    earn()
    deliver(2)
    assert credly.count("issue") == 1 and len(credly.badges) == 1
    assert str(badge().external_uuid) in credly.badges
    assert states()[0] == ("issue", "done")


def test_a_worker_killed_after_the_request_does_not_issue_twice(
    credly: MemoryAccount, monkeypatch: pytest.MonkeyPatch
) -> None:  # S31, S39
    earn()
    with monkeypatch.context() as dying:
        dying.setattr(claims, "settle", _raise(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            deliver()
    assert states() == [("issue", "claimed")] and len(credly.badges) == 1
    deliver()
    assert states() == [("issue", "claimed")]  # the lease still holds
    expire_leases()
    deliver()
    assert credly.count("issue") == 1 and badge().state == "pending"


def test_a_look_up_that_fails_never_leads_to_a_second_request(credly: MemoryAccount) -> None:  # S31
    credly.fail("issue", AmbiguousError("No answer."))
    credly.fail("badges_by_earner_id", TransientError("Credly is busy."))
    earn()
    deliver(2)
    assert credly.count("issue") == 1
    deliver()
    assert credly.count("issue") == 2 and len(credly.badges) == 1


def test_already_has_this_badge_is_adopted_or_fails(credly: MemoryAccount) -> None:  # S31
    earn()
    deliver()
    external_id = str(badge().external_uuid)
    CredlyBadge.objects.update(external_uuid=None, state="created")
    Delivery.objects.filter(kind="issue").update(state="pending")
    deliver()
    assert str(badge().external_uuid) == external_id and len(credly.badges) == 1
    credly.badges.clear()
    credly.fail("issue", PermanentError("unused"), times=0)
    Delivery.objects.filter(kind="issue").update(state="pending")
    credly.fail("issue", _duplicate())
    deliver()
    assert states() == [("issue", "failed")]


def test_a_refused_key_pauses_the_account_until_there_is_another(
    credly: MemoryAccount, announced: list[Any]
) -> None:  # S30
    account = ProviderAccount.objects.get()
    credly.api_key = "another key"
    earn()
    deliver(5)
    account.refresh_from_db()
    assert account.is_paused and "refused" in account.paused_reason and account.paused_at
    row = Delivery.objects.get(kind="issue")
    assert (row.state, row.attempts) == ("pending", 0) and credly.count("issue") == 1
    lose()
    assert [what for what, _, _ in announced] == ["awarded", "revoked"]  # S32: announcements don't wait
    earn("10:02")
    account.set_api_key("another key")
    account.save()
    deliver(2)
    assert badge().state == "pending"


def test_a_late_refusal_of_the_old_key_does_not_pause_the_new_one(
    credly: MemoryAccount, monkeypatch: pytest.MonkeyPatch
) -> None:  # S30
    account = ProviderAccount.objects.get()

    def refuse_while_the_key_is_replaced(*_: Any) -> Any:
        account.set_api_key("new key")
        account.save()
        raise CredentialsRefused("The key was refused.", status=401)

    earn()
    with monkeypatch.context() as replaced:
        replaced.setattr(MemoryProvider, "issue", refuse_while_the_key_is_replaced)
        deliver()
    account.refresh_from_db()
    assert not account.is_paused
    deliver()
    assert badge().state == "pending"


def test_a_late_refusal_of_the_old_key_does_not_take_the_place_of_what_is_known_of_the_new_one(
    credly: MemoryAccount,
) -> None:  # S30
    asked_with_the_old_key = ProviderAccount.objects.get()
    old_key = asked_with_the_old_key.api_key
    account = ProviderAccount.objects.get()
    account.set_api_key("new key")
    account.save()
    assert account.pause("new key", "The new key was refused.")
    assert not asked_with_the_old_key.pause(old_key, "The old key was refused.")
    account.refresh_from_db()
    assert (account.is_paused, account.paused_reason) == (True, "The new key was refused.")
    deleted_meanwhile = ProviderAccount(pk=0)
    assert not deleted_meanwhile.pause(old_key, "The old key was refused.")


def test_a_key_from_the_settings_resumes_too(credly: MemoryAccount, settings: Any) -> None:  # S30
    account = ProviderAccount.objects.get()
    credly.api_key = "new key"
    earn()
    deliver()
    assert ProviderAccount.objects.get().is_paused
    settings.BADGES = {**settings.BADGES, "ACCOUNT_KEYS": {account.external_id: "new key"}}
    deliver()
    assert badge().state == "pending"


def test_an_account_without_a_key_waits(credly: MemoryAccount) -> None:  # S30
    ProviderAccount.objects.update(encrypted_key="")
    earn()
    deliver()
    row = Delivery.objects.get(kind="issue")
    assert (row.state, row.attempts) == ("pending", 0) and delivery.execute(row.pk).state is None


# --- revoking ------------------------------------------------------------------------------------------------


def test_a_revocation_acts_on_the_known_badge(credly: MemoryAccount) -> None:  # S24
    earn()
    deliver()
    lose()
    deliver()
    (issued,) = credly.badges.values()
    assert issued.state == "revoked" and issued.reason
    assert (badge().state, str(badge().external_uuid)) == ("revoked", issued.external_id)


def test_an_issue_in_doubt_is_looked_up_before_the_revocation_and_never_sent_again(
    credly: MemoryAccount,
) -> None:  # S24
    credly.fail("issue", AmbiguousError("No answer."), after=True)
    earn()
    deliver()
    lose()
    deliver(3)
    assert credly.count("issue") == 1
    assert [one.state for one in credly.badges.values()] == ["revoked"]
    assert badge().state == "revoked"


def test_an_issue_in_doubt_that_never_arrived_is_dropped(credly: MemoryAccount) -> None:  # S24
    credly.fail("issue", AmbiguousError("No answer."))
    earn()
    deliver()
    lose()
    deliver(3)
    assert credly.count("issue") == 1 and credly.badges == {}
    assert ("issue", "superseded") in states() and ("revoke", "done") in states()


def test_an_issue_in_doubt_is_dropped_when_the_badge_was_lost_and_earned_again_meanwhile(
    credly: MemoryAccount,
) -> None:  # S24
    credly.fail("issue", AmbiguousError("No answer."))
    earn()
    deliver()
    lose()
    earn("10:02")
    deliver(3)
    assert states()[0] == ("issue", "superseded") and states()[-1] == ("issue", "done")
    assert credly.count("issue") == 2 and len(credly.badges) == 1


def test_revoking_what_is_gone_counts_as_revoked(credly: MemoryAccount) -> None:  # S31
    earn()
    deliver()
    credly.badges.clear()
    lose()
    deliver()
    assert states()[-1] == ("revoke", "done") and badge().state == "revoked"


def test_each_delivery_waits_for_the_earlier_one_of_its_badge(credly: MemoryAccount) -> None:  # S32
    earn()
    deliver()
    credly.fail("revoke", TransientError("Credly is busy."))
    lose()
    earn("10:02")
    deliver()
    assert states()[1:] == [("revoke", "pending"), ("issue", "pending")]
    deliver(2)
    assert [one.state for one in credly.badges.values()] == ["revoked", "pending"]


def test_a_failed_delivery_does_not_block_what_follows(credly: MemoryAccount) -> None:  # S32
    earn()
    deliver()
    credly.fail("revoke", PermanentError("No."))
    credly.fail("get_badge", PermanentError("No."))
    lose()
    deliver()
    earn("10:02")
    deliver()
    assert states()[1:] == [("revoke", "superseded"), ("issue", "done")]


def test_what_follows_is_named_for_the_worker(credly: MemoryAccount) -> None:
    earn()
    deliver()
    lose()
    earn("10:02")
    revocation, issue = Delivery.objects.filter(lane="provider").order_by("pk")[1:]
    assert delivery.execute(issue.pk).state is None  # not its turn
    assert delivery.execute(revocation.pk).following == (issue.pk,)


# --- resending -----------------------------------------------------------------------------------------------


def test_only_the_newest_failed_delivery_can_be_resent(credly: MemoryAccount) -> None:  # S32
    earn()
    first = Delivery.objects.get(kind="issue")
    with pytest.raises(repairing.NotResendable, match="only a failed one"):
        repairing.resend(first.pk)
    Delivery.objects.filter(pk=first.pk).update(state="failed")
    Delivery.objects.create(
        progress=first.progress,
        lane="provider",
        kind="revoke",
        decided_at=first.decided_at + datetime.timedelta(seconds=1),
        next_attempt_at=Now(),
    )
    with pytest.raises(repairing.NotResendable, match="superseded"):
        repairing.resend(first.pk)
    first.refresh_from_db()
    assert first.state == "superseded"


# --- comparing with the provider -----------------------------------------------------------------------------


def test_a_badge_that_went_live_after_the_revocation_is_revoked(credly: MemoryAccount) -> None:  # S39
    credly.fail("issue", AmbiguousError("No answer."))
    earn()
    deliver()
    lose()
    request = Delivery.objects.get(kind="issue")
    assert request.unsettled
    deliver(1)  # looked up: nothing there
    late = _issue_behind_our_back(credly)
    deliver(3)
    assert credly.badges[late].state == "revoked"


def test_a_badge_that_vanished_after_a_doubtful_attempt_is_issued_again(credly: MemoryAccount) -> None:  # S39
    credly.fail("issue", AmbiguousError("No answer."), after=True)
    earn()
    deliver()
    assert ("verify", "pending") in states()
    Delivery.objects.filter(kind="verify").update(next_attempt_at=Now() + datetime.timedelta(hours=1))
    delivery.execute(_due("issue"))
    (lost,) = credly.badges.values()
    lost.state = "revoked"
    deliver(3)
    assert [one.state for one in credly.badges.values()] == ["revoked", "pending"]


def test_a_second_live_badge_is_revoked(credly: MemoryAccount) -> None:  # S39
    credly.fail("issue", AmbiguousError("No answer."), after=True)
    earn()
    deliver()
    delivery.execute(_due("issue"))
    extra = _issue_behind_our_back(credly)
    kept = str(badge().external_uuid)
    deliver(2)
    assert {key: one.state for key, one in credly.badges.items()} == {kept: "pending", extra: "revoked"}


def test_a_badge_that_the_learner_rejected_is_not_issued_again(credly: MemoryAccount) -> None:  # S31, S39
    credly.fail("issue", AmbiguousError("No answer."), after=True)
    earn()
    deliver()
    delivery.execute(_due("issue"))
    (rejected,) = credly.badges.values()
    rejected.state = "rejected"
    deliver(3)
    assert len(credly.badges) == 1 and badge().state == "rejected"


def test_a_comparison_does_not_overwrite_what_was_recorded_meanwhile(
    credly: MemoryAccount, monkeypatch: pytest.MonkeyPatch
) -> None:  # S39
    credly.fail("issue", AmbiguousError("No answer."), after=True)
    earn()
    deliver()
    delivery.execute(_due("issue"))
    look_up = MemoryProvider.badges_by_earner_id

    def revoked_meanwhile(self: MemoryProvider, query: Any) -> Any:
        found = look_up(self, query)
        CredlyBadge.objects.update(state="revoked")
        return found

    monkeypatch.setattr(MemoryProvider, "badges_by_earner_id", revoked_meanwhile)
    delivery.execute(_due("verify"))
    assert ("verify", "done") in states()
    assert badge().state == "revoked"


def test_a_provider_that_is_no_longer_configured_holds_its_deliveries(
    credly: MemoryAccount, settings: Any
) -> None:  # S30
    earn()
    settings.BADGES = {**settings.BADGES, "PROVIDERS": {}}
    deliver()
    row = Delivery.objects.get(kind="issue")
    assert (row.state, row.attempts) == ("pending", 0)
    assert "There is no badge provider" in row.error


def test_nothing_is_sent_after_the_deadline(credly: MemoryAccount, settings: Any) -> None:  # S39
    settings.BADGES = {**settings.BADGES, "REQUEST_DEADLINE": 0}
    earn()
    deliver()
    assert credly.count("issue") == 0
    row = Delivery.objects.get(kind="issue")
    assert row.state == "pending" and not row.unsettled


# --- by hand -------------------------------------------------------------------------------------------------


def test_revoked_by_hand_stays_revoked_until_lifted(credly: MemoryAccount, announced: list[Any]) -> None:  # S25
    earn()
    deliver()
    tasks.keep(manual.revoke(badge().uuid))
    deliver()
    assert (badge().status, badge().state) == ("revoked", "revoked")
    earn("10:01")
    assert badge().status == "revoked"
    manual.release(badge().uuid)
    earn("10:02")
    deliver()
    assert (badge().status, badge().state) == ("awarded", "pending")
    assert [what for what, _, _ in announced] == ["awarded", "revoked", "awarded"]


def test_by_hand_only_what_is_possible(credly: MemoryAccount) -> None:
    with pytest.raises(manual.NotPossible, match="no badge"):
        manual.revoke(uuid.uuid4())
    earn()
    with pytest.raises(manual.NotPossible, match="not held back"):
        manual.release(badge().uuid)
    manual.revoke(badge().uuid)
    with pytest.raises(manual.NotPossible, match="revoked already"):
        manual.revoke(badge().uuid)


# --- helpers -------------------------------------------------------------------------------------------------


def _raise(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def _duplicate() -> PermanentError:
    return DuplicateBadge("User already has this badge", status=422)


def _due(kind: str) -> int:
    row = Delivery.objects.get(kind=kind)
    Delivery.objects.filter(pk=row.pk).update(next_attempt_at=Now())
    return row.pk


def _issue_behind_our_back(credly: MemoryAccount) -> str:
    """A badge of the same learner and template appears at the provider, as a delayed request would make it."""
    template_id = BadgeProgress.objects.get().template.external_id
    recipient = Recipient("1", "learner1@example.com", "Learner", "1")
    request = IssueRequest(template_id, datetime.datetime.now(tz=datetime.UTC), recipient)
    made = MemoryBadge(str(uuid.uuid4()), request)
    credly.badges[made.external_id] = made
    return made.external_id


def test_the_tests_key_is_the_accounts(credly: MemoryAccount) -> None:
    assert ProviderAccount.objects.get().api_key == API_KEY
    assert API_KEY not in ProviderAccount.objects.get().encrypted_key


# --- where requests are made ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_no_request_is_made_while_an_event_is_handled_or_in_a_transaction(
    credly: MemoryAccount, monkeypatch: pytest.MonkeyPatch
) -> None:  # S27
    carry_out = MemoryProvider._carry_out
    in_transaction = []

    def watched(self: MemoryProvider, *arguments: Any) -> Any:
        in_transaction.append(connection.in_atomic_block)
        return carry_out(self, *arguments)

    monkeypatch.setattr(MemoryProvider, "_carry_out", watched)
    credly.fail("issue", AmbiguousError("No answer."), after=True)
    earn()
    assert in_transaction == []
    deliver(2)
    lose()
    deliver(2)
    assert len(in_transaction) >= 4 and not any(in_transaction)


# --- mistakes of others --------------------------------------------------------------------------------------


def test_a_mistake_in_a_provider_is_retried_and_then_told(
    credly: MemoryAccount, monkeypatch: pytest.MonkeyPatch
) -> None:  # S28, S36
    monkeypatch.setattr(MemoryProvider, "issue", _raise(KeyError("learner1@example.com")))
    earn()
    deliver(3)
    row = Delivery.objects.get(kind="issue")
    assert (row.state, row.error) == ("failed", "builtins.KeyError in the provider.")


def test_a_key_that_cannot_be_read_makes_only_its_account_wait(credly: MemoryAccount, settings: Any) -> None:  # S30
    earn()
    ProviderAccount.objects.update(encrypted_key="of another secret")
    assert "cannot be decrypted" in ProviderAccount.objects.get().obstacle
    deliver()
    row = Delivery.objects.get(kind="issue")
    assert (row.state, row.attempts) == ("pending", 0)


def test_a_badge_that_belongs_to_another_credential_is_not_taken_over(credly: MemoryAccount) -> None:  # S31
    earn()
    deliver()
    earn(learner=2)
    credly.fail("issue", AmbiguousError("No answer."))
    CredlyBadge.objects.filter(username="learner2").update(earner_id="1")
    deliver(2)
    row = Delivery.objects.get(kind="issue", progress__user__username="learner2")
    assert row.state == "failed" and "another credential" in row.error


# --- cancelling ----------------------------------------------------------------------------------------------


def test_a_cancelled_issue_is_never_sent_and_the_badge_stays_awarded(credly: MemoryAccount) -> None:
    earn()
    issue = Delivery.objects.get(kind="issue")
    api.cancel_delivery(delivery_id=issue.pk)
    deliver(2)
    issue.refresh_from_db()
    assert (issue.state, credly.calls) == ("cancelled", []) and issue.finished_at
    assert (badge().status, badge().state) == ("awarded", "created")
    entry = JournalEntry.objects.get(kind="delivered", subject="issue")
    assert entry.detail == "cancelled: by hand"  # S37
    lose()
    earn("10:02")
    deliver(2)
    assert badge().state == "pending" and len(credly.badges) == 1


def test_what_waited_for_a_cancelled_delivery_is_executed(credly: MemoryAccount) -> None:  # S32
    earn()
    deliver()
    lose()
    earn("10:02")
    revocation, issue = Delivery.objects.filter(lane="provider").order_by("pk")[1:]
    assert repairing.cancel(revocation.pk) == [issue.pk]
    assert issue.pk in claims.due()


def test_a_cancelled_issue_in_doubt_is_looked_up_by_a_revocation_and_not_sent_again(
    credly: MemoryAccount,
) -> None:  # S24
    credly.fail("issue", AmbiguousError("No answer."), after=True)
    earn()
    deliver()
    Delivery.objects.filter(kind="verify").update(next_attempt_at=Now() + datetime.timedelta(hours=1))
    repairing.cancel(Delivery.objects.get(kind="issue").pk)
    lose()
    delivery.execute(_due("revoke"))
    assert [one.state for one in credly.badges.values()] == ["revoked"] and credly.count("issue") == 1


def test_a_comparison_does_not_bring_back_what_was_cancelled(credly: MemoryAccount) -> None:  # S39
    credly.fail("issue", AmbiguousError("No answer."))
    earn()
    deliver()
    repairing.cancel(Delivery.objects.get(kind="issue").pk)
    deliver(3)
    assert states() == [("issue", "cancelled"), ("verify", "done")]
    assert credly.count("issue") == 1 and credly.badges == {}


def test_a_failed_delivery_is_cancelled_so_that_nobody_needs_to_look_at_it_again(credly: MemoryAccount) -> None:
    credly.fail("issue", PermanentError("The template is archived."))
    earn()
    deliver()
    assert api.health().failed_deliveries == 1
    repairing.cancel(Delivery.objects.get(kind="issue").pk)
    assert api.health().ok


def test_what_a_worker_has_in_hand_is_cancelled_only_after_its_lease(credly: MemoryAccount) -> None:  # S39
    earn()
    held = claim(Delivery.objects.get(kind="issue").pk)
    assert held is not None
    with pytest.raises(repairing.NotCancellable, match="being sent"):
        repairing.cancel(held.delivery.pk)
    assert not JournalEntry.objects.filter(detail="cancelled: by hand").exists()
    expire_leases()
    repairing.cancel(held.delivery.pk)
    assert not claims.settle(held.delivery.pk, held.token, state="done")
    assert states() == [("issue", "cancelled"), ("verify", "pending")]


def test_a_comparison_is_cancelled_without_a_word_in_the_journal(credly: MemoryAccount) -> None:
    credly.fail("issue", AmbiguousError("No answer."))
    earn()
    deliver()
    repairing.cancel(Delivery.objects.get(kind="verify").pk)
    assert ("verify", "cancelled") in states()
    assert not JournalEntry.objects.filter(detail="cancelled: by hand").exists()


def test_what_is_over_cannot_be_cancelled(credly: MemoryAccount) -> None:
    earn()
    announcement = Delivery.objects.get(lane="announce")
    with pytest.raises(repairing.NotCancellable, match=f"Delivery {announcement.pk} is done"):
        repairing.cancel(announcement.pk)


def test_a_result_that_is_no_longer_theirs_to_record_counts_as_not_executed(
    credly: MemoryAccount, monkeypatch: pytest.MonkeyPatch
) -> None:  # S39
    earn()
    row = Delivery.objects.get(kind="issue")
    carry_out = MemoryProvider._carry_out

    def lose_the_lease(self: MemoryProvider, *arguments: Any) -> Any:
        Delivery.objects.filter(pk=row.pk).update(claim=uuid.uuid4())
        return carry_out(self, *arguments)

    monkeypatch.setattr(MemoryProvider, "_carry_out", lose_the_lease)
    assert delivery.execute(row.pk).state is None
    for error in (TransientError("Busy."), PermanentError("No."), CredentialsRefused("No.")):
        expire_leases()
        credly.fail("badges_by_earner_id", error)
        assert delivery.execute(row.pk).state is None
    row.refresh_from_db()
    assert row.state == "claimed"
