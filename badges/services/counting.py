"""
How many announcements were sent in all, told without counting them all.

An announcement that was sent is ``uncounted`` until it is added to :class:`AnnouncementCount`, together with others,
by a sweep or by the purge that deletes it. So at any moment the number is what was added plus what is uncounted, and
announcing writes no more than its own row. A learner whom the service deletes takes along what is uncounted still.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from django.db import OperationalError, transaction
from django.db.models import Count, F, Q

from badges.exceptions import database_said
from badges.models import AnnouncementCount, Delivery

logger = logging.getLogger(__name__)

UNCOUNTED = Q(uncounted__in=[True])
"""Not ``uncounted=True``: for a mere truth value no index is used on SQLite."""

BATCH = 100
"""Announcements that are added in one transaction."""


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
    Add what is uncounted, a batch in a transaction, until ``is_stopping``. Idempotent, also where several do it; where
    the database makes this one the victim of a deadlock, it is left to the next sweep.

    Whenever this ends, no announcement is counted twice or left out.
    """
    try:
        while not is_stopping():
            found = list(Delivery.objects.filter(UNCOUNTED).values_list(*FIELDS)[:BATCH])
            _count(found)
            if len(found) < BATCH:
                break
    except OperationalError as error:
        logger.warning(
            "What was announced is not added up (%s); the next sweep does that.",
            database_said(error),
            extra={"action": "count_failed"},
        )


def _count(found: Collection[tuple[int, str, bool]]) -> None:
    if not found:
        return
    with transaction.atomic():
        # One by one and in order: asked for several rows MySQL may look at all there are, and where reads are
        # repeatable it locks what it looks at.
        marked = Delivery.objects.filter(UNCOUNTED)
        add([row for row in sorted(found) if marked.filter(pk=row[0]).update(uncounted=False)])


FIELDS: Final = ("pk", "kind", "uncounted")
"""What :func:`add` wants to know of a delivery."""


def add(locked: Iterable[tuple[int, str, bool]]) -> None:
    """
    Add the uncounted ones of these deliveries, whose locks the caller has, and which it marks or deletes in the same
    transaction. They are given as the statement told them that locked them: a later one may have an older view.
    """
    kinds = Counter(kind for _, kind, uncounted in locked if uncounted)
    for kind, count in sorted(kinds.items()):
        this = AnnouncementCount.objects.filter(kind=kind)
        if not this.update(sent=F("sent") + count):
            # Migration 0006 makes the rows, so this is for a database that was emptied since.
            AnnouncementCount.objects.bulk_create([AnnouncementCount(kind=kind)], ignore_conflicts=True)
            this.update(sent=F("sent") + count)
