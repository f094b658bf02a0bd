"""What is recorded of a learner and a badge template, put together."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.contrib.auth import get_user_model

from badges.data import Event, RuleSpec, TemplateSpec
from badges.engine.disclosure import PERSONAL, is_personal
from badges.engine.progress import groups_of
from badges.exceptions import BadgesError
from badges.models import (
    BadgePenalty,
    BadgeProgress,
    BadgeRequirement,
    BadgeTemplate,
    Delivery,
    Fulfillment,
    JournalEntry,
)
from badges.services.explaining.events import Case, judge
from badges.services.explaining.model import (
    DeliveryLine,
    Explanation,
    GroupStanding,
    JournalLine,
    PenaltyTerms,
    RequirementStanding,
)
from badges.services.reporting import iso, standings
from badges.services.rulebook import template_specs


def explain(username: str, template_uuid: uuid.UUID, events: Iterable[Event] = ()) -> Explanation:
    """
    What the learner has done for the badge, what is missing, and why each of ``events`` does or does not count.

    Somebody who is not known here has done nothing. Raises :class:`BadgesError` for a template that does not exist.
    """
    template = BadgeTemplate.objects.filter(uuid=template_uuid).first()
    if template is None:
        raise BadgesError(f"There is no badge template {template_uuid}. Correct the uuid, or load it first.")
    [spec] = template_specs(BadgeTemplate.objects.filter(pk=template.pk))
    user = get_user_model()._default_manager.filter(username=username).first()
    progress = BadgeProgress.objects.filter(user=user, template=template).first() if user else None
    remembered = (
        {
            row.requirement_id: row
            for row in Fulfillment.objects.filter(user=user, requirement__template=template).order_by()
        }
        if user
        else {}
    )
    journal = list(JournalEntry.objects.filter(user=user, template=template).order_by("pk")) if user else []
    standing = standings(user.username, template.uuid).get(user.username, {}) if user else {}
    own = standing.get(str(template.uuid), {})
    groups = tuple(_groups(spec, remembered))
    case = Case(username, user, template, spec, progress, own.get("status"), remembered, journal)
    return Explanation(
        username=username,
        template=str(template.uuid),
        template_name=template.name,
        groups_done=sum(group.done for group in groups),
        groups_in_all=len(groups),
        complete=0 < len(groups) == sum(group.done for group in groups),
        status=own.get("status"),
        state=own.get("state"),
        external_id=own.get("external_id"),
        awarded_at=own.get("awarded_at"),
        notes=tuple(_notes(case, groups)),
        groups=groups,
        penalties=tuple(_penalties(spec)),
        journal=tuple(map(_journal_line, journal)),
        deliveries=tuple(map(_delivery_line, progress.deliveries.order_by("pk"))) if progress else (),
        events=tuple(judge(case, events)),
    )


def _groups(spec: TemplateSpec, remembered: Mapping[int, Fulfillment]) -> Iterator[GroupStanding]:
    descriptions = dict(BadgeRequirement.objects.filter(template=spec.id).values_list("pk", "description"))
    requirements = {requirement.id: requirement for requirement in spec.requirements}
    for ids in groups_of(spec.requirements):
        alternatives = [
            RequirementStanding(
                key=requirements[pk].key,
                description=descriptions.get(pk, ""),
                event_type=requirements[pk].event_type,
                rules=in_words(requirements[pk].rules),
                **_recorded(remembered.get(pk)),
            )
            for pk in ids
        ]
        is_done = any(requirement.fulfilled for requirement in alternatives)
        yield GroupStanding(requirements[ids[0]].group, is_done, tuple(alternatives))


def _recorded(row: Fulfillment | None) -> dict[str, Any]:
    return {} if row is None else {"fulfilled": row.fulfilled, "time": iso(row.time), "event_id": row.event_id}


def _penalties(spec: TemplateSpec) -> Iterator[PenaltyTerms]:
    descriptions = dict(BadgePenalty.objects.filter(template=spec.id).values_list("pk", "description"))
    keys = {requirement.id: requirement.key for requirement in spec.requirements}
    for penalty in spec.penalties:
        yield PenaltyTerms(
            key=penalty.key,
            description=descriptions.get(penalty.id, ""),
            event_type=penalty.event_type,
            rules=in_words(penalty.rules),
            resets=tuple(keys[pk] for pk in penalty.requirement_ids if pk in keys),
        )


def in_words(rules: Iterable[RuleSpec]) -> tuple[str, ...]:
    """Rules as they are configured, without personal data: ``course.course_key eq "course-v1:edX+A+1"``."""
    return tuple(_in_words(rule) for rule in rules)


def _in_words(rule: RuleSpec) -> str:
    value = PERSONAL if is_personal(rule.path) else f'"{rule.value}"'
    return f"{rule.path} {rule.operator} {value}"


def _notes(case: Case, groups: tuple[GroupStanding, ...]) -> Iterator[str]:
    """What somebody who wonders why nothing happens has to know."""
    template, progress = case.template, case.progress
    if case.user is None:
        yield "No learner of this username is known here; nothing has been recorded."
    elif progress is None:
        yield "The learner has not fulfilled anything of this template yet."
    if not template.is_active:
        yield "The template is switched off: events do not count for it, badges stay."
    if template.state != BadgeTemplate.State.ACTIVE:
        yield f"The template is {template.state} at the provider: events do not count for it, badges stay."
    if not groups:
        yield "The template has no requirements, so it is never complete."
    if progress is None:
        return
    if progress.held_back:
        yield "A person revoked the badge by hand: no event awards it again until a person lifts that."
    elif case.status == "revoked" and not template.allow_reaward:
        yield "The badge was revoked, and this template does not award it again."
    elif case.status != "awarded" and groups and all(group.done for group in groups):
        yield "Everything is done, by a change of the template: the learner's next event that applies awards the badge."


def _journal_line(entry: JournalEntry) -> JournalLine:
    return JournalLine(
        when=iso(entry.created),
        what=_what_happened(entry),
        event_id=entry.event_id,
        event_type=entry.event_type,
        event_time=iso(entry.event_time) if entry.event_time else "",
        saw=tuple(entry.saw),
    )


def _what_happened(entry: JournalEntry) -> str:
    parts = [str(entry.get_kind_display())]
    if entry.subject:
        parts.append(entry.subject)
    if entry.penalty:
        parts.append(f"by penalty {entry.penalty}")
    return " ".join(parts) + (f" ({entry.detail})" if entry.detail else "")


def _delivery_line(delivery: Delivery) -> DeliveryLine:
    waits = delivery.state == Delivery.State.PENDING
    return DeliveryLine(
        kind=delivery.kind,
        decided_at=iso(delivery.decided_at),
        state=delivery.state,
        attempts=delivery.attempts,
        next_attempt=iso(delivery.next_attempt_at) if waits else "",
        error=delivery.error,
    )
