"""
The only door to the Credentials service: its user and credential models, and how a learner is found in them.

The service's own ``get_or_create_user_from_event_data`` looks for the username alone and hides every error, so
S3 is done here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, models

from badges.data import Learner
from badges.exceptions import LearnerConflict

try:
    UserCredential: Any = apps.get_registered_model("credentials", "UserCredential")
except LookupError as error:  # pragma: no cover - a mistake in INSTALLED_APPS, told at start
    raise ImproperlyConfigured(
        "badges extends credentials.UserCredential: list the Credentials service's apps before 'badges' in "
        "INSTALLED_APPS."
    ) from error


def candidates(*learners: Learner) -> models.QuerySet[Any]:
    """Every user record that may be one of ``learners``: of the LMS user id, or of the username."""
    ids = {learner.lms_user_id for learner in learners if learner.lms_user_id is not None}
    names = {learner.username for learner in learners if learner.username}
    same = models.Q()
    if ids:
        same |= models.Q(lms_user_id__in=ids)
    if names:
        same |= models.Q(username__in=names)
    return get_user_model()._default_manager.filter(same)


def choose(learner: Learner, users: Sequence[Any]) -> Any | None:
    """
    The record among ``users`` (what :func:`candidates` found) that is the learner, None when there is none (S3).

    Raises :class:`LearnerConflict` when the username belongs to another LMS user id.
    """
    by_id = [user for user in users if learner.lms_user_id is not None and user.lms_user_id == learner.lms_user_id]
    if by_id:
        return next((user for user in by_id if user.username == learner.username), by_id[0])
    # Whether "U77" and "u77" are one username is the database's decision; it made the candidates and the constraint.
    for user in users:
        if user.lms_user_id is not None and learner.lms_user_id is not None:
            raise LearnerConflict(
                f"The event is of LMS user {learner.lms_user_id}, but its username belongs to LMS user "
                f"{user.lms_user_id} (record {user.pk}). Correct the record's LMS user id or username, then retry the "
                "event."
            )
        return user
    return None


def create_learner(learner: Learner) -> Any:
    """
    Make the learner's user record, as the service does when a learner first comes to it.

    In no transaction: creating it inside the deciding one deadlocks on MariaDB. Another process may do the same at
    the same moment; then its record is returned. Raises :class:`LearnerConflict` as :func:`choose` does.
    """
    users = get_user_model()._default_manager
    if not learner.username:
        raise LearnerConflict(
            f"LMS user {learner.lms_user_id} has no record here and the event has no username to make one. "
            "Let the learner sign in to the Credentials service once, then retry the event."
        )
    try:
        return users.create(
            username=learner.username,
            email=learner.email,
            full_name=learner.full_name,
            lms_user_id=learner.lms_user_id,
            is_active=learner.is_active,
        )
    except IntegrityError:
        made = choose(learner, list(candidates(learner)))
        if made is None:
            raise
        return made


def recipient_names(user: Any, told: str) -> tuple[str, str]:
    """
    First and last name for a badge (S22): those of the full name ``told`` by an event, else the record's own fields,
    else the record's full name, split at its last space. A missing part is the username.
    """
    if told.strip():
        first, last = _split(told)
    else:
        first, last = user.first_name.strip(), user.last_name.strip()
        if not (first and last):
            from_full = _split(user.full_name or "")
            first, last = first or from_full[0], last or from_full[1]
    return first or user.username, last or user.username


def _split(full_name: str) -> tuple[str, str]:
    head, _, tail = full_name.strip().rpartition(" ")
    return (head.strip(), tail) if head else (tail, "")
