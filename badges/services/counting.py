"""
How many announcements were sent in all, told without counting them all.

An announcement that was sent is ``uncounted`` until it is added to :class:`AnnouncementCount`, together with others,
by a sweep or by the purge that deletes it. So at any moment the number is what was added plus what is uncounted, and
announcing writes no more than its own row. A learner whom the service deletes takes along what is uncounted still.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from django.db import OperationalError, connection, transaction
from django.db.models import Count, F, Q

from badges.exceptions import database_said
from badges.models import AnnouncementCount, Delivery

logger = logging.getLogger(__name__)

UNCOUNTED = Q(uncounted__in=[True])
"""Not ``uncounted=True``: for a mere truth value no index is used on SQLite."""

BATCH = 100
"""
Announcements that are added in one transaction: few, because asked for a large part of a table by primary key MySQL may
go through all of it, and where reads are repeatable it locks what it looks at.
"""


def sent() -> Mapping[str, int]:
    """How many announcements of each kind were sent. One query, so that none counts twice that is added meanwhile."""
    uncounted = Delivery.objects.filter(UNCOUNTED).order_by().values_list("kind").annotate(Count("pk"))
    counted = AnnouncementCount.objects.order_by().values_list("kind", "sent")
    total: Counter[str] = Counter()
    for kind, count in uncounted.union(counted, all=True):
        total[kind] += count
    return total


def count_sent(*, is_stopping: Callable[[], bool] = lambda: False) -> None:
    """
    Add what is uncounted, a batch in a transaction, until ``is_stopping``. Idempotent; what another process is adding
    is left to it, and all of it to the next sweep where the database makes this one the victim of a deadlock.

    Whenever this ends, no announcement is counted twice or left out.
    """
    try:
        while not is_stopping():
            found = list(Delivery.objects.filter(UNCOUNTED).values_list("pk", flat=True)[:BATCH])
            if not found or _count(found) < BATCH:
                break
    except OperationalError as error:
        logger.warning(
            "What was announced is not added up (%s); the next sweep does that.",
            database_said(error),
            extra={"action": "count_failed"},
        )


def _count(found: Sequence[int]) -> int:
    """How many of ``found`` were added."""
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        # Not by the mark, whose index MySQL would lock together with the gaps that announcements write into.
        rows = Delivery.objects.filter(pk__in=found).select_for_update(skip_locked=skip)
        mine = [row for row in rows.values_list(*FIELDS) if row[-1]]
        add(mine)
        Delivery.objects.filter(pk__in=[pk for pk, *_ in mine]).update(uncounted=False)
    return len(mine)


FIELDS: Final = ("pk", "kind", "uncounted")
"""What :func:`add` wants to know of a delivery."""


def add(locked: Iterable[tuple[int, str, bool]]) -> None:
    """
    Add the uncounted ones of these deliveries, which are given as the statement told them that locked them: a later one
    may have an older view. The caller marks or deletes them in the same transaction.
    """
    kinds = Counter(kind for _, kind, uncounted in locked if uncounted)
    for kind, count in sorted(kinds.items()):
        this = AnnouncementCount.objects.filter(kind=kind)
        if not this.update(sent=F("sent") + count):
            # Migration 0006 makes the rows, so this is for a database that was emptied since.
            AnnouncementCount.objects.bulk_create([AnnouncementCount(kind=kind)], ignore_conflicts=True)
            this.update(sent=F("sent") + count)
