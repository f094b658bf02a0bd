"""What one event changes for one learner, and how the journal tells it."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from badges.data import Decision, Event, Learner, Outcome, Status
from badges.engine.rulebook import Match
from badges.models import JournalEntry
from badges.services.rulebook import Rules
from badges.services.snapshot import Record

STATUS: Mapping[Decision, Status] = {"award": "awarded", "revoke": "revoked"}


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """
    What one event changes for the learner whose record is ``user``; ``records`` is what was there, by template id.
    """

    event: Event
    learner: Learner
    user: Any
    match: Match
    outcome: Outcome
    records: Mapping[int, Record]


def journal(change: Change, rules: Rules, now: datetime.datetime) -> Iterator[JournalEntry]:
    """The entries for ``change``, unsaved, in the order in which it came about."""
    common = {
        "user_id": change.user.pk,
        "event_id": change.event.id,
        "event_type": change.event.type,
        "event_time": change.event.time,
        "created": now,
    }
    for each in change.outcome.changes:
        if each.flipped:
            yield JournalEntry(
                template_id=each.template_id,
                kind=JournalEntry.Kind.FULFILLED if each.fulfilled else JournalEntry.Kind.RESET,
                subject=rules.book.requirement(each.requirement_id).key,
                penalty=rules.book.penalty(each.penalty_id).key if each.penalty_id is not None else "",
                saw=change.match.saw(each.requirement_id, each.penalty_id),
                **common,
            )
    for template in change.outcome.templates:
        if template.decision is not None:
            yield JournalEntry(template_id=template.template_id, kind=STATUS[template.decision], **common)
