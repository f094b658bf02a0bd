"""Why one event does or does not count for one learner and one badge template (S38)."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from badges import clock, host
from badges.conf import conf
from badges.data import Event, PenaltySpec, RequirementSpec, RequirementState, TemplateSpec, TemplateState
from badges.engine.progress import decide
from badges.engine.rulebook import Match, Rulebook
from badges.engine.rules import compile_rule
from badges.eventbus.signals import find_learner, problem_with
from badges.exceptions import LearnerConflict, RuleError
from badges.models import BadgeProgress, BadgeTemplate, FailedEvent, Fulfillment, JournalEntry
from badges.services.explaining.model import EventVerdict
from badges.services.reporting import iso


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """What is recorded of a learner (``user`` None: a stranger) and a template; ``remembered`` by requirement id."""

    username: str = dataclasses.field(repr=False)
    user: Any
    template: BadgeTemplate
    spec: TemplateSpec
    progress: BadgeProgress | None
    status: Any
    remembered: Mapping[int, Fulfillment]
    journal: Sequence[JournalEntry]

    @property
    def state(self) -> TemplateState:
        """As the engine takes it."""
        return TemplateState(
            {pk: RequirementState(row.time, row.fulfilled) for pk, row in self.remembered.items()},
            self.status,
            self.progress is not None and self.progress.held_back,
        )


def judge(case: Case, events: Iterable[Event]) -> Iterator[EventVerdict]:
    """The verdict on each event, in their order."""
    book = Rulebook([case.spec], version=0)
    for event in events:
        yield _judge(case, book, event)


def _judge(case: Case, book: Rulebook, event: Event) -> EventVerdict:
    other = _problem_with_type(event) or _problem_with_learner(case, event)
    details = () if other else tuple(_details(case, book, event))
    history = _history(case, event)
    why = history or other or _problem_with_processing(case, event) or _problem_with_rules(case, book, event)
    if why is None:
        match = book.match(event.type, event.payload)
        assert match is not None  # else the rules would have been the problem
        why = _prospect(case, match, event)
    return EventVerdict(event.id, event.type, iso(event.time), bool(history), why, details)


# --- what stands in the way, in the order in which processing meets it ---------------------------------------


def _history(case: Case, event: Event) -> str | None:
    """What the event did when it was handled."""
    entries = [entry for entry in case.journal if entry.event_id == event.id]
    if entries:
        told = ", ".join(f"{entry.get_kind_display()} {entry.subject}".strip() for entry in entries)
        return f"It counted on {iso(entries[0].created)}: {told}."
    keys = [key for key, row in _rows_by_key(case) if row.event_id == event.id and row.time == event.time]
    if keys:
        return f"It counted as the newest event for {', '.join(keys)}, and left that as it was."
    return None


def _problem_with_type(event: Event) -> str | None:
    if event.type not in conf.event_types:
        return f"Events of type {event.type} take no part: BADGES['EVENT_TYPES'] does not list it."
    problem = problem_with(event.type)
    return f"Events of type {event.type} take no part: {problem}" if problem else None


def _problem_with_learner(case: Case, event: Event) -> str | None:
    learner = find_learner(event)
    if learner is None:
        return "It names no learner, so it is ignored."
    try:
        found = host.choose(learner, list(host.candidates(learner)))
    except LearnerConflict as error:
        return str(error)
    if found is None:
        return None if learner.username == case.username else "It is about another learner."
    if case.user is not None and found.pk == case.user.pk:
        return None
    if learner.username == case.username:
        return f"Its LMS user id {learner.lms_user_id} belongs to a record with another username; it counts there."
    return "It is about another learner."


def _problem_with_processing(case: Case, event: Event) -> str | None:
    failed = FailedEvent.objects.filter(event_id=event.id, event_type=event.type).first()
    if failed is not None:
        return f"It could not be handled and is kept for a retry: {failed.error}"
    ahead = event.time - clock.now()
    if ahead > datetime.timedelta(seconds=conf.future_tolerance):
        return f"It is dated {ahead.total_seconds():.0f} seconds ahead of the clock and waits until its time has come."
    if not case.template.is_processed:
        return "The template takes no part at the moment: it is switched off here, or not active at the provider."
    return None


def _problem_with_rules(case: Case, book: Rulebook, event: Event) -> str | None:
    if event.type not in {owner.event_type for owner in _owners(case.spec)}:
        return "No requirement and no penalty of the template is about events of this type."
    if book.match(event.type, event.payload) is None:
        return "No requirement and no penalty of the template applies to it."
    return None


def _prospect(case: Case, match: Match, event: Event) -> str:
    """What the event would do if it was handled now."""
    outcome = decide(match, {case.spec.id: case.state}, event.time)
    keys = {requirement.id: requirement.key for requirement in case.spec.requirements}
    if not outcome.changes:
        late = ", ".join(keys[pk] for pk in sorted(match.requirement_ids))
        return f"It is late: a newer event, or a reset of the same time, has decided about {late} already."
    told = [
        f"{'fulfil' if change.fulfilled else 'reset'} {keys[change.requirement_id]}"
        for change in outcome.changes
        if change.flipped
    ]
    told += [f"{template.decision} the badge" for template in outcome.templates if template.decision]
    return f"It has not been handled here. Handled now, it would {' and '.join(told) or 'change nothing but the time'}."


# --- requirement by requirement ------------------------------------------------------------------------------


def _details(case: Case, book: Rulebook, event: Event) -> Iterator[str]:
    match = book.match(event.type, event.payload)
    resets = match.resets if match else {}
    for requirement in case.spec.requirements:
        if requirement.event_type != event.type:
            continue
        name = f"requirement {requirement.key}"
        yield from _rules(name, requirement, event)
        if match and requirement.id in match.fulfils:
            yield f"{name}: applies; {_lateness(case, requirement.id, event)}"
    for penalty in case.spec.penalties:
        if penalty.event_type == event.type:
            yield from _rules(f"penalty {penalty.key}", penalty, event)
    for requirement in case.spec.requirements:
        if requirement.id in resets:
            penalty = book.penalty(resets[requirement.id])
            told = _lateness(case, requirement.id, event, resets=True)
            yield f"penalty {penalty.key}: applies and resets {requirement.key}, whatever else applies; {told}"


def _rules(name: str, owner: RequirementSpec | PenaltySpec, event: Event) -> Iterator[str]:
    if not owner.rules:
        yield f"{name}: has no rules, so it applies to every event of its type"
    for spec in owner.rules:
        try:
            rule = compile_rule(spec)
        except RuleError as error:
            yield f"{name}: never applies; {error}"
        else:
            verdict = "holds" if rule.holds(event.payload) else "does not hold"
            yield f"{name}: {rule.explain(event.payload)}; {verdict}"


def _lateness(case: Case, requirement_id: int, event: Event, *, resets: bool = False) -> str:
    """How the event's time stands to what is remembered of the requirement (S8)."""
    row = case.remembered.get(requirement_id)
    if row is None:
        return "nothing is remembered that could be newer"
    if row.event_id == event.id and row.time == event.time:
        return "it is the newest event that did"
    of = f"event {row.event_id} of {iso(row.time)}"
    if event.time < row.time:
        return f"late, because {of} is newer"
    if event.time == row.time and not (resets and row.fulfilled):
        return f"{of} is of the same time and came first"
    if row.fulfilled is not resets:
        return f"newer than {of}, which left it {'fulfilled' if row.fulfilled else 'not fulfilled'} already"
    return f"it overrules {of}"


def _owners(spec: TemplateSpec) -> tuple[RequirementSpec | PenaltySpec, ...]:
    return (*spec.requirements, *spec.penalties)


def _rows_by_key(case: Case) -> Iterator[tuple[str, Fulfillment]]:
    for requirement in case.spec.requirements:
        row = case.remembered.get(requirement.id)
        if row is not None:
            yield requirement.key, row
