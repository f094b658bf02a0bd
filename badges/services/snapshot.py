"""What is recorded of some learners and templates, read under the learners' locks."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import (
    BooleanField,
    CharField,
    DateTimeField,
    Exists,
    Field,
    IntegerField,
    OuterRef,
    UUIDField,
    Value,
)

from badges.data import RequirementState, TemplateSpec, TemplateState
from badges.models import BadgeProgress, Delivery, Fulfillment


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """
    One learner's rows for one template, beside what the engine needs of them.

    ``announcing`` is True while an earlier announcement has not arrived yet, so that a new one has to queue up (S32).
    """

    state: TemplateState
    progress_id: int | None = None
    credential_id: int | None = None
    credential_uuid: uuid.UUID | None = None
    awarded_at: datetime.datetime | None = None
    decided_at: datetime.datetime | None = None
    announcing: bool = False


Snapshot = Mapping[int, Mapping[int, Record]]
"""Records by user id and template id; of what is not recorded there is an empty one."""


def read(user_ids: Collection[int], templates: Mapping[int, TemplateSpec]) -> Snapshot:
    """
    The records of these learners and templates, by id; one query, whatever their number.

    It is two tables below each other, because a learner may have a row in one of them and none in the other. Which
    requirement is whose is taken from ``templates``: of one that has just moved to another template the time is read
    all the same, and does not go back.
    """
    owners = {
        requirement.id: template_id for template_id, spec in templates.items() for requirement in spec.requirements
    }
    times = Fulfillment.objects.filter(user__in=user_ids, requirement__in=owners).values_list(
        "user_id",
        _nothing(IntegerField()),
        "requirement_id",
        "time",
        "fulfilled",
        *(_nothing(field) for field in PROGRESS.values()),
    )
    progress = (
        BadgeProgress.objects.filter(user__in=user_ids, template__in=templates)
        .annotate(
            announcing=Exists(
                Delivery.objects.filter(progress=OuterRef("pk"), lane=Delivery.Lane.ANNOUNCE, state__in=Delivery.OPEN)
            )
        )
        .values_list(
            "user_id",
            "template_id",
            _nothing(IntegerField()),
            _nothing(DateTimeField()),
            _nothing(BooleanField()),
            *PROGRESS,
        )
    )
    requirements: dict[tuple[int, int], dict[int, RequirementState]] = defaultdict(dict)
    stored: dict[tuple[int, int], tuple[Any, ...]] = {}
    for user_id, template_id, requirement_id, time, fulfilled, *rest in times.union(progress, all=True):
        if requirement_id is not None:
            requirements[user_id, owners[requirement_id]][requirement_id] = RequirementState(time, fulfilled)
        else:
            stored[user_id, template_id] = tuple(rest)
    return {
        user_id: {
            template_id: _record(requirements[user_id, template_id], stored.get((user_id, template_id)))
            for template_id in templates
        }
        for user_id in user_ids
    }


PROGRESS: Mapping[str, Field[Any, Any]] = {
    "pk": IntegerField(),
    "credential_id": IntegerField(),
    "credential__uuid": UUIDField(),
    "credential__status": CharField(),
    "held_back": BooleanField(),
    "awarded_at": DateTimeField(),
    "decided_at": DateTimeField(),
    "announcing": BooleanField(),
}
"""What is read of a learner's progress, and its kinds."""


def _nothing(kind: Field[Any, Any]) -> Any:
    """In the place of a column that the other table has."""
    return Value(None, output_field=kind)


def _record(requirements: Mapping[int, RequirementState], stored: tuple[Any, ...] | None) -> Record:
    if stored is None:
        return Record(TemplateState(requirements))
    progress_id, credential_id, uuid_, status, held_back, awarded_at, decided_at, announcing = stored
    state = TemplateState(requirements, status, bool(held_back))
    return Record(state, progress_id, credential_id, uuid_, awarded_at, decided_at, bool(announcing))
