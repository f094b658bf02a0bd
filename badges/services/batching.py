"""Several events in one transaction, as long as all goes well; one by one when it does not (S34)."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterator, Sequence

from badges.data import Event
from badges.eventbus.signals import find_learner
from badges.services import failures
from badges.services.failures import Received
from badges.services.processing import handle_all, is_ahead

logger = logging.getLogger(__name__)


def receive_all(events: Sequence[Event]) -> Iterator[tuple[int, Received]]:
    """
    Handle ``events``, those of each learner in their order; the place of each and what became of it, as soon as that is
    committed.

    A failure is the failure of the event that caused it: whatever shared its transaction is handled again by itself,
    as :func:`badges.services.failures.receive` does. Raises what that raises.
    """
    for wave in waves(events):
        together = [place for place in wave if not is_ahead(events[place])]  # those would only fail the others
        alone = wave
        if len(together) > 1:
            try:
                handled = handle_all([events[place] for place in together])
            except Exception as error:  # noqa: BLE001 - whose it is shows when each is handled by itself
                logger.info(
                    "%s events are handled one by one, because together they met %s.",
                    len(together),
                    type(error).__qualname__,  # its text may hold personal data
                    extra={"action": "batch_split"},
                )
            else:
                for place, each in zip(together, handled, strict=True):
                    yield place, Received(matched=each.matched, promises=each.promises)
                alone = [place for place in wave if place not in together]
        for place in alone:
            yield place, failures.receive(events[place])


def waves(events: Sequence[Event]) -> list[list[int]]:
    """
    The places of ``events`` in groups of different learners: a learner's first event comes in an earlier group than the
    second one.

    Events are of the same learner when they have the username or the LMS user id in common: what one of them makes of
    the learner's record is there before the next one looks for it (S3).
    """
    found: list[list[int]] = []
    taken: dict[Hashable, int] = {}
    for place, event in enumerate(events):
        names = _names(event)
        number = max(taken.get(name, 0) for name in names)
        taken.update(dict.fromkeys(names, number + 1))
        if number == len(found):
            found.append([])
        found[number].append(place)
    return found


def _names(event: Event) -> list[Hashable]:
    """What tells whose event it is; of nobody's, its own id."""
    try:
        learner = find_learner(event)
    except Exception:  # noqa: BLE001 - handling the event meets it again, and keeps the event
        learner = None
    if learner is None:
        return [("event", event.id)]
    names: list[Hashable] = [("name", learner.username.casefold())] if learner.username else []
    return names + ([("id", learner.lms_user_id)] if learner.lms_user_id is not None else [])
