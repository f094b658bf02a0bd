"""Events that fail: tried again when that can help, stored when it cannot (S34), never lost without a word (S35)."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import logging
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, connection
from django.db.models import F

from badges import clock
from badges.clock import DatabaseNow
from badges.conf import conf
from badges.data import Event
from badges.eventbus.jsonlines import from_line, to_line
from badges.exceptions import BadgesError, EventNotStored, FutureEvent, StaleRules, database_said
from badges.models import FailedEvent
from badges.services import rulebook
from badges.services.backoff import pause
from badges.services.connecting import DATABASE_TROUBLE, TRANSIENT_DATABASE_ERRORS, renew_connection
from badges.services.outbox import Promise
from badges.services.processing import handle

logger = logging.getLogger(__name__)

CHANGED_MEANWHILE = (IntegrityError, StaleRules, ObjectDoesNotExist)

FIRST_RETRY, LONGEST_RETRY = 60.0, 86_400.0
"""Seconds between the sweep's retries of a failed event."""


@dataclasses.dataclass(frozen=True, slots=True)
class Received:
    """
    What became of an event that came in. ``failed``: it is stored as a failed event, because of ``error``.
    """

    matched: bool = False
    failed: bool = False
    error: str = ""
    promises: tuple[Promise, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Retried:
    """How a retry of failed events went, by number of events."""

    healed: int = 0
    failed: int = 0


def receive(event: Event) -> Received:
    """
    Handle ``event``, or store it to be handled later.

    For an event from the bus this waits ``DATABASE_WAIT`` seconds for a database that does not answer. Raises
    :class:`EventNotStored` when the event could not even be stored: whoever delivered it has to deliver it again.
    """
    give_up_at = clock.monotonic() + (conf.database_wait if event.from_bus else 0)
    while True:
        try:
            return _handle_or_store(event)
        except DATABASE_TROUBLE as error:
            if clock.monotonic() >= give_up_at:
                raise EventNotStored(
                    f"Event {event.id} ({event.type}) could be neither handled nor stored: the database cannot be used "
                    f"({database_said(error)}). It has to be delivered again once that is mended."
                ) from error
            logger.warning(
                "The database cannot be used (%s); event %s waits.",
                database_said(error),
                event.id,
                extra={"action": "database_wait", "event_id": event.id},
            )
            with contextlib.suppress(*DATABASE_TROUBLE):
                connection.close()
            time.sleep(1)


def _handle_or_store(event: Event) -> Received:
    failure = _try(event)
    if isinstance(failure, Received):
        return failure
    return Received(failed=True, error=_store(event, failure))


def _try(event: Event) -> Received | Exception:
    """The result, or why there is none after all the attempts that made sense."""
    for attempt in range(conf.database_retries + 1):
        try:
            handled = handle(event)
        except TRANSIENT_DATABASE_ERRORS as error:
            failure: Exception = error
            renew_connection()
            time.sleep(pause(attempt, base=0.02, cap=1))
        except CHANGED_MEANWHILE as error:
            failure = error
            rulebook.forget()
        except Exception as error:  # noqa: BLE001 - any error is the event's own: it is stored, and the next one goes on
            return error
        else:
            return Received(matched=handled.matched, promises=handled.promises)
    return failure


def _store(event: Event, failure: Exception) -> str:
    """Keep the event and why it failed; the error as it is kept."""
    error = _describe(failure)
    now = clock.now()
    retry_at = event.time if isinstance(failure, FutureEvent) else _in(FIRST_RETRY)
    stored, created = FailedEvent.objects.get_or_create(
        event_id=event.id,
        event_type=event.type,
        defaults={
            "event_time": event.time,
            "line": to_line(event),
            "error": error,
            "next_attempt_at": retry_at,
        },
    )
    if not created:
        FailedEvent.objects.filter(pk=stored.pk).update(error=error, attempts=F("attempts") + 1, modified=now)
    logger.error(
        "Event %s (%s) failed and is kept for a retry: %s",
        event.id,
        event.type,
        error,
        extra={"action": "event_failed", "event_id": event.id},
    )
    return error


def _describe(failure: Exception) -> str:
    """
    The failure in words that hold no personal data (S36).

    Our own errors hold none. Others may quote a row or a payload, so of them only the type, the place and a database's
    code are told.
    """
    if isinstance(failure, BadgesError):
        return str(failure)
    place = failure.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = ""
    if place is not None:
        where = f" in {place.tb_frame.f_globals.get('__name__', '?')}, line {place.tb_lineno}"
    return f"{type(failure).__module__}.{database_said(failure)}{where}"


def due() -> list[int]:
    """
    The ids of the failed events whose time for another attempt has come, oldest first: on the database's clock, so that
    a host whose clock is set right does not leave them waiting.
    """
    ready = FailedEvent.objects.filter(next_attempt_at__lte=DatabaseNow()).order_by("event_time", "pk")
    return list(ready.values_list("pk", flat=True)[: conf.sweep_batch])


def retry(ids: Collection[int] | None = None, *, keep: Callable[[Sequence[Promise]], object]) -> Retried:
    """
    Handle failed events again, oldest first: those with ``ids``, else all of them.

    An event that is handled is deleted; one that fails again keeps its new error and, below ``FAILED_EVENT_ATTEMPTS``,
    gets a later time for the next attempt. ``keep`` is called with what each promises, before the next one's turn.
    """
    rows = FailedEvent.objects.order_by("event_time", "pk")
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    healed = failed = 0
    for pk in list(rows.values_list("pk", flat=True)):
        row = FailedEvent.objects.filter(pk=pk).first()
        if row is None:  # another process healed it meanwhile
            continue
        result = _retry_one(row)
        if isinstance(result, Received):
            keep(result.promises)
            healed += 1
        else:
            failed += 1
    return Retried(healed, failed)


def _retry_one(row: FailedEvent) -> Received | None:
    try:
        event = from_line(row.line, longest=None)  # what could be stored can be read
    except BadgesError as error:
        result: Received | Exception = error
        described = str(error)
    else:
        result = _try(event)
        described = _describe(result) if isinstance(result, Exception) else ""
    if isinstance(result, Received):
        FailedEvent.objects.filter(pk=row.pk).delete()
        return result
    attempts = row.attempts + 1
    again = attempts < conf.failed_event_attempts
    next_attempt_at = _in(pause(attempts, base=FIRST_RETRY, cap=LONGEST_RETRY)) if again else None
    if isinstance(result, FutureEvent):
        next_attempt_at = row.event_time
    FailedEvent.objects.filter(pk=row.pk).update(
        error=described, attempts=attempts, next_attempt_at=next_attempt_at, modified=clock.now()
    )
    return None


def _in(seconds: float) -> Any:
    return DatabaseNow() + datetime.timedelta(seconds=seconds)
