"""How far learners are, in one structure: what ``badge_report --format json`` prints."""

from __future__ import annotations

import datetime
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.db.models import Count, Q, QuerySet

from badges.conf import conf
from badges.data import RequirementSpec
from badges.engine.progress import count_groups
from badges.exceptions import BadgesError
from badges.models import (
    BadgeProgress,
    BadgeRequirement,
    BadgeTemplate,
    Delivery,
    FailedEvent,
    Fulfillment,
)
from badges.providers.registry import get_provider_class
from badges.services import counting

SIGNALS = {
    Delivery.Kind.ANNOUNCE_AWARDED: "BADGE_AWARDED",
    Delivery.Kind.ANNOUNCE_REVOKED: "BADGE_REVOKED",
}

CHUNK = 2_000
"""Rows that are fetched at a time."""


def report(username: str | None = None, template_uuid: uuid.UUID | None = None) -> dict[str, Any]:
    """
    How far learners are (:func:`standings`), and how much was announced and failed in all.

    In a fixed number of queries. Raises :class:`BadgesError` for a template that does not exist.
    """
    return {
        "learners": standings(username, template_uuid),
        "failed_events": FailedEvent.objects.count(),
        "signals": _signals(),
    }


def standings(username: str | None = None, template_uuid: uuid.UUID | None = None) -> dict[str, dict[str, Any]]:
    """
    Every learner with a progress record, by their present username, and there by template uuid; both sorted.

    Only of ``username``, only of ``template_uuid``, where given. Raises :class:`BadgesError` for a template that does
    not exist.
    """
    if template_uuid is not None and not BadgeTemplate.objects.filter(uuid=template_uuid).exists():
        raise BadgesError(f"There is no badge template {template_uuid}. Correct the uuid, or load it first.")
    progress = BadgeProgress.objects.all()
    fulfilled = Fulfillment.objects.filter(fulfilled=True)
    requirements = BadgeRequirement.objects.all()
    if username is not None:
        progress = progress.filter(user__username=username)
        fulfilled = fulfilled.filter(user__username=username)
    if template_uuid is not None:
        progress = progress.filter(template__uuid=template_uuid)
        fulfilled = fulfilled.filter(requirement__template__uuid=template_uuid)
        requirements = requirements.filter(template__uuid=template_uuid)
    learners: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, template, state in _learners(progress, fulfilled, requirements):
        learners[name][template] = state
    return {name: dict(sorted(learners[name].items())) for name in sorted(learners)}


def _learners(
    progress: QuerySet[BadgeProgress], fulfilled: QuerySet[Fulfillment], requirements: QuerySet[Any]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The username, the template's uuid and the state of every progress record."""
    specs: dict[int, list[RequirementSpec]] = defaultdict(list)
    owners: dict[int, int] = {}
    rows = requirements.order_by("pk").values_list("pk", "template_id", "key", "event_type", "group")
    for pk, template_id, key, event_type, group in rows.iterator(CHUNK):
        specs[template_id].append(RequirementSpec(pk, key, event_type, group))
        owners[pk] = template_id
    done: dict[tuple[int, int | None], set[int]] = defaultdict(set)
    for user_id, requirement_id in fulfilled.values_list("user_id", "requirement_id").iterator(CHUNK):
        # A requirement that was added since the query before has no owner here, and counts for none.
        done[user_id, owners.get(requirement_id)].add(requirement_id)
    deliveries = _deliveries(progress)
    badges = _badges(progress)
    fields = ("pk", "user_id", "user__username", "template_id", "template__uuid", "credential_id", "awarded_at")
    for pk, user_id, name, template_id, template, credential_id, awarded_at in progress.values_list(*fields).iterator(
        CHUNK
    ):
        fulfilled_ids = done.get((user_id, template_id), set())
        groups_done, groups = count_groups(specs[template_id], fulfilled_ids)
        status, state, external_id = badges.get(credential_id, (None, None, None))
        pending, failed = deliveries.get(pk, (0, 0))
        yield (
            name,
            str(template),
            {
                "fulfilled": sorted(spec.key for spec in specs[template_id] if spec.id in fulfilled_ids),
                "groups_done": groups_done,
                "groups": groups,
                "complete": 0 < groups == groups_done,
                "status": status,
                "state": state,
                "external_id": external_id,
                "pending_deliveries": pending,
                "failed_deliveries": failed,
                "awarded_at": awarded_at and iso(awarded_at),
            },
        )


def iso(moment: datetime.datetime) -> str:
    """ISO 8601 in UTC, with a ``Z``."""
    return moment.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


def _deliveries(progress: QuerySet[BadgeProgress]) -> Mapping[int, tuple[int, int]]:
    """How many deliveries are open and how many failed, by progress id; a comparison to come does not count as open."""
    is_open = Q(state__in=Delivery.OPEN, lane__in=[Delivery.Lane.ANNOUNCE, Delivery.Lane.PROVIDER])
    has_failed = Q(state=Delivery.State.FAILED)
    rows = (
        Delivery.objects.filter(is_open | has_failed, progress__in=progress.values("pk"))
        .order_by()
        .values("progress_id")
        .annotate(open=Count("pk", filter=is_open), failed=Count("pk", filter=has_failed))
    )
    return {row["progress_id"]: (row["open"], row["failed"]) for row in rows.iterator(CHUNK)}


def _badges(progress: QuerySet[BadgeProgress]) -> Mapping[int, tuple[str, str, str | None]]:
    """Our status, the provider's state and the external id of the badges, by credential id; a query a provider."""
    found: dict[int, tuple[str, str, str | None]] = {}
    for label in {get_provider_class(name).badge_model for name in conf.providers}:
        rows = apps.get_model(label).objects.filter(badge_progress__in=progress.values("pk")).order_by()
        for pk, status, state, external_id in rows.values_list("pk", "status", "state", "external_uuid").iterator(
            CHUNK
        ):
            found[pk] = (status, state, external_id and str(external_id))
    return found


def _signals() -> dict[str, int]:
    sent = counting.sent()
    return {name: sent.get(kind, 0) for kind, name in SIGNALS.items()}
