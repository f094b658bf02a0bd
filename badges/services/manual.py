"""What a person decides about one badge, against or beside the rules (S25)."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from badges import clock
from badges.exceptions import BadgesError
from badges.host import UserCredential
from badges.models import BadgeProgress, JournalEntry
from badges.services.outbox import Decided, Promise, announcement, promise
from badges.services.recording import decision_time


class NotPossible(BadgesError):
    """The badge is not in a state in which this can be done."""


def revoke(credential_uuid: uuid.UUID) -> list[Promise]:
    """
    Revoke a badge by hand: it stays revoked whatever the learner's events say, until :func:`release`.

    Raises :class:`NotPossible` when there is no such badge or the learner does not hold it.
    """
    progress = _progress(credential_uuid)
    with transaction.atomic(durable=True):
        user = get_user_model()._default_manager.select_for_update().get(pk=progress.user_id)
        return [revoke_locked(user, _progress(credential_uuid), why="by hand")]


def revoke_locked(user: Any, progress: BadgeProgress, *, why: str) -> Promise:
    """
    :func:`revoke` inside the transaction of a caller that holds the learner's lock and read ``progress`` under it.

    ``why`` is what the journal says. Raises :class:`NotPossible` when the learner does not hold the badge.
    """
    credential, template, now = progress.credential, progress.template, clock.now()
    if credential is None or credential.status == UserCredential.REVOKED:
        raise NotPossible("The badge is revoked already.")
    UserCredential.objects.filter(pk=credential.pk).update(status=UserCredential.REVOKED, modified=now)
    progress.decided_at = decision_time(now, progress.decided_at)
    progress.held_back = True
    progress.save(update_fields=["decided_at", "held_back"])
    (promised,) = promise(
        [
            Decided(
                progress=progress,
                announcement=announcement("revoke", progress.decided_at, credential.uuid, user, template),
                is_first=False,
                must_queue=True,
            )
        ]
    )
    JournalEntry.objects.create(
        user_id=user.pk, template_id=template.pk, kind=JournalEntry.Kind.REVOKED, detail=why, created=now
    )
    return promised


def release(credential_uuid: uuid.UUID) -> None:
    """
    Lift what :func:`revoke` put on a badge; the learner's next event that completes it awards it again.

    Raises :class:`NotPossible`.
    """
    progress = _progress(credential_uuid)
    if not BadgeProgress.objects.filter(pk=progress.pk, held_back=True).update(held_back=False):
        raise NotPossible("The badge is not held back.")


def _progress(credential_uuid: uuid.UUID) -> BadgeProgress:
    found = (
        BadgeProgress.objects.select_related("credential", "template").filter(credential__uuid=credential_uuid).first()
    )
    if found is None:
        raise NotPossible(f"There is no badge {credential_uuid}.")
    return found
