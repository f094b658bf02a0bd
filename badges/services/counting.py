"""
How many announcements were sent in all, told without counting them all.

An announcement that was sent is ``uncounted`` until it is added to :class:`AnnouncementCount`, together with others,
by a sweep or by the purge that deletes it. So at any moment the number is what was added plus what is uncounted, and
announcing writes no more than its own row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet

from badges.models import AnnouncementCount, Delivery

UNCOUNTED = Q(uncounted__in=[True])
"""Not ``uncounted=True``: for a mere truth value no index is used on SQLite."""

BATCH = 1_000
"""Announcements that are added in one transaction."""


def sent() -> Mapping[str, int]:
    """How many announcements of each kind were sent. One query, so that none counts twice that is added meanwhile."""
    uncounted = Delivery.objects.filter(UNCOUNTED).order_by().values_list("kind").annotate(Count("pk"))
    counted = AnnouncementCount.objects.order_by().values_list("kind", "sent")
    total: Counter[str] = Counter()
    for kind, count in uncounted.union(counted, all=True):
        total[kind] += count
    return total


def count_sent() -> None:
    """
    Add what is uncounted, a batch in a transaction. Idempotent; what another process is adding is left to it.

    Whenever this ends, no announcement is counted twice or left out.
    """
    skip = connection.features.has_select_for_update_skip_locked
    while found := list(Delivery.objects.filter(UNCOUNTED).values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            # By the primary key alone, so that MySQL locks these rows and nothing beside them.
            locked = Delivery.objects.filter(pk__in=found).select_for_update(skip_locked=skip)
            mine = [pk for pk, uncounted in locked.values_list("pk", "uncounted") if uncounted]
            add(Delivery.objects.filter(pk__in=mine))
            Delivery.objects.filter(pk__in=mine).update(uncounted=False)
        if len(mine) < BATCH:
            break


def add(deliveries: QuerySet[Delivery]) -> None:
    """Add those of ``deliveries`` that are uncounted; the caller holds their locks, and marks or deletes them."""
    kinds = Counter(kind for kind, uncounted in deliveries.values_list("kind", "uncounted") if uncounted)
    for kind, count in sorted(kinds.items()):
        this = AnnouncementCount.objects.filter(kind=kind)
        if not this.update(sent=F("sent") + count):
            # Of two that add the first of a kind at once, each makes the row or finds it.
            AnnouncementCount.objects.bulk_create([AnnouncementCount(kind=kind)], ignore_conflicts=True)
            this.update(sent=F("sent") + count)
