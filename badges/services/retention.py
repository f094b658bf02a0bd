"""
Deleting what nothing reads any more, in small batches beside everything else that goes on.

What a decision may still depend on stays: fulfilments, the newest delivery of each badge and lane, deliveries whose
result nobody knows, failed ones, failed events. The journal is purged only where somebody has said after how long.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from badges.clock import DatabaseNow
from badges.conf import conf
from badges.models import (
    BadgeProgress,
    Delivery,
    FailedEvent,
    Fulfillment,
    JournalEntry,
    WebhookEvent,
)
from badges.services import counting

ATTEMPTS: Final = 5
"""At one batch, when the database makes it the victim of a deadlock."""

A_CENTURY: Final = 36_500
"""Days; a larger number means the same, and a date that no database can compute."""

OVER = (Delivery.State.DONE, Delivery.State.CANCELLED, Delivery.State.SUPERSEDED)
LOOKED_INTO = (WebhookEvent.State.DONE, WebhookEvent.State.IGNORED)


@dataclasses.dataclass(frozen=True, slots=True)
class PurgeReport:
    """How many rows of each kind were deleted, or would be."""

    remembered: int = 0
    deliveries: int = 0
    webhooks: int = 0
    journal: int = 0


def purge(
    *, batch_size: int = 1000, dry_run: bool = False, told: Callable[[PurgeReport], object] = lambda report: None
) -> PurgeReport:
    """
    Delete what is old and over; with ``dry_run`` only count it. ``told`` is called after each batch.

    Each batch is a transaction of its own: whenever this ends, what was deleted was harmless, and the next run goes on.
    Looks at each row at most once, in the order of an index.
    """
    report = PurgeReport()
    for name, candidates, order, rows in _old_rows():
        for page in _pages(candidates, order, batch_size):
            # Read without a lock first: a lock is for what goes, and MySQL locks all that it looks at.
            found = list(rows.filter(pk__in=page).values_list("pk", flat=True))
            count = len(found) if dry_run or not found else _delete(rows, found)
            report = dataclasses.replace(report, **{name: getattr(report, name) + count})
            told(report)
    return report


def _old_rows() -> Iterator[tuple[str, QuerySet[Any], str, QuerySet[Any]]]:
    """
    What may go: the name that :class:`PurgeReport` has for it, what to look at and the field in whose order an index
    gives that, and those rows among it that nothing reads.

    What to look at has no other condition than the index has: a database that may choose how to find few rows among
    many reads all of them again for each page.
    """
    if conf.remembered_days:
        # On SQLite an index is used for "in", and not for "not fulfilled".
        resets = Fulfillment.objects.filter(fulfilled__in=[False], time__lt=_days_ago(conf.remembered_days))
        yield "remembered", resets, "time", _remembered()
    if conf.finished_days:
        yield "deliveries", Delivery.objects.all(), "pk", _deliveries()
        for state in LOOKED_INTO:
            webhooks = WebhookEvent.objects.filter(state=state, received_at__lt=_days_ago(conf.finished_days))
            yield "webhooks", webhooks, "received_at", webhooks
    if conf.journal_days:
        entries = JournalEntry.objects.filter(created__lt=_days_ago(conf.journal_days))
        yield "journal", entries, "created", entries


def _remembered() -> QuerySet[Fulfillment]:
    """
    Times of what was never fulfilled (S8). One that an older failed event has yet to meet stays: without it that event
    would count.

    A learner with progress has fulfilled something of the template (S18), and keeps all times of it. The journal does
    not tell this for sure: retirement takes the learner out of it, and a requirement's key can be edited. Besides, the
    newest of these times has the address that a badge is issued to (S22).
    """
    begun = BadgeProgress.objects.filter(user=OuterRef("user"), template__requirements=OuterRef("requirement"))
    failed = FailedEvent.objects.order_by("event_time").values("event_time")
    # The oldest is found once for a batch; to compare each time with each failed event would take hours.
    no_older_failed_event = ~Exists(FailedEvent.objects.all()) | Q(time__lt=Subquery(failed[:1]))
    return Fulfillment.objects.filter(
        no_older_failed_event, ~Exists(begun), fulfilled=False, time__lt=_days_ago(conf.remembered_days)
    )


def _deliveries() -> QuerySet[Delivery]:
    """
    Those that are over and were followed by another one of the same badge and lane.

    The newest tells what was decided last, and one with an unknown result what a later revocation has to look for
    (S24).
    """
    newer = Delivery.objects.filter(progress=OuterRef("progress"), lane=OuterRef("lane"), pk__gt=OuterRef("pk"))
    return Delivery.objects.filter(
        Exists(newer), state__in=OVER, unsettled=False, finished_at__lt=_days_ago(conf.finished_days)
    )


def _days_ago(days: int) -> Any:
    return DatabaseNow() - datetime.timedelta(days=min(days, A_CENTURY))


def _pages(rows: QuerySet[Any], order: str, size: int) -> Iterator[list[int]]:
    """The primary keys of ``rows`` in the order of a field and of the key itself, ``size`` at a time."""
    rest = rows
    while page := list(rest.order_by(order, "pk").values_list("pk", order)[:size]):
        yield [pk for pk, _ in page]
        last, at = page[-1]
        rest = rows.filter(Q(**{f"{order}__gt": at}) | Q(pk__gt=last), **{f"{order}__gte": at})


def _delete(rows: QuerySet[Any], found: list[int]) -> int:
    """
    Delete those of ``found`` that may still go.

    Where the database can skip what is locked, nothing is waited for: what an event or a worker has in hand is left to
    the next run, and neither of them is made the victim of a deadlock with a purge.
    """
    skip = connection.features.has_select_for_update_skip_locked
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                # Locked first, because MySQL cannot delete from a table that the condition reads, too.
                fields = counting.FIELDS if rows.model is Delivery else ("pk",)
                locked = list(rows.filter(pk__in=found).select_for_update(skip_locked=skip).values_list(*fields))
                if rows.model is Delivery:
                    counting.add(locked)
                gone = rows.model._default_manager.filter(pk__in=[pk for pk, *_ in locked])
                return int(gone.delete()[0])
        except OperationalError:
            if attempt == ATTEMPTS:
                raise
            time.sleep(0.1 * attempt)
    raise AssertionError("unreachable")
