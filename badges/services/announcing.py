"""Telling the world: BADGE_AWARDED and BADGE_REVOKED, at least once each, in order (S21, S32)."""

from __future__ import annotations

import dataclasses
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from badges import clock
from badges.clock import DatabaseNow
from badges.conf import conf
from badges.data import Announcement, Decision
from badges.eventbus import publisher
from badges.exceptions import AnnouncementImpossible, BadgesError
from badges.models import Delivery, JournalEntry
from badges.services import claims
from badges.services.outbox import Promise, announcement

logger = logging.getLogger(__name__)

DECISIONS: Mapping[str, Decision] = {Delivery.Kind.ANNOUNCE_AWARDED: "award", Delivery.Kind.ANNOUNCE_REVOKED: "revoke"}


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one announcement, by the holder of ``claim``; ``number`` counts from 1."""

    delivery_id: int
    claim: uuid.UUID
    number: int
    user_id: int
    template_id: int


def announce_promised(promise: Promise) -> bool:
    """
    The first attempt, by the process that decided; False when it failed, has to queue up behind an earlier one, or
    comes so late that the sweep may have sent it.

    It needs no query before it sends: everything is in the promise.
    """
    if promise.claim is None or clock.monotonic() >= promise.deadline:
        return False
    attempt = Attempt(promise.announcement_id, promise.claim, 1, promise.user_id, promise.template_id)
    return _attempt(attempt, promise.announcement) == Delivery.State.DONE


def announce_claimed(held: claims.Claim) -> str | None:
    """
    A later attempt, or the first one of an announcement that had to queue up; from the database alone. The delivery's
    new state; None when the claim was no longer ours, so that nothing was recorded.
    """
    row = held.delivery
    progress, template, user = row.progress, row.progress.template, row.progress.user
    attempt = Attempt(row.pk, held.token, row.attempts + 1, user.pk, template.pk)
    if progress.credential is None:
        return _record(attempt, "The credential was deleted; there is nothing to announce.", final=True)
    return _attempt(
        attempt,
        announcement(DECISIONS[row.kind], row.decided_at, progress.credential.uuid, user, template),
    )


def _attempt(attempt: Attempt, what: Announcement) -> str | None:
    """Send and record. Only the database's errors are raised; then the lease runs out and the sweep sends again."""
    final = attempt.number >= conf.delivery_attempts
    try:
        publisher.announce(what)
    except AnnouncementImpossible as error:
        return _record(attempt, str(error), final=True)
    except BadgesError as error:
        return _record(attempt, str(error), final=final)
    except Exception as error:  # noqa: BLE001 - another app's receiver; its message may hold personal data
        return _record(attempt, f"{type(error).__module__}.{type(error).__qualname__} while announcing", final=final)
    return _record(attempt, None, final=True)


def _record(attempt: Attempt, failure: str | None, *, final: bool) -> str | None:
    changes: dict[str, Any] = {"error": failure or "", "unsettled": False}
    if failure is None:
        changes |= {"state": Delivery.State.DONE, "finished_at": DatabaseNow(), "uncounted": True}
    elif final:
        changes |= {"state": Delivery.State.FAILED, "finished_at": DatabaseNow()}
    else:
        changes |= {"state": Delivery.State.PENDING, "next_attempt_at": claims.next_attempt(attempt.number)}
    with transaction.atomic():
        if final:
            JournalEntry.objects.create(
                user_id=attempt.user_id,
                template_id=attempt.template_id,
                kind=JournalEntry.Kind.DELIVERED if failure is None else JournalEntry.Kind.DELIVERY_FAILED,
                subject="announcement",
                detail=failure or "",
                created=clock.now(),
            )
        recorded = claims.settle(attempt.delivery_id, attempt.claim, **changes)
        if not recorded:
            transaction.set_rollback(True)
    if failure is not None:
        logger.log(
            logging.ERROR if final else logging.WARNING,
            "Announcement %s was not sent (attempt %s): %s",
            attempt.delivery_id,
            attempt.number,
            failure,
            extra={"action": "announce_failed", "delivery_id": attempt.delivery_id},
        )
    return str(changes["state"]) if recorded else None
