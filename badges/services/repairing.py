"""The newest provider decision of a badge is done once more, or a delivery is given up; by a person, or by S39."""

from __future__ import annotations

import logging

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q

from badges import clock
from badges.clock import DatabaseNow
from badges.exceptions import BadgesError
from badges.models import BadgeProgress, Delivery, JournalEntry
from badges.services import claims

logger = logging.getLogger(__name__)


class NotResendable(BadgesError):
    """Only a failed delivery can be resent, and only the newest one of its badge (S32)."""


class NotCancellable(BadgesError):
    """Only a delivery that waits, or has failed, can be cancelled."""


def resend(delivery_id: int) -> None:
    """
    Give a failed delivery all its attempts again. Raises :class:`NotResendable`.

    A failed delivery that is not the newest of its badge is marked as superseded instead (S32).
    """
    row = Delivery.objects.select_related("progress").get(pk=delivery_id)
    superseded = False
    with transaction.atomic(durable=True):
        _lock(row.progress)
        newer = Delivery.objects.filter(progress=row.progress_id, lane=row.lane, pk__gt=row.pk).exists()
        failed = Delivery.objects.filter(pk=row.pk, state=Delivery.State.FAILED)
        if newer:
            superseded = bool(failed.update(state=Delivery.State.SUPERSEDED, finished_at=DatabaseNow()))
        reopened = 0 if newer else failed.update(**_AGAIN)
    if superseded:
        raise NotResendable(
            f"Delivery {row.pk} was overtaken by a later decision for the same badge; it is superseded."
        )
    if not reopened:
        raise NotResendable(f"Delivery {row.pk} is {row.get_state_display()}; only a failed one can be resent.")


def cancel(delivery_id: int) -> list[int]:
    """
    Give up a delivery that waits or has failed, for good; the ids of those that had to wait for it. Raises
    :class:`NotCancellable`, for one that a worker has in hand too.

    What was decided stays decided: the learner's badge is what it is, only nobody is told, or the provider is not
    asked. An attempt with an unknown result stays unsettled, so a later revocation looks what it left behind (S24).
    """
    row = Delivery.objects.select_related("progress").get(pk=delivery_id)
    with transaction.atomic(durable=True):
        _lock(row.progress)
        if row.lane != Delivery.Lane.VERIFY:
            JournalEntry.objects.create(
                user_id=row.progress.user_id,
                template_id=row.progress.template_id,
                kind=JournalEntry.Kind.DELIVERED,
                subject="announcement" if row.lane == Delivery.Lane.ANNOUNCE else row.kind,
                detail="cancelled: by hand",
                created=clock.now(),
            )
        idle = Q(state__in=[Delivery.State.PENDING, Delivery.State.FAILED]) | claims.ABANDONED
        cancelled = Delivery.objects.filter(idle, pk=row.pk).update(
            state=Delivery.State.CANCELLED,
            claim=None,
            lease_expires_at=None,
            enqueued_at=None,
            finished_at=DatabaseNow(),
        )
        if not cancelled:
            transaction.set_rollback(True)
    if not cancelled:
        row.refresh_from_db(fields=["state"])
        raise NotCancellable(
            f"Delivery {row.pk} is {row.get_state_display()}; only one that waits or has failed can be cancelled."
        )
    if row.state == Delivery.State.CLAIMED and row.lane == Delivery.Lane.PROVIDER:
        claims.schedule_comparison(row)
    return list(claims.following(row))


def reopen_newest(progress_id: int) -> int | None:
    """
    Do the newest provider decision of a badge once more, looking first what is there; its id, None when one is under
    way.

    One that failed for good waits for a person, one that was cancelled was not wanted; both are left alone.
    """
    progress = BadgeProgress.objects.get(pk=progress_id)
    with transaction.atomic(durable=True):
        _lock(progress)
        newest = Delivery.objects.filter(progress=progress_id, lane=Delivery.Lane.PROVIDER).order_by("-pk").first()
        if newest is None or newest.state in {*Delivery.OPEN, Delivery.State.FAILED, Delivery.State.CANCELLED}:
            return None
        Delivery.objects.filter(pk=newest.pk).update(**_AGAIN | {"unsettled": True})
    logger.warning(
        "The provider's state of a badge was not ours; delivery %s (%s) is done once more.",
        newest.pk,
        newest.kind,
        extra={"action": "delivery_repaired", "delivery_id": newest.pk},
    )
    return newest.pk


_AGAIN = {
    "state": Delivery.State.PENDING,
    "attempts": 0,
    "next_attempt_at": DatabaseNow(),
    "finished_at": None,
    "enqueued_at": None,
}


def _lock(progress: BadgeProgress) -> None:
    """No decision is made for this learner meanwhile, so what is the newest stays the newest."""
    get_user_model()._default_manager.select_for_update().values_list("pk").get(pk=progress.user_id)
