"""Announcing badges to other apps: BADGE_AWARDED and BADGE_REVOKED (S21)."""

from __future__ import annotations

import atexit
import datetime
import functools
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from openedx_events.apps import general_signal_handler
from openedx_events.data import EventsMetadata
from openedx_events.event_bus import get_producer
from openedx_events.learning.data import BadgeData, BadgeTemplateData, UserData, UserPersonalData
from openedx_events.learning.signals import BADGE_AWARDED, BADGE_REVOKED
from openedx_events.tooling import OpenEdxPublicSignal

from badges.data import Announcement, Decision, Event
from badges.eventbus.catalogue import name_of, signal_of
from badges.exceptions import AnnouncementFailed, AnnouncementImpossible, BadgesError

logger = logging.getLogger(__name__)

SIGNALS: Mapping[Decision, OpenEdxPublicSignal] = {"award": BADGE_AWARDED, "revoke": BADGE_REVOKED}


def announce(announcement: Announcement) -> None:
    """
    Send the public signal, in this process and, where ``EVENT_BUS_PRODUCER_CONFIG`` says so, to the event bus.

    Raises :class:`AnnouncementFailed` when the bus did not take it; the receivers in this process have been called by
    then, and are called again with the next attempt. Only ``badges.eventbus.producer`` tells whether the bus took it:
    the stock producers log their errors and return. The failure of another app's receiver is logged and is no failure
    of the announcement. Raises :class:`AnnouncementImpossible` for a learner without an LMS user id, which the signal
    requires (S4).
    """
    if announcement.learner.lms_user_id is None:
        raise AnnouncementImpossible(
            f"Credential {announcement.credential_uuid} cannot be announced: the learner has no LMS user id. Enter it "
            "in the learner's record (an event that names it does so too), then resend the announcement."
        )
    signal = SIGNALS[announcement.decision]
    try:
        responses = signal.send_event(time=announcement.time.astimezone(datetime.UTC), badge=_badge(announcement))
    except Exception as error:  # noqa: BLE001 - with DEBUG on, openedx-events lets the first failing receiver end it
        raise _failed(announcement, error) from None
    for receiver, response in responses:
        if receiver is general_signal_handler:
            _flush_at_exit()
        if not isinstance(response, Exception):
            continue
        if receiver is general_signal_handler:
            raise _failed(announcement, response) from None
        logger.warning(
            "A receiver of %s failed: %s raised %s. The badge counts as announced.",
            signal.event_type,
            name_of(receiver),
            type(response).__qualname__,  # its message may hold personal data
            extra={"action": "receiver_failed", "badge_id": str(announcement.credential_uuid)},
        )


def _badge(announcement: Announcement) -> BadgeData:
    learner = announcement.learner
    return BadgeData(
        uuid=str(announcement.credential_uuid),
        user=UserData(
            id=learner.lms_user_id,
            is_active=learner.is_active,
            pii=UserPersonalData(username=learner.username, email=learner.email, name=learner.full_name),
        ),
        template=BadgeTemplateData(
            uuid=str(announcement.template_uuid),
            origin=announcement.origin,
            name=announcement.template_name,
            description=announcement.template_description,
            image_url=announcement.image_url,
        ),
    )


def _failed(announcement: Announcement, error: Any) -> AnnouncementFailed:
    """The failure in words without personal data: of foreign errors only the type is told (S36)."""
    reason = str(error) if isinstance(error, BadgesError) else type(error).__qualname__
    return AnnouncementFailed(f"Credential {announcement.credential_uuid} was not announced: {reason}")


# --- other events, for the demo and for tests -----------------------------------------------------------------


def produce(event: Event, topic: str, *, key_field: str) -> None:
    """
    Send any event, with its own id and time, to the bus alone: no receiver in this process is called.

    ``topic`` is without ``EVENT_BUS_TOPIC_PREFIX``; ``key_field`` is the path of the message's key, beginning with the
    signal's argument: ``course_passing_status.course.course_key``. With a stock producer call :func:`flush` before the
    process ends. Raises ``KeyError`` for an unknown type.
    """
    signal = signal_of(event.type)
    arguments = list(signal.init_data)
    get_producer().send(
        signal=signal,
        topic=topic,
        event_key_field=key_field,
        event_data={arguments[0]: event.payload} if len(arguments) == 1 else dict(event.payload),
        event_metadata=EventsMetadata(
            event_type=event.type,
            id=uuid.UUID(event.id),
            time=event.time.astimezone(datetime.UTC),
            minorversion=signal.minor_version,
        ),
    )


def flush() -> None:
    """
    Wait for a producer that sends in the background; a process that ends without that loses events.

    Where none was made yet, none is made: that would take half a second of every short command.
    """
    if not get_producer.cache_info().currsize:  # of a process that sent nothing
        return
    prepare = getattr(get_producer(), "prepare_for_shutdown", None)
    if prepare is not None:
        prepare()


@functools.cache
def _flush_at_exit() -> None:
    """From now on :func:`flush` at the end of the process: a command ends as soon as it has announced."""
    atexit.register(flush)
