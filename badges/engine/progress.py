"""
What an event changes for one learner: groups, lateness, and the decision to award or to revoke.

Everything is decided from what the rules matched, what is remembered and the event's time; nothing is asked of anybody.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping

from badges.data import (
    Decision,
    Outcome,
    RequirementChange,
    RequirementSpec,
    RequirementState,
    TemplateOutcome,
    TemplateSpec,
    TemplateState,
)
from badges.engine.rulebook import Match

Groups = tuple[tuple[int, ...], ...]

UNTOUCHED = TemplateState()


# --- groups --------------------------------------------------------------------------------------------------


def groups_of(requirements: Iterable[RequirementSpec]) -> Groups:
    """
    The ids of the requirements in their groups, in the order in which they come.

    Those that share a group are alternatives; one without a group is a group of its own (S16).
    """
    groups: dict[str | int, list[int]] = {}
    for requirement in requirements:
        groups.setdefault(requirement.group or requirement.id, []).append(requirement.id)
    return tuple(tuple(group) for group in groups.values())


def count_groups(requirements: Iterable[RequirementSpec], fulfilled_ids: Collection[int]) -> tuple[int, int]:
    """How many groups have a fulfilled requirement, and how many there are (S17)."""
    groups = groups_of(requirements)
    return sum(_is_done(group, fulfilled_ids) for group in groups), len(groups)


def _is_done(group: Iterable[int], fulfilled_ids: Collection[int]) -> bool:
    return any(requirement_id in fulfilled_ids for requirement_id in group)


# --- lateness ------------------------------------------------------------------------------------------------


def _is_newer(known: RequirementState | None, time: datetime.datetime) -> bool:
    """Whether an event of that time moves the remembered time, whatever it does (S8)."""
    return known is None or time > known.time


def _is_in_time(known: RequirementState | None, time: datetime.datetime) -> bool:
    """
    Whether nothing remembered overrules an event of that time: it is newer, or it meets a fulfilment of the same time.

    That is when a reset applies, because at equal times it wins (S8), and when a fulfilment counts for an award,
    because it fulfils or confirms (S19).
    """
    return known is None or time > known.time or (time == known.time and known.fulfilled)


def is_news(match: Match, states: Mapping[int, RequirementState], time: datetime.datetime) -> bool:
    """
    Whether an event of that time changes anything, given the states of the requirements it touches, by id.

    False is final, because remembered times only grow. True holds for these states only.
    """
    return any(_is_newer(states.get(requirement_id), time) for requirement_id in match.fulfils) or any(
        _is_in_time(states.get(requirement_id), time) for requirement_id in match.resets
    )


# --- the decision --------------------------------------------------------------------------------------------


def decide(match: Match, snapshot: Mapping[int, TemplateState], time: datetime.datetime) -> Outcome:
    """
    What an event of that time changes for a learner, of whom ``snapshot`` holds what is recorded by template id.

    The outcome tells of every template that the event touches how it stands then.
    """
    changes: list[RequirementChange] = []
    templates: list[TemplateOutcome] = []
    fulfils = frozenset(match.fulfils).difference(match.resets)
    for template in match.templates:
        state = snapshot.get(template.id, UNTOUCHED)
        own = list(_changes(template, state, fulfils, match.resets, time))
        counts = any(
            _is_in_time(state.requirements.get(requirement.id), time)
            for requirement in template.requirements
            if requirement.id in fulfils
        )
        changes += own
        templates.append(_outcome(template, state, own, counts))
    return Outcome(tuple(changes), tuple(templates))


def _changes(
    template: TemplateSpec,
    state: TemplateState,
    fulfils: Collection[int],
    resets: Mapping[int, int],
    time: datetime.datetime,
) -> Iterator[RequirementChange]:
    """The requirements to which the event applies: their remembered time becomes the event's (S8)."""
    for requirement in template.requirements:
        known = state.requirements.get(requirement.id)
        was_fulfilled = known is not None and known.fulfilled
        if requirement.id in resets and _is_in_time(known, time):
            yield RequirementChange(
                template.id, requirement.id, fulfilled=False, flipped=was_fulfilled, penalty_id=resets[requirement.id]
            )
        elif requirement.id in fulfils and _is_newer(known, time):
            yield RequirementChange(template.id, requirement.id, fulfilled=True, flipped=not was_fulfilled)


def _outcome(
    template: TemplateSpec, state: TemplateState, changes: Collection[RequirementChange], counts: bool
) -> TemplateOutcome:
    """How the template stands after ``changes``; ``counts`` tells whether the event can award."""
    before = {requirement_id for requirement_id, known in state.requirements.items() if known.fulfilled}
    after = before.union(change.requirement_id for change in changes if change.fulfilled)
    after.difference_update(change.requirement_id for change in changes if not change.fulfilled)
    groups = groups_of(template.requirements)
    outcome = TemplateOutcome(template.id, sum(_is_done(group, after) for group in groups), len(groups))
    decision: Decision | None = None
    if state.status == "awarded":
        if any(_is_done(group, before) and not _is_done(group, after) for group in groups):
            decision = "revoke"
    elif outcome.complete and counts and _may_award(template, state):
        decision = "award"
    return dataclasses.replace(outcome, decision=decision)


def _may_award(template: TemplateSpec, state: TemplateState) -> bool:
    """Whether the learner, who does not hold the badge, may have it: for the first time, or again (S25)."""
    return not state.held_back and (state.status is None or template.allow_reaward)
