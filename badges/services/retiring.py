"""
Forgetting a learner: what the platform's retirement asks of this app.

Erased is what identifies a person in our own tables. The user record and the service's credential belong to the
Credentials service, which retires them itself; the badge at the provider can be revoked.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import Q

from badges.clock import DatabaseNow
from badges.data import Learner
from badges.eventbus.jsonlines import from_line
from badges.eventbus.learners import find_learner
from badges.exceptions import BadgesError
from badges.host import UserCredential
from badges.models import BadgeProgress, CredlyBadge, Delivery, FailedEvent, Fulfillment, JournalEntry
from badges.services.manual import revoke_locked
from badges.services.outbox import Promise


class UnknownLearner(BadgesError):
    """Nothing is known here of such a learner."""


@dataclasses.dataclass(frozen=True, slots=True)
class RetireReport:
    """
    What was done, by number of rows; a second run of the same does nothing and says 0, but for ``under_way``.

    ``under_way``: deliveries to the provider that are still open, because a worker has them or a revocation is
    due. Their outcome is written to the journal under the learner, and a badge keeps its learner id until they are
    done: run it again then.
    """

    contacts: int = 0
    failed_events: int = 0
    cancelled: int = 0
    revoked: int = 0
    journal: int = 0
    earner_ids: int = 0
    under_way: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Retired:
    """The report, and what has to happen after the commit."""

    report: RetireReport
    promises: tuple[Promise, ...] = ()


def retire(username: str = "", lms_user_id: int | None = None, *, revoke_badges: bool = False) -> Retired:
    """
    Forget the learner with that username or LMS user id, all or nothing; with ``revoke_badges`` take the badges back.

    Every record with the learner's LMS user id is theirs (S3). Issues that have not been sent are cancelled. A badge
    that is revoked here is held back (S25), so no late event awards it again.

    Raises :class:`UnknownLearner` when neither a record nor a failed event is of that learner, and
    :class:`BadgesError` when it was not told who.
    """
    if not username and lms_user_id is None:
        raise BadgesError("Tell who is to be retired: a username or an LMS user id.")
    users = _records(username, lms_user_id)
    events = _failed_events(
        {username, *(user.username for user in users)} - {""},
        {lms_user_id, *(user.lms_user_id for user in users)} - {None},
    )
    if not users and not events:
        raise UnknownLearner(
            "Nothing is known here of such a learner: there is no user record, and no failed event of theirs. "
            "Correct the username or the LMS user id."
        )
    return _retire([user.pk for user in users], events, revoke_badges=revoke_badges)


def _records(username: str, lms_user_id: int | None) -> list[Any]:
    """The learner's user records; one that is found by its username may lead to others of the same person."""
    users = get_user_model()._default_manager
    found = list(users.filter(username=username)) if username else []
    ids = {user.lms_user_id for user in found} | {lms_user_id}
    return list(users.filter(Q(pk__in=[user.pk for user in found]) | Q(lms_user_id__in=ids - {None})))


def _retire(user_ids: Collection[int], failed_event_ids: Collection[int], *, revoke_badges: bool) -> Retired:
    with transaction.atomic(durable=True):
        no_key = connection.features.has_select_for_no_key_update
        records = get_user_model()._default_manager.select_for_update(no_key=no_key)
        users = {user.pk: user for user in records.filter(pk__in=user_ids).order_by("pk")}
        promises = _revoke(users) if revoke_badges else []
        cancelled = _cancel(users)
        contacts = Fulfillment.objects.filter(user__in=users).exclude(email="", full_name="")
        failed_events = FailedEvent.objects.filter(pk__in=failed_event_ids)
        report = RetireReport(
            contacts=contacts.update(email="", full_name=""),
            failed_events=failed_events.delete()[0],
            cancelled=cancelled,
            revoked=len(promises),
            journal=JournalEntry.objects.filter(user__in=users).update(user=None),
            earner_ids=_erase_earner_ids(users.values()),
            under_way=_open(users).count(),
        )
    return Retired(report, tuple(promises))


def _revoke(users: dict[int, Any]) -> list[Promise]:
    held = BadgeProgress.objects.select_related("credential", "template").filter(
        user__in=users, credential__status=UserCredential.AWARDED
    )
    return [
        revoke_locked(users[progress.user_id], progress, why="the learner was retired")
        for progress in held.order_by("pk")
    ]


def _cancel(users: Collection[int]) -> int:
    """
    Nothing more is issued, neither by an issue that waits nor by a comparison that would ask for it again.

    Of badges that are revoked nothing is taken back: what is due there only looks up and revokes. ``unsettled`` stays
    as it is, so that a later revocation still asks what an attempt left behind (S24).
    """
    theirs = Delivery.objects.filter(progress__user__in=users, progress__credential__status=UserCredential.AWARDED)
    waiting = theirs.filter(state=Delivery.State.PENDING, kind__in=[Delivery.Kind.ISSUE, Delivery.Kind.VERIFY])
    failed = theirs.filter(state=Delivery.State.FAILED, kind=Delivery.Kind.ISSUE)
    # By id, because MySQL cannot update a table that the condition reads through a join.
    return sum(
        Delivery.objects.filter(pk__in=list(rows.values_list("pk", flat=True)), state=before).update(
            state=after, finished_at=DatabaseNow()
        )
        for rows, before, after in (
            (waiting, Delivery.State.PENDING, Delivery.State.CANCELLED),
            (failed, Delivery.State.FAILED, Delivery.State.SUPERSEDED),
        )
    )


def _open(users: Collection[int]) -> Any:
    return Delivery.objects.filter(progress__user__in=users, state__in=Delivery.OPEN).exclude(
        lane=Delivery.Lane.ANNOUNCE
    )


def _erase_earner_ids(users: Iterable[Any]) -> int:
    """
    Erase the stable learner ids that are usernames; a number is the platform's and says nothing by itself.

    A badge with something left to ask of the provider keeps its id: it may be found there by nothing else (S31).
    """
    erased = 0
    for user in users:
        needed = list(_open([user.pk]).values_list("progress__credential", flat=True))
        badges = BadgeProgress.objects.filter(user=user.pk).exclude(credential=None).exclude(credential__in=needed)
        ids = list(badges.values_list("credential", flat=True))
        kept = ["", *([str(user.lms_user_id)] if user.lms_user_id is not None else [])]
        erased += CredlyBadge.objects.filter(pk__in=ids).exclude(earner_id__in=kept).update(earner_id="")
    return erased


# --- failed events -------------------------------------------------------------------------------------------


def _failed_events(usernames: Collection[str], lms_user_ids: Collection[int]) -> list[int]:
    """The ids of the failed events of a learner with one of these usernames or LMS user ids."""
    rows = FailedEvent.objects.order_by("pk").values_list("pk", "line")
    return [pk for pk, line in rows.iterator() if _is_of(line, usernames, lms_user_ids)]


def _is_of(line: str, usernames: Collection[str], lms_user_ids: Collection[int]) -> bool:
    try:
        learner: Learner | None = find_learner(from_line(line))
    except BadgesError:
        # Of a type that is not known any more, or of another shape: it goes if it holds the username at all.
        return any(json.dumps(username) in line for username in usernames)
    return learner is not None and (learner.username in usernames or learner.lms_user_id in lms_user_ids)
