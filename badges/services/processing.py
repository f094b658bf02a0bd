"""One event, from the rules to the committed rows (ARCHITECTURE, "One event, walked")."""

from __future__ import annotations

import dataclasses
import datetime
import logging

from django.db import transaction

from badges import clock
from badges.conf import conf
from badges.data import Event
from badges.engine.progress import decide, is_news
from badges.eventbus.signals import find_learner
from badges.exceptions import FutureEvent, StaleRules
from badges.services import learners, rulebook, snapshot
from badges.services.outbox import Promise
from badges.services.recording import record

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Handled:
    """
    What became of an event. ``matched``: a requirement or penalty applied, whether or not that changed anything.
    """

    matched: bool
    promises: tuple[Promise, ...] = ()


UNMATCHED = Handled(matched=False)


def handle(event: Event) -> Handled:
    """
    Handle ``event`` whole: afterwards everything it changes is committed, or nothing is.

    Costs no query when nothing matches, one when it is old news. Raises :class:`FutureEvent`, :class:`LearnerConflict`,
    :class:`StaleRules` when the configuration changed under it (forget the rules and call again), and the database's
    own errors; after any of them nothing was written and the call can be repeated.
    """
    rules, began = rulebook.current(), clock.monotonic()
    match = rules.book.match(event.type, event.payload)
    if match is None or event.type not in conf.event_types:
        return UNMATCHED
    learner = find_learner(event)
    if learner is None:
        logger.info(
            "Event %s (%s) names no learner; ignored.",
            event.id,
            event.type,
            extra={"action": "no_learner", "event_id": event.id},
        )
        return UNMATCHED
    if event.time - clock.now() > datetime.timedelta(seconds=conf.future_tolerance):
        raise FutureEvent(
            f"The event is dated {event.time:%Y-%m-%d %H:%M:%S} UTC, ahead of the clock. It is retried at that time; "
            "if it recurs, compare the clocks of the hosts."
        )

    found = learners.find(learner, match.requirement_ids)
    if found is None:
        found = learners.create(learner)
    elif not is_news(match, found.states, event.time):
        return Handled(matched=True)

    with transaction.atomic(durable=True):
        user = learners.lock(found.pk, learner)
        if clock.monotonic() - began > conf.rulebook_max_age and not rulebook.is_current(rules):
            raise StaleRules  # it waited for the lock, and the rules changed in that time
        records, existing = snapshot.read(user.pk, [template.id for template in match.templates])
        if not existing.issuperset(match.requirement_ids):
            raise StaleRules
        states = {template_id: record_.state for template_id, record_ in records.items()}
        outcome = decide(match, states, event.time)
        promises = record(event, learner, user, rules, match, outcome, records)
    return Handled(matched=True, promises=tuple(promises))
