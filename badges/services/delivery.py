"""Executing the outbox: begin a delivery, do it, record what came of it (S27-S33, S39)."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from badges import clock
from badges.clock import DatabaseNow
from badges.conf import conf
from badges.data import AccountAccess
from badges.exceptions import (
    AmbiguousError,
    ConfigurationError,
    CredentialsRefused,
    PermanentError,
    ProviderError,
    TransientError,
)
from badges.models import Delivery, JournalEntry, ProviderAccount
from badges.providers.registry import base_url, get_provider
from badges.services import claims, issuing, pacing
from badges.services.announcing import announce_claimed
from badges.services.beginning import Begun, badge_of, begin
from badges.services.claims import Claim
from badges.services.connecting import DATABASE_TROUBLE
from badges.services.repairing import reopen_newest

logger = logging.getLogger(__name__)

ACTIONS = {
    Delivery.Kind.ISSUE: issuing.issue,
    Delivery.Kind.REVOKE: issuing.revoke,
    Delivery.Kind.VERIFY: issuing.compare,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Executed:
    """
    How an execution ended. ``state`` is the delivery's, None when it was not ours to execute; ``following`` are the
    ids of deliveries that had to wait for this one.
    """

    state: str | None = None
    following: tuple[int, ...] = ()


def execute(delivery_id: int) -> Executed:
    """
    Claim one delivery and carry it out, if it is due and nobody else does.

    Raises as :func:`carry_out`.
    """
    begun = begin([delivery_id])
    if not begun:
        return Executed()
    (one,) = begun
    return Executed(carry_out(one), tuple(claims.following(one.held.delivery)))


def carry_out(begun: Begun) -> str | None:
    """
    The delivery's new state; None when the claim was no longer ours, so that nothing was recorded.

    Never raises a provider's error: it is recorded, and decides when the delivery is tried again. The database's own
    errors are raised; then the lease runs out, and the result is looked up before anything is sent again.
    """
    held = begun.held
    return announce_claimed(held) if held.delivery.lane == Delivery.Lane.ANNOUNCE else _provide(held, begun.badge)


def _provide(held: Claim, badge: Any) -> str | None:
    progress = held.delivery.progress
    account = progress.template.account
    if progress.credential is None:
        return _record(held, None, issuing.Result(Delivery.State.CANCELLED, detail="the credential was deleted"))
    key = ""
    try:
        badge = badge_of(held.delivery) if badge is None else badge
        key = account.api_key
        access = AccountAccess(account.provider, account.external_id, base_url(account.provider), key)
        provider = get_provider(access, deadline=held.deadline)
        result = ACTIONS[Delivery.Kind(held.delivery.kind)](held, badge, provider)
    except CredentialsRefused as error:
        pacing.answered(account)
        _pause(account, key, str(error))
        return _wait(held, str(error))
    except ConfigurationError as error:
        return _wait(held, str(error))
    except TransientError as error:
        pacing.failed(account, error)
        return _retry(held, badge, error)
    except ProviderError as error:
        pacing.answered(account)
        return _fail(held, badge, str(error), settled=isinstance(error, PermanentError))
    except DATABASE_TROUBLE:
        raise
    except Exception as error:  # noqa: BLE001 - a mistake in a provider must not hold its deliveries for ever
        name = f"{type(error).__module__}.{type(error).__qualname__}"
        return _retry(held, badge, AmbiguousError(f"{name} in the provider."))
    pacing.answered(account)
    return _record(held, badge, result)


def _record(held: Claim, badge: Any, result: issuing.Result) -> str | None:
    if result.reopen:
        # Before the comparison is done with: a crash in between makes it be done again, and finds nothing to reopen.
        reopen_newest(held.delivery.progress_id)
    try:
        with transaction.atomic():
            if held.delivery.lane == Delivery.Lane.PROVIDER:
                _journal(held, JournalEntry.Kind.DELIVERED, f"{result.state}: {result.detail}")
            if not _settle(held, state=result.state, finished_at=DatabaseNow(), error="", unsettled=False):
                transaction.set_rollback(True)
                return None
            if result.badge:
                _save(badge, result.badge, only_as_read=held.delivery.lane == Delivery.Lane.VERIFY)
    except IntegrityError:
        return _fail(
            held,
            badge,
            f"The provider's badge {result.badge.get('external_uuid')} belongs to another credential here: the learner "
            "has two user records. Correct them, then resend.",
            settled=True,
        )
    return result.state


def _retry(held: Claim, badge: Any, error: TransientError) -> str | None:
    """Later again, or failed for a person to look at, when there were enough attempts (S28)."""
    attempts = held.delivery.attempts + 1
    ambiguous = isinstance(error, AmbiguousError)
    if attempts >= conf.delivery_attempts:
        return _fail(held, badge, str(error), settled=not (ambiguous or held.unsettled))
    if ambiguous and held.delivery.lane == Delivery.Lane.PROVIDER:
        # Not in one transaction with the result, for the order of locks; one comparison too many does no harm.
        claims.schedule_comparison(held.delivery)
    recorded = _settle(
        held,
        state=Delivery.State.PENDING,
        next_attempt_at=claims.next_attempt(attempts, error.retry_after),
        error=str(error),
        unsettled=ambiguous or held.unsettled,
    )
    logger.warning(
        "Delivery %s (%s) is tried again (attempt %s): %s",
        held.delivery.pk,
        held.delivery.kind,
        attempts,
        error,
        extra={"action": "delivery_retry", "delivery_id": held.delivery.pk},
    )
    return Delivery.State.PENDING if recorded else None


def _fail(held: Claim, badge: Any, error: str, *, settled: bool) -> str | None:
    with transaction.atomic():
        if held.delivery.lane == Delivery.Lane.PROVIDER:
            _journal(held, JournalEntry.Kind.DELIVERY_FAILED, error)
        recorded = _settle(
            held, state=Delivery.State.FAILED, finished_at=DatabaseNow(), error=error, unsettled=not settled
        )
        if not recorded:
            transaction.set_rollback(True)
            return None
        if held.delivery.lane == Delivery.Lane.PROVIDER:
            _save(badge, {"state": "error"})
            if not settled:
                claims.schedule_comparison(held.delivery)
    logger.error(
        "Delivery %s (%s) failed: %s",
        held.delivery.pk,
        held.delivery.kind,
        error,
        extra={"action": "delivery_failed", "delivery_id": held.delivery.pk},
    )
    return Delivery.State.FAILED


def _wait(held: Claim, error: str) -> str | None:
    """Back in the queue as if nothing had been tried: a key that is refused or unreadable burns no attempt (S30)."""
    recorded = _settle(
        held,
        state=Delivery.State.PENDING,
        next_attempt_at=claims.next_attempt(held.delivery.attempts),
        error=error,
        attempts=Greatest(F("attempts") - 1, 0),
        unsettled=held.unsettled,
    )
    return Delivery.State.PENDING if recorded else None


def _pause(account: ProviderAccount, key: str, reason: str) -> None:
    if not account.pause(key, reason):
        return
    logger.error(
        "Account %s is paused: %s Save a new key to resume.",
        account.external_id,
        reason,
        extra={"action": "account_paused"},
    )


def _settle(held: Claim, **changes: Any) -> bool:
    return claims.settle(held.delivery.pk, held.token, **changes)


def _save(badge: Any, changes: Mapping[str, Any], *, only_as_read: bool = False) -> None:
    """
    ``only_as_read``: not over what another delivery has recorded since ``badge`` was read. A comparison needs that,
    because the provider's lane does not wait for it.
    """
    if badge is not None:
        # The child's own table only: the manager's update() of a field of the parent would need another query.
        rows = type(badge).objects.filter(pk=badge.pk)
        if only_as_read:
            rows = rows.filter(state=badge.state, external_uuid=badge.external_uuid)
        rows.update(**changes)


def _journal(held: Claim, kind: str, detail: str) -> None:
    progress = held.delivery.progress
    JournalEntry.objects.create(
        user_id=progress.user_id,
        template_id=progress.template_id,
        kind=kind,
        subject=held.delivery.kind,
        detail=detail,
        created=clock.now(),
    )
