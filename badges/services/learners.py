"""The learner of an event, and what is remembered of them before the lock (S3, S8; ARCHITECTURE, step 4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
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


def find(learner: Learner, requirement_ids: Collection[int]) -> Found | None:
    """
    The learner's record and what is remembered of ``requirement_ids``, in one query; None when there is no record.

    Good for one decision only: that there is nothing to do. Remembered times only grow, so what is old now stays old;
    everything else is read again under the lock. Raises :class:`LearnerConflict`.
    """
    rows = (
        host.candidates(learner)
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
    return host.choose(learner, list(found.values()))


def create(learner: Learner) -> Found:
    """Make the learner's record, outside of any transaction."""
    user = host.create_learner(learner)
    return Found(user.pk, user.username, user.lms_user_id, {})


def lock(pk: int, learner: Learner) -> Any:
    """
    Lock the learner's user record and return it; the first statement of the transaction that decides (S40).

    An empty LMS user id is filled in from the event (S4). Raises :class:`LearnerConflict` when the record has come to
    belong to somebody else, ``DoesNotExist`` when it is gone.
    """
    users = get_user_model()._default_manager
    # Weaker than FOR UPDATE: foreign keys to the record don't wait for it. Only PostgreSQL knows the difference.
    no_key = connection.features.has_select_for_no_key_update
    user = users.select_for_update(no_key=no_key).get(pk=pk)
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
    return user
