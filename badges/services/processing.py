"""Events, from the rules to the committed rows (ARCHITECTURE, "One event, walked")."""

from __future__ import annotations

import dataclasses
import datetime
import logging
from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction

from badges import clock
from badges.conf import conf
from badges.data import Event, Learner
from badges.engine.progress import decide, is_news
from badges.engine.rulebook import Match
from badges.eventbus.signals import find_learner
from badges.exceptions import FutureEvent, LearnerConflict, StaleRules
from badges.services import learners, rulebook, snapshot
from badges.services.changes import Change
from badges.services.outbox import Promise
from badges.services.recording import record
from badges.services.rulebook import Rules

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Handled:
    """
    What became of an event. ``matched``: a requirement or penalty applied, whether or not that changed anything.
    """

    matched: bool
    promises: tuple[Promise, ...] = ()


UNMATCHED = Handled(matched=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """An event that may change something, for a learner who may not be known yet."""

    event: Event
    learner: Learner
    match: Match


def handle(event: Event) -> Handled:
    """As :func:`handle_all`, for one event."""
    (handled,) = handle_all([event])
    return handled


def handle_all(events: Sequence[Event]) -> list[Handled]:
    """
    Handle events of different learners, in one transaction: afterwards all they change is committed, or nothing is.

    Costs no query when nothing matches, one when all is old news. Raises :class:`FutureEvent`,
    :class:`LearnerConflict`, also when two of the events turn out to be of the same learner, :class:`StaleRules` when
    the configuration changed under it (forget the rules and call again), and the database's own errors; after any of
    them nothing was written and the call can be repeated.
    """
    rules, began = rulebook.current(), clock.monotonic()
    handled = [UNMATCHED] * len(events)
    candidates = {}
    for place, event in enumerate(events):
        candidate = _candidate(rules, event)
        if candidate is not None:
            candidates[place] = candidate
            handled[place] = Handled(matched=True)
    if not candidates:
        return handled
    news = _news(list(candidates.values()))
    if not news:
        return handled

    with transaction.atomic(durable=True):
        users = learners.lock({pk: candidate.learner for pk, candidate in news.items()})
        if clock.monotonic() - began > conf.rulebook_max_age and not rulebook.is_current(rules):
            raise StaleRules  # it waited for the locks, and the rules changed in that time
        touched = {template.id: template for candidate in news.values() for template in candidate.match.templates}
        recorded = snapshot.read(list(news), touched)
        changes = []
        for pk, candidate in news.items():
            states = {template_id: each.state for template_id, each in recorded[pk].items()}
            outcome = decide(candidate.match, states, candidate.event.time)
            changes.append(
                Change(candidate.event, candidate.learner, users[pk], candidate.match, outcome, recorded[pk])
            )
        promises = defaultdict(list)
        for promise in record(changes, rules):
            promises[promise.user_id].append(promise)

    places = {id(candidate): place for place, candidate in candidates.items()}
    for pk, candidate in news.items():
        handled[places[id(candidate)]] = Handled(matched=True, promises=tuple(promises[pk]))
    return handled


def is_ahead(event: Event) -> bool:
    """Whether the event is dated so far ahead of the clock that it has to wait (S8)."""
    return event.time - clock.now() > datetime.timedelta(seconds=conf.future_tolerance)


def _candidate(rules: Rules, event: Event) -> Candidate | None:
    match = rules.book.match(event.type, event.payload)
    if match is None or event.type not in conf.event_types:
        return None
    learner = find_learner(event)
    if learner is None:
        logger.info(
            "Event %s (%s) names no learner; ignored.",
            event.id,
            event.type,
            extra={"action": "no_learner", "event_id": event.id},
        )
        return None
    if is_ahead(event):
        raise FutureEvent(
            f"The event is dated {event.time:%Y-%m-%d %H:%M:%S} UTC, ahead of the clock. It is retried at that time; "
            "if it recurs, compare the clocks of the hosts."
        )
    return Candidate(event, learner, match)


def _news(candidates: Sequence[Candidate]) -> dict[int, Candidate]:
    """The candidates that are not old news, by the primary keys of their learners, who all have a record then."""
    touched = {requirement_id for candidate in candidates for requirement_id in candidate.match.requirement_ids}
    news: dict[int, Candidate] = {}
    for candidate, found in zip(
        candidates, learners.find([candidate.learner for candidate in candidates], touched), strict=True
    ):
        if found is None:
            pk = learners.create(candidate.learner).pk
        elif is_news(candidate.match, found.states, candidate.event.time):
            pk = found.pk
        else:
            continue
        if pk in news:
            raise LearnerConflict(f"Two of several events are of the same learner (record {pk}). Retry the event.")
        news[pk] = candidate
    return news
