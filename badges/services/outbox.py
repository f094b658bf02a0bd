"""
Decisions become rows: what has yet to be announced and delivered, written in the transaction that decided it (S20).
"""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Case, Q, Value, When

from badges import clock
from badges.clock import DatabaseNow
from badges.conf import conf
from badges.data import Announcement, Decision, Learner
from badges.models import BadgeProgress, BadgeTemplate, Delivery
from badges.services.rulebook import TemplateFacts

ANNOUNCE = {"award": Delivery.Kind.ANNOUNCE_AWARDED, "revoke": Delivery.Kind.ANNOUNCE_REVOKED}
PROVIDE = {"award": Delivery.Kind.ISSUE, "revoke": Delivery.Kind.REVOKE}


def announcement(
    decision: Decision | None,
    time: datetime.datetime | None,
    credential_uuid: uuid.UUID,
    user: Any,
    template: BadgeTemplate | TemplateFacts,
) -> Announcement:
    """What is announced of a decision that was made at ``time`` about the badge of ``user``, a user record."""
    assert decision is not None and time is not None
    return Announcement(
        decision=decision,
        time=time,
        credential_uuid=credential_uuid,
        learner=Learner(user.lms_user_id, user.username, user.email, user.get_full_name(), user.is_active),
        template_uuid=template.uuid,
        origin=template.provider,
        template_name=template.name,
        template_description=template.description,
        image_url=template.image_url,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Decided:
    """
    One decision for one badge.

    ``is_first`` says that the badge has no earlier deliveries, ``must_queue`` that an earlier announcement of it has
    not arrived yet.
    """

    progress: BadgeProgress
    announcement: Announcement
    is_first: bool
    must_queue: bool

    @property
    def decision(self) -> Decision:
        return self.announcement.decision


@dataclasses.dataclass(frozen=True, slots=True)
class Promise:
    """
    What has to happen after the commit for one decision; it is a row already, so a crash loses nothing.

    ``claim`` is the right to the announcement's first attempt, None when it has to queue up behind an earlier one;
    after ``deadline``, on the monotonic clock, somebody else may have it.
    """

    announcement: Announcement
    announcement_id: int
    claim: uuid.UUID | None
    deadline: float
    provider_id: int
    user_id: int
    template_id: int


def promise(decisions: Sequence[Decided]) -> list[Promise]:
    """
    Write the deliveries of ``decisions``, in one statement, and take back what they make pointless (S24, S32).

    The first attempt at an announcement belongs to the deciding process: its row is born claimed, which saves the two
    queries of a claim and, should the process die, expires like any other lease.
    """
    if not decisions:
        return []
    _take_back([decided for decided in decisions if not decided.is_first])
    rows: list[Delivery] = []
    deadline = clock.monotonic() + conf.announce_lease
    for decided in decisions:
        claim = None if decided.must_queue else uuid.uuid4()
        announce = Delivery(
            progress_id=decided.progress.pk,
            lane=Delivery.Lane.ANNOUNCE,
            kind=ANNOUNCE[decided.decision],
            decided_at=decided.announcement.time,
            next_attempt_at=DatabaseNow(),
        )
        if claim is not None:
            announce.state = Delivery.State.CLAIMED
            announce.claim = claim
            announce.attempts = 1
            announce.lease_expires_at = DatabaseNow() + datetime.timedelta(seconds=conf.announce_lease)
        provide = Delivery(
            progress_id=decided.progress.pk,
            lane=Delivery.Lane.PROVIDER,
            kind=PROVIDE[decided.decision],
            decided_at=decided.announcement.time,
            next_attempt_at=DatabaseNow(),
        )
        rows += [announce, provide]
    claims = [row.claim for row in rows[::2]]
    ids = _insert(rows)
    return [
        Promise(
            announcement=decided.announcement,
            announcement_id=ids[2 * n],
            claim=claims[n],
            deadline=deadline,
            provider_id=ids[2 * n + 1],
            user_id=decided.progress.user_id,
            template_id=decided.progress.template_id,
        )
        for n, decided in enumerate(decisions)
    ]


def _take_back(decisions: Iterable[Decided]) -> None:
    """
    An issue that nobody may have begun is cancelled by a revocation; a failed delivery is superseded by any newer one.

    Conditional on what the row says now: a worker that claims it at this moment is either seen or comes too late.
    """
    pointless = Q()
    for decided in decisions:
        lane = Q(progress=decided.progress.pk, lane=Delivery.Lane.PROVIDER)
        which = Q(state=Delivery.State.FAILED)
        if decided.decision == "revoke":
            which |= Q(state=Delivery.State.PENDING, kind=Delivery.Kind.ISSUE, unsettled=False)
        pointless |= lane & which
    if pointless:
        Delivery.objects.filter(pointless).update(
            state=Case(
                When(state=Delivery.State.FAILED, then=Value(Delivery.State.SUPERSEDED)),
                default=Value(Delivery.State.CANCELLED),
            ),
            finished_at=DatabaseNow(),
        )


def _insert(rows: list[Delivery]) -> list[int]:
    """The ids of ``rows``, inserted; MySQL does not return them, so there they are read back."""
    Delivery.objects.bulk_create(rows)
    if all(row.pk is not None for row in rows):
        return [row.pk for row in rows]
    stored = {
        (progress_id, kind, decided_at): pk
        for pk, progress_id, kind, decided_at in Delivery.objects.filter(
            progress__in={row.progress_id for row in rows}, decided_at__in={row.decided_at for row in rows}
        ).values_list("pk", "progress_id", "kind", "decided_at")
    }
    return [stored[row.progress_id, row.kind, row.decided_at] for row in rows]
