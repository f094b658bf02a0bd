"""What events change, one for each of some learners, written under the learners' locks."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from badges import clock
from badges.data import Decision
from badges.host import UserCredential
from badges.models import BadgeProgress, BadgeTemplate, Fulfillment, JournalEntry
from badges.providers.registry import get_provider_class
from badges.services.changes import STATUS, Change, journal
from badges.services.outbox import Decided, Promise, announcement, promise
from badges.services.rulebook import Rules, TemplateFacts
from badges.services.snapshot import Record


def record(changes: Sequence[Change], rules: Rules) -> list[Promise]:
    """
    Write ``changes``, of different learners: remembered times, progress, credentials, deliveries and the journal.

    A fixed number of statements whatever the number of learners, requirements and templates, but for two a badge that
    is awarded for the first time: its credential, and the provider's part of it. Rows are written in the order of the
    learners' keys, so that two processes at neighbouring rows don't deadlock.
    """
    now = clock.now()
    changes = sorted(changes, key=lambda change: change.user.pk)
    _remember(changes)
    entries = [entry for change in changes for entry in _entries(change)]
    decided = [entry for entry in entries if entry.decision is not None]
    uuids = _decide(decided, rules.facts, now)
    _save_progress([entry.progress for entry in entries])
    promises = promise(
        [
            Decided(
                progress=entry.progress,
                announcement=announcement(
                    entry.decision,
                    entry.progress.decided_at,
                    uuids[entry.key],
                    entry.user,
                    rules.facts[entry.progress.template_id],
                ),
                is_first=entry.record.decided_at is None,
                must_queue=entry.record.announcing,
            )
            for entry in decided
        ]
    )
    JournalEntry.objects.bulk_create([row for change in changes for row in journal(change, rules, now)])
    return promises


def _remember(changes: Iterable[Change]) -> None:
    """
    Move the remembered times, and keep what the events said of the learners where the records say otherwise (S8, S22).
    """
    _upsert(
        [
            Fulfillment(
                user_id=change.user.pk,
                requirement_id=each.requirement_id,
                fulfilled=each.fulfilled,
                time=change.event.time,
                event_id=change.event.id,
                email=change.learner.email if change.learner.email != change.user.email else "",
                full_name=change.learner.full_name if change.learner.full_name != (change.user.full_name or "") else "",
            )
            for change in changes
            for each in change.outcome.changes
        ],
        update=["fulfilled", "time", "event_id", "email", "full_name"],
        unique=["user", "requirement"],
    )


# --- progress and decisions ----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    """A learner's progress that has to be written, because it begins or because a badge is decided."""

    user: Any
    record: Record
    progress: BadgeProgress
    decision: Decision | None

    @property
    def key(self) -> tuple[int, int]:
        return self.user.pk, self.progress.template_id


def _entries(change: Change) -> Iterable[_Entry]:
    begun = {each.template_id for each in change.outcome.changes if each.flipped and each.fulfilled}
    for template in sorted(change.outcome.templates, key=lambda template: template.template_id):
        record = change.records[template.template_id]
        if template.decision is None and (template.template_id not in begun or record.progress_id is not None):
            continue
        progress = BadgeProgress(
            user_id=change.user.pk,
            template_id=template.template_id,
            credential_id=record.credential_id,
            awarded_at=record.awarded_at,
            decided_at=record.decided_at,
        )
        yield _Entry(change.user, record, progress, template.decision)


def _decide(
    decided: Collection[_Entry], facts: Mapping[int, TemplateFacts], now: datetime.datetime
) -> Mapping[tuple[int, int], uuid.UUID]:
    """
    Bring the credentials to the decided status and note it in the progress; the credentials' uuids by learner and
    template.
    """
    held: dict[tuple[int, int], tuple[int, uuid.UUID]] = {
        entry.key: (entry.record.credential_id, entry.record.credential_uuid)
        for entry in decided
        if entry.record.credential_id is not None and entry.record.credential_uuid is not None
    }
    held |= _kept_credentials([entry for entry in decided if entry.key not in held])
    for decision, status in STATUS.items():
        ids = [held[entry.key][0] for entry in decided if entry.decision == decision and entry.key in held]
        if ids:
            UserCredential.objects.filter(pk__in=ids).update(status=status, modified=now)
    uuids = {}
    for entry in decided:
        row = entry.progress
        row.decided_at = decision_time(now, row.decided_at)
        if entry.decision == "award":
            row.awarded_at = row.decided_at
        row.credential_id, uuids[entry.key] = held.get(entry.key) or _new_credential(
            entry.user, row.template_id, facts[row.template_id]
        )
    return uuids


def decision_time(now: datetime.datetime, previous: datetime.datetime | None) -> datetime.datetime:
    """The time of a decision: now, but always later than the previous one, even when the clock stepped back (S21)."""
    return now if previous is None else max(now, previous + datetime.timedelta(microseconds=1))


def _kept_credentials(entries: Sequence[_Entry]) -> dict[tuple[int, int], tuple[int, uuid.UUID]]:
    """
    Credentials without progress, by learner and template: of learners whose records were deleted and came back under
    the same usernames, which is what the service's credentials are keyed by.
    """
    if not entries:
        return {}
    rows = UserCredential.objects.filter(
        username__in={entry.user.username for entry in entries},
        credential_content_type=_content_type(),
        credential_id__in={entry.progress.template_id for entry in entries},
    ).values_list("username", "credential_id", "pk", "uuid")
    found = {(username, template_id): (pk, uuid_) for username, template_id, pk, uuid_ in rows}
    # To some databases "u77" is "U77". Those of a single learner are that learner's, whatever the database compares.
    found = {(username.casefold(), template_id): held for (username, template_id), held in found.items()} | found
    if len({entry.user.pk for entry in entries}) == 1:
        found |= {(entries[0].user.username, template_id): held for (_, template_id), held in found.items()}
    kept = {}
    for entry in entries:
        name, template_id = entry.user.username, entry.progress.template_id
        held = found.get((name, template_id)) or found.get((name.casefold(), template_id))
        if held is not None:
            kept[entry.key] = held
    return kept


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
        stored = {
            (user_id, template_id): pk
            for user_id, template_id, pk in BadgeProgress.objects.filter(
                user__in={row.user_id for row in rows}, template__in={row.template_id for row in rows}
            ).values_list("user_id", "template_id", "pk")
        }
        for row in rows:
            row.pk = stored[row.user_id, row.template_id]


def _upsert(rows: list[Any], *, update: list[str], unique: list[str]) -> None:
    if rows:
        # MySQL and MariaDB take the unique key from the table and refuse to be told.
        told = unique if connection.features.supports_update_conflicts_with_target else None
        type(rows[0]).objects.bulk_create(rows, update_conflicts=True, update_fields=update, unique_fields=told)
