"""
Who executes a delivery: one conditional UPDATE to claim it, one to record what came of it (S39).

All moments are on the database's clock, so workers on hosts with other clocks agree on what is due and what has
expired.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import logging
import threading
import uuid
from collections.abc import Collection
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from badges import clock
from badges.clock import DatabaseNow
from badges.conf import conf
from badges.exceptions import database_said
from badges.models import Delivery, Fulfillment, ProviderAccount
from badges.services import pacing
from badges.services.backoff import pause
from badges.services.connecting import DATABASE_TROUBLE, renew_connection

logger = logging.getLogger(__name__)

ABANDONED = Q(state=Delivery.State.CLAIMED, lease_expires_at__lt=DatabaseNow())
EXECUTABLE = Q(state=Delivery.State.PENDING, next_attempt_at__lte=DatabaseNow()) | ABANDONED


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """
    The right to execute a delivery until its lease runs out.

    ``unsettled``: an earlier attempt may have done something nobody recorded. ``deadline``, on the monotonic clock, is
    when the last request may be sent; it lies well before the end of the lease. ``told_email`` and ``told_name`` are
    the learner's, as the newest event of the badge's template has them; empty where it has none.
    """

    delivery: Delivery
    token: uuid.UUID
    unsettled: bool
    deadline: float
    told_email: str = dataclasses.field(default="", repr=False)
    told_name: str = dataclasses.field(default="", repr=False)


def in_turn() -> Q:
    """
    True of deliveries with no earlier open one in their lane (S32); a comparison also waits for the provider's lane.
    """
    earlier = Delivery.objects.filter(
        progress=OuterRef("progress"), lane=OuterRef("lane"), pk__lt=OuterRef("pk"), state__in=Delivery.OPEN
    )
    provider = Delivery.objects.filter(
        progress=OuterRef("progress"), lane=Delivery.Lane.PROVIDER, state__in=Delivery.OPEN
    )
    return ~Q(Exists(earlier)) & (~Q(lane=Delivery.Lane.VERIFY) | ~Q(Exists(provider)))


def unusable_accounts() -> list[int]:
    """
    The ids of the accounts that nothing may be sent with now: their key was refused, or there is none (S30), or they
    rest (S28).
    """
    accounts = ProviderAccount.objects.annotate(now=DatabaseNow())
    return [account.pk for account in accounts if account.rests(account.now) or account.obstacle]


def due(*, enqueue: bool = False) -> list[int]:
    """
    The ids of deliveries that can be executed now, the longest waiting first, at most ``SWEEP_BATCH``.

    With ``enqueue`` only those that no sweep handed to the task queue lately, and marks them as handed over.
    """
    rows = Delivery.objects.filter(EXECUTABLE).filter(in_turn())
    rows = rows.exclude(~Q(lane=Delivery.Lane.ANNOUNCE) & Q(progress__template__account__in=unusable_accounts()))
    if enqueue:
        lately = DatabaseNow() - datetime.timedelta(seconds=conf.enqueue_grace)
        rows = rows.filter(Q(enqueued_at=None) | Q(enqueued_at__lt=lately))
    ids = list(rows.order_by("next_attempt_at", "pk").values_list("pk", flat=True)[: conf.sweep_batch])
    if enqueue and ids:
        Delivery.objects.filter(pk__in=ids).update(enqueued_at=DatabaseNow())
    return ids


class _Queries(threading.local):
    """
    What each claim's queries begin with. A worker claims all the time, and most of what that costs is Django turning
    conditions into a query, so it is done once; in each thread, because Django notes things in the query sets inside of
    one while it writes the SQL.
    """

    @functools.cached_property
    def executable(self) -> QuerySet[Delivery]:
        return Delivery.objects.filter(EXECUTABLE).order_by()

    @functools.cached_property
    def claimable(self) -> QuerySet[Delivery]:
        """
        Those in turn, with all that is sent. ``now`` is the database's clock; what the newest event of the template
        told of the learner is in ``told_email`` and ``told_name`` (S22).
        """
        newest = Fulfillment.objects.filter(
            user=OuterRef("progress__user"), requirement__template=OuterRef("progress__template")
        ).order_by("-time", "-pk")[:1]
        rows = self.executable.filter(in_turn()).annotate(
            now=DatabaseNow(),
            told_email=Subquery(newest.values("email")),
            told_name=Subquery(newest.values("full_name")),
        )
        return rows.select_related("progress__user", "progress__template__account", "progress__credential")


queries = _Queries()


def claim_all(delivery_ids: Collection[int]) -> list[Claim]:
    """
    Claim deliveries; in the order given, and not those that are not due, not their turn, or somebody else's, nor those
    with whose account nothing may be sent.

    They are read together and claimed one after the other. One at which the database fails is left to a later round;
    its error is raised only if none could be claimed.

    May wait for the accounts' rate limit, at most ``SWEEP_INTERVAL`` for each delivery. Where there is one, claim one
    at a time: what was claimed has had its turn.
    """
    found = queries.claimable.in_bulk(delivery_ids)
    held: list[Claim] = []
    failures: list[tuple[int, Exception]] = []
    for row in (found[pk] for pk in delivery_ids if pk in found):
        try:
            one = _claim(row) if _may_be_sent(row) else None
        except DATABASE_TROUBLE as error:
            failures.append((row.pk, error))
            renew_connection()  # for the others, and for what was claimed
        else:
            held += [one] if one else []
    if failures and not held:
        raise failures[0][1]
    for pk, failure in failures:
        logger.warning(
            "Delivery %s was not claimed (%s); it is tried again later.",
            pk,
            database_said(failure),
            extra={"action": "claim_failed", "delivery_id": pk},
        )
    return held


def _claim(row: Any) -> Claim | None:
    """``row`` as ``claimable`` reads it; None when somebody touched it since."""
    token, deadline = uuid.uuid4(), clock.monotonic() + conf.request_deadline
    if row.state == Delivery.State.CLAIMED and row.lane == Delivery.Lane.PROVIDER:
        # Whoever held it may have died in the middle of a request. Not in one transaction with the claim, for the order
        # of locks; one comparison too many does no harm.
        schedule_comparison(row)
    as_read = queries.executable.filter(pk=row.pk, attempts=row.attempts, unsettled=row.unsettled, claim=row.claim)
    claimed = as_read.update(
        state=Delivery.State.CLAIMED,
        claim=token,
        lease_expires_at=DatabaseNow() + datetime.timedelta(seconds=conf.lease),
        attempts=row.attempts + 1,
        unsettled=True,
    )
    if not claimed:
        return None
    return Claim(row, token, row.unsettled, deadline, row.told_email or "", row.told_name or "")


def _may_be_sent(row: Any) -> bool:
    """``row`` as ``claimable`` reads it."""
    if row.lane == Delivery.Lane.ANNOUNCE or _may_send(row.progress.template.account, row.now):
        return True
    if row.enqueued_at:
        # The sweep that hands it over again need not wait for ENQUEUE_GRACE.
        Delivery.objects.filter(pk=row.pk).update(enqueued_at=None)
    return False


def _may_send(account: ProviderAccount, now: datetime.datetime) -> bool:
    return not (account.obstacle or account.rests(now)) and pacing.wait_for_turn(account)


def settle(delivery_id: int, token: uuid.UUID, **changes: Any) -> bool:
    """
    Record a result: only the holder of the claim can, and gives it up by doing so. False when it is no longer theirs.

    ``changes`` are the delivery's fields; its state has to be among them.

    Where a journal entry goes with it, that is written first: the entry locks the learner's user row (a foreign key
    does on MySQL and MariaDB), and a process that decides locks user row and deliveries in that order too. The other
    way round they deadlock.
    """
    return bool(
        Delivery.objects.filter(pk=delivery_id, state=Delivery.State.CLAIMED, claim=token).update(
            claim=None, lease_expires_at=None, enqueued_at=None, **changes
        )
    )


def next_attempt(attempts: int, retry_after: float | None = None) -> Any:
    """When to try again after ``attempts`` attempts: back-off with jitter, not before ``retry_after`` seconds (S28)."""
    seconds = pause(max(attempts - 1, 0), base=conf.backoff_base, cap=conf.backoff_cap)
    return DatabaseNow() + datetime.timedelta(seconds=max(seconds, retry_after or 0))


def schedule_comparison(row: Delivery) -> None:
    """Compare the provider's state of this badge with ours once more, after the settle time (S39)."""
    at = DatabaseNow() + datetime.timedelta(seconds=conf.settle_time)
    again = {"next_attempt_at": at, "state": Delivery.State.PENDING, "finished_at": None, "attempts": 0}
    comparison, created = Delivery.objects.get_or_create(
        progress_id=row.progress_id,
        kind=Delivery.Kind.VERIFY,
        decided_at=row.decided_at,
        defaults={"lane": Delivery.Lane.VERIFY, "next_attempt_at": at},
    )
    if not created:
        # One that is being executed at this moment looks too early; it is done again.
        Delivery.objects.filter(pk=comparison.pk).update(claim=None, lease_expires_at=None, **again)


def following(row: Delivery) -> Collection[int]:
    """The id of the next open delivery of the same badge and lane, if any, to be executed at once."""
    rows = Delivery.objects.filter(
        progress_id=row.progress_id, lane=row.lane, state=Delivery.State.PENDING, pk__gt=row.pk
    )
    return list(rows.order_by("pk").values_list("pk", flat=True)[:1])
