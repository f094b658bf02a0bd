"""What an event changes for one learner, written under the learner's lock."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from badges import clock
from badges.data import Decision, Event, Learner, Outcome, Status, TemplateOutcome
from badges.engine.rulebook import Match
from badges.host import UserCredential
from badges.models import BadgeProgress, BadgeTemplate, Fulfillment, JournalEntry
from badges.providers.registry import get_provider_class
from badges.services.outbox import Decided, Promise, announcement, promise
from badges.services.rulebook import Rules, TemplateFacts
from badges.services.snapshot import Record

STATUS: Mapping[Decision, Status] = {"award": "awarded", "revoke": "revoked"}


def record(
    event: Event,
    learner: Learner,
    user: Any,
    rules: Rules,
    match: Match,
    outcome: Outcome,
    records: Mapping[int, Record],
) -> list[Promise]:
    """
    Write ``outcome``: the remembered times, progress, credentials, deliveries and the journal.

    A fixed number of statements whatever the number of requirements and templates, but for two a badge that is awarded
    for the first time: its credential, and the provider's part of it.
    """
    now = clock.now()
    _remember(event, learner, user, outcome)
    decided = [template for template in outcome.templates if template.decision is not None]
    begun = {change.template_id for change in outcome.changes if change.flipped and change.fulfilled}
    begun = {template_id for template_id in begun if records[template_id].progress_id is None}
    progress = {
        template_id: _progress(user, template_id, records[template_id])
        for template_id in sorted(begun | {template.template_id for template in decided})
    }
    uuids = _decide(decided, progress, records, user, rules.facts, now)
    _save_progress(list(progress.values()))
    promises = promise(
        [
            Decided(
                progress=progress[template.template_id],
                announcement=announcement(
                    template.decision,
                    progress[template.template_id].decided_at,
                    uuids[template.template_id],
                    user,
                    rules.facts[template.template_id],
                ),
                is_first=records[template.template_id].decided_at is None,
                must_queue=records[template.template_id].announcing,
            )
            for template in decided
        ]
    )
    _write_journal(event, user, rules, match, outcome, now)
    return promises


def _remember(event: Event, learner: Learner, user: Any, outcome: Outcome) -> None:
    """
    Move the remembered times, and keep what the event said of the learner where the record says otherwise (S8, S22).
    """
    email = learner.email if learner.email != user.email else ""
    full_name = learner.full_name if learner.full_name != (user.full_name or "") else ""
    _upsert(
        [
            Fulfillment(
                user_id=user.pk,
                requirement_id=change.requirement_id,
                fulfilled=change.fulfilled,
                time=event.time,
                event_id=event.id,
                email=email,
                full_name=full_name,
            )
            for change in outcome.changes
        ],
        update=["fulfilled", "time", "event_id", "email", "full_name"],
        unique=["user", "requirement"],
    )


def _progress(user: Any, template_id: int, record: Record) -> BadgeProgress:
    return BadgeProgress(
        user_id=user.pk,
        template_id=template_id,
        credential_id=record.credential_id,
        awarded_at=record.awarded_at,
        decided_at=record.decided_at,
    )


def _decide(
    decided: Collection[TemplateOutcome],
    progress: Mapping[int, BadgeProgress],
    records: Mapping[int, Record],
    user: Any,
    facts: Mapping[int, TemplateFacts],
    now: datetime.datetime,
) -> Mapping[int, uuid.UUID]:
    """
    Bring the credentials to the decided status and note it in ``progress``; the credentials' uuids by template id.
    """
    held: dict[int, tuple[int, uuid.UUID]] = {
        template.template_id: (record.credential_id, record.credential_uuid)
        for template in decided
        if (record := records[template.template_id]).credential_id is not None and record.credential_uuid is not None
    }
    held |= _kept_credentials(user, {template.template_id for template in decided} - held.keys())
    for decision, status in STATUS.items():
        ids = [held[t.template_id][0] for t in decided if t.decision == decision and t.template_id in held]
        if ids:
            UserCredential.objects.filter(pk__in=ids).update(status=status, modified=now)
    uuids = {}
    for template in decided:
        row = progress[template.template_id]
        row.decided_at = decision_time(now, row.decided_at)
        if template.decision == "award":
            row.awarded_at = row.decided_at
        row.credential_id, uuids[template.template_id] = held.get(template.template_id) or _new_credential(
            user, template.template_id, facts[template.template_id]
        )
    return uuids


def decision_time(now: datetime.datetime, previous: datetime.datetime | None) -> datetime.datetime:
    """The time of a decision: now, but always later than the previous one, even when the clock stepped back (S21)."""
    return now if previous is None else max(now, previous + datetime.timedelta(microseconds=1))


def _kept_credentials(user: Any, template_ids: Collection[int]) -> dict[int, tuple[int, uuid.UUID]]:
    """
    Credentials without progress, by template id: of a learner whose record was deleted and came back under the same
    username, which is what the service's credentials are keyed by.
    """
    if not template_ids:
        return {}
    rows = UserCredential.objects.filter(
        username=user.username, credential_content_type=_content_type(), credential_id__in=template_ids
    )
    return {template_id: (pk, uuid_) for template_id, pk, uuid_ in rows.values_list("credential_id", "pk", "uuid")}


def _new_credential(user: Any, template_id: int, facts: TemplateFacts) -> tuple[int, uuid.UUID]:
    badge_model = apps.get_model(get_provider_class(facts.provider).badge_model)
    badge = badge_model(
        username=user.username,
        credential_content_type=_content_type(),
        credential_id=template_id,
        status=UserCredential.AWARDED,
    )
    badge.save(force_insert=True)
    return badge.pk, badge.uuid


def _content_type() -> ContentType:
    return ContentType.objects.get_for_model(BadgeTemplate)


def _save_progress(rows: list[BadgeProgress]) -> None:
    _upsert(rows, update=["credential", "awarded_at", "decided_at"], unique=["user", "template"])
    if any(row.pk is None for row in rows):  # MySQL does not return the ids of an INSERT of several rows
        stored = dict(
            BadgeProgress.objects.filter(
                user=rows[0].user_id, template__in=[row.template_id for row in rows]
            ).values_list("template_id", "pk")
        )
        for row in rows:
            row.pk = stored[row.template_id]


def _upsert(rows: list[Any], *, update: list[str], unique: list[str]) -> None:
    if rows:
        # MySQL and MariaDB take the unique key from the table and refuse to be told.
        told = unique if connection.features.supports_update_conflicts_with_target else None
        type(rows[0]).objects.bulk_create(rows, update_conflicts=True, update_fields=update, unique_fields=told)


def _write_journal(
    event: Event, user: Any, rules: Rules, match: Match, outcome: Outcome, now: datetime.datetime
) -> None:
    common = {
        "user_id": user.pk,
        "event_id": event.id,
        "event_type": event.type,
        "event_time": event.time,
        "created": now,
    }
    entries = [
        JournalEntry(
            template_id=change.template_id,
            kind=JournalEntry.Kind.FULFILLED if change.fulfilled else JournalEntry.Kind.RESET,
            subject=rules.book.requirement(change.requirement_id).key,
            penalty=rules.book.penalty(change.penalty_id).key if change.penalty_id is not None else "",
            saw=match.saw(change.requirement_id, change.penalty_id),
            **common,
        )
        for change in outcome.changes
        if change.flipped
    ]
    entries += [
        JournalEntry(template_id=template.template_id, kind=STATUS[template.decision], **common)
        for template in outcome.templates
        if template.decision is not None
    ]
    if entries:
        JournalEntry.objects.bulk_create(entries)
