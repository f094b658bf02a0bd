"""From the platform's public signals to ``api.receive_event``."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from django.db import connection, transaction
from edx_django_utils.monitoring import set_custom_attribute

from badges import api, clock
from badges.data import Event
from badges.eventbus import batches
from badges.eventbus.signals import is_from_bus, payload_of, to_event
from badges.exceptions import EventNotStored

logger = logging.getLogger(__name__)

IDLE_SECONDS: Final = 1.0
"""How long a connection stays open that no event needs."""

_needed_until = 0.0
"""Until when the connection counts as needed by events, on the monotonic clock."""

_was_closed = False
"""Whether the connection was closed here and, as far as is known, not opened again."""


class ConsumerMustStop(SystemExit):
    """
    Leaves a consumer's loop without committing the event's offset, so that the bus delivers it again (S35).

    Not an ``Exception``, because those are logged and forgotten by every consumer there is.
    """


def connect() -> None:
    """Listen to the configured event types."""
    api.connect(receiver=receive)


def receive(signal: Any, **kwargs: Any) -> None:
    """A public signal was sent, by a consumer or in this process."""
    payload = payload_of(signal, kwargs)
    may_change = api.may_change(event_type=signal.event_type, payload=payload)
    if may_change is None and is_from_bus(kwargs) and not batches.is_open() and _is_idle():
        may_change = api.may_change(event_type=signal.event_type, payload=payload, look=True)
    if may_change is False:
        return
    event = to_event(signal, kwargs)
    if event.from_bus and batches.is_open():
        batches.put_off(event, _handle_all)
    elif not event.from_bus and connection.in_atomic_block:
        # Sent by this process inside its own transaction: the decision has one of its own, after that (S40), and an
        # event that is rolled back has not happened.
        transaction.on_commit(functools.partial(_handle, event), robust=True)
    else:
        was_open = connection.connection is not None
        needed = _handle(event)
        if event.from_bus and not was_open and not needed:
            connection.close()  # only the version of the rules was looked at


def _handle(event: Event) -> bool:
    """Whether the event needed the database for itself."""
    try:
        received = api.receive_event(event=event)
    except EventNotStored as error:
        logger.critical("%s", error, extra={"action": "event_not_stored", "event_id": event.id})
        if event.from_bus:
            _stop(error)
        return True
    return _tell(event, received)


def _is_idle() -> bool:
    """
    Whether no connection is open; one that no event has needed lately is closed. Asked when the rules are looked at.

    The stock consumers ask an open one with every message whether it is well, and that takes longer than all that is
    done here with an event that means nothing. One that is open again at the next look is used by somebody else in this
    process: it is left alone until the look after that.
    """
    global _was_closed
    if connection.connection is None:
        return True
    is_needed = clock.monotonic() < _needed_until or connection.in_atomic_block or not connection.get_autocommit()
    if not is_needed:
        if not _was_closed:
            with contextlib.suppress(Exception):  # whatever it is, handling an event meets it, and keeps the event
                connection.close()
        _was_closed = not _was_closed
    return connection.connection is None


def _handle_all(events: Sequence[Event]) -> None:
    try:
        received = api.receive_events(events=events)
    except EventNotStored as error:
        logger.critical("%s", error, extra={"action": "event_not_stored"})
        _stop(error)
    for event, each in zip(events, received, strict=True):
        _tell(event, each)


def _tell(event: Event, received: api.Received) -> bool:
    """Let monitoring find the event; False for one that meant nothing."""
    global _needed_until, _was_closed
    if received.matched or received.failed:
        _needed_until, _was_closed = clock.monotonic() + IDLE_SECONDS, False
        set_custom_attribute("badges_event_id", event.id)
        set_custom_attribute("badges_event_outcome", "failed" if received.failed else "matched")
    return received.matched or received.failed


def _stop(error: EventNotStored) -> NoReturn:
    raise ConsumerMustStop(f"The consumer stops without committing: {error}") from error
