"""Several events in one transaction, as long as all goes well; one by one when it does not (S34)."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterator, Sequence

from badges.data import Event
from badges.eventbus.signals import find_learner
from badges.services import failures
from badges.services.failures import Received
from badges.services.processing import handle_all

logger = logging.getLogger(__name__)


def receive_all(events: Sequence[Event]) -> Iterator[Received]:
    """
    Handle ``events``, those of each learner in their order; what became of each, as soon as it is committed.

    A failure is the failure of the event that caused it: whatever shared its transaction is handled again by itself,
    as :func:`badges.services.failures.receive` does. Raises what that raises.
    """
    for wave in waves(events):
        if len(wave) > 1:
            try:
                handled = handle_all(wave)
            except Exception as error:  # noqa: BLE001 - whose it is shows when each is handled by itself
                logger.info(
                    "%s events are handled one by one, because together they met %s.",
                    len(wave),
                    type(error).__qualname__,  # its text may hold personal data
                    extra={"action": "batch_split"},
                )
            else:
                yield from (Received(matched=each.matched, promises=each.promises) for each in handled)
                continue
        yield from map(failures.receive, wave)


def waves(events: Sequence[Event]) -> list[list[Event]]:
    """``events`` in groups of different learners: a learner's first event is in the first group, and so on."""
    found: list[list[Event]] = []
    seen: dict[Hashable, int] = {}
    for event in events:
        whose = _whose(event)
        number = seen.get(whose, 0)
        seen[whose] = number + 1
        if number == len(found):
            found.append([])
        found[number].append(event)
    return found


def _whose(event: Event) -> Hashable:
    try:
        learner = find_learner(event)
    except Exception:  # noqa: BLE001 - handling the event meets it again, and keeps the event
        return event.id
    if learner is None:
        return event.id
    return learner.username.casefold() or learner.lms_user_id
