"""What is recorded of one learner and some templates, read under the learner's lock."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Collection, Mapping

from django.db.models import Exists, FilteredRelation, OuterRef, Q

from badges.data import RequirementState, TemplateState
from badges.models import BadgeRequirement, Delivery


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


def read(user_id: int, template_ids: Collection[int]) -> tuple[Mapping[int, Record], frozenset[int]]:
    """
    The records by template id, and the ids of all requirements that these templates have at this moment; one query.

    It starts from the requirements, because a learner may have no row at all.
    """
    rows = (
        BadgeRequirement.objects.filter(template__in=list(template_ids))
        .annotate(
            mine=FilteredRelation("fulfillments", condition=Q(fulfillments__user=user_id)),
            way=FilteredRelation("template__progress", condition=Q(template__progress__user=user_id)),
            announcing=Exists(
                Delivery.objects.filter(
                    progress=OuterRef("way__pk"), lane=Delivery.Lane.ANNOUNCE, state__in=Delivery.OPEN
                )
            ),
        )
        .order_by("id")
        .values_list(
            "id",
            "template_id",
            "mine__time",
            "mine__fulfilled",
            "way__pk",
            "way__credential_id",
            "way__credential__uuid",
            "way__credential__status",
            "way__held_back",
            "way__awarded_at",
            "way__decided_at",
            "announcing",
        )
    )
    records: dict[int, Record] = {}
    existing = set()
    for (
        pk,
        template_id,
        time,
        fulfilled,
        progress_id,
        credential_id,
        uuid_,
        status,
        held,
        awarded,
        decided,
        open_,
    ) in rows:
        existing.add(pk)
        record = records.get(template_id)
        if record is None:
            state = TemplateState({}, status, bool(held))
            record = Record(state, progress_id, credential_id, uuid_, awarded, decided, open_)
            records[template_id] = record
        if time is not None:
            record.state.requirements[pk] = RequirementState(time, fulfilled)  # type: ignore[index]
    return records, frozenset(existing)
