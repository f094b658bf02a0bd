"""The learners of events, and what is remembered of them before the lock (S3, S8; ARCHITECTURE, step 4)."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import FilteredRelation, Q

from badges import host
from badges.data import Learner, RequirementState
from badges.exceptions import LearnerConflict


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """A user record, with the states of the requirements that were asked for."""

    pk: int
    username: str = dataclasses.field(repr=False)
    lms_user_id: int | None
    states: Mapping[int, RequirementState]


def find(learners: Sequence[Learner], requirement_ids: Collection[int]) -> list[Found | None]:
    """
    The record of each learner and what is remembered of ``requirement_ids``, in one query; None where there is none.

    Good for one decision only: that there is nothing to do. Remembered times only grow, so what is old now stays old;
    everything else is read again under the lock. Raises :class:`LearnerConflict`.
    """
    rows = (
        host.candidates(*learners)
        .annotate(
            known=FilteredRelation(
                "badge_fulfillments", condition=Q(badge_fulfillments__requirement__in=list(requirement_ids))
            )
        )
        .order_by("pk")
        .values_list(
            "pk", "username", "lms_user_id", "known__requirement_id", "known__time", "known__fulfilled", named=False
        )
    )
    found: dict[int, Found] = {}
    for pk, username, lms_user_id, requirement_id, time, fulfilled in rows:
        states = found.setdefault(pk, Found(pk, username, lms_user_id, {})).states
        if requirement_id is not None:
            states[requirement_id] = RequirementState(time, fulfilled)  # type: ignore[index]
    if len(learners) == 1:
        return [host.choose(learners[0], list(found.values()))]
    by_id, by_name = defaultdict(list), defaultdict(list)
    for one in found.values():
        by_id[one.lms_user_id].append(one)
        by_name[one.username].append(one)
    return [_choose(learner, by_id, by_name) for learner in learners]


def _choose(
    learner: Learner, by_id: Mapping[int | None, list[Found]], by_name: Mapping[str, list[Found]]
) -> Found | None:
    """
    One learner's record among those of all. A username that is the same to the database only, "u77" for "U77", is not
    seen here: creating the learner fails then, and finds it.
    """
    same_id = by_id.get(learner.lms_user_id, []) if learner.lms_user_id is not None else []
    same_name = by_name.get(learner.username, [])
    return host.choose(learner, [*same_id, *same_name])


def create(learner: Learner) -> Found:
    """Make the learner's record, outside of any transaction."""
    user = host.create_learner(learner)
    return Found(user.pk, user.username, user.lms_user_id, {})


def lock(learners: Mapping[int, Learner]) -> Mapping[int, Any]:
    """
    Lock the learners' user records, and return them, by primary key; the first statement of the transaction that
    decides (S40). In the order of the keys, so that two processes with some learners in common don't deadlock.

    An empty LMS user id is filled in from the event (S4). Raises :class:`LearnerConflict` when a record has come to
    belong to somebody else, ``DoesNotExist`` when one is gone.
    """
    users = get_user_model()._default_manager
    # Weaker than FOR UPDATE: foreign keys to the record don't wait for it. Only PostgreSQL knows the difference.
    no_key = connection.features.has_select_for_no_key_update
    locked = {user.pk: user for user in users.select_for_update(no_key=no_key).filter(pk__in=learners).order_by("pk")}
    for pk, learner in learners.items():
        if pk not in locked:
            raise users.model.DoesNotExist(f"Record {pk} is gone.")
        _check_owner(locked[pk], learner)
    return locked


def _check_owner(user: Any, learner: Learner) -> None:
    users, pk = get_user_model()._default_manager, user.pk
    if user.lms_user_id is None and user.username.casefold() != learner.username.casefold():
        raise LearnerConflict(f"Record {pk} was found by its username and has another one by now. Retry the event.")
    if learner.lms_user_id is not None and user.lms_user_id != learner.lms_user_id:
        if user.lms_user_id is not None:
            raise LearnerConflict(
                f"The event is of LMS user {learner.lms_user_id}, but record {pk} has come to belong to LMS user "
                f"{user.lms_user_id}. Retry the event."
            )
        users.filter(pk=pk).update(lms_user_id=learner.lms_user_id)
        user.lms_user_id = learner.lms_user_id
