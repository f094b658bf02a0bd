"""All active requirements and penalties, indexed so that an event costs what it matches, not what is configured."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from badges.data import PenaltySpec, RequirementSpec, RuleSpec, TemplateSpec
from badges.engine.disclosure import PERSONAL, is_personal
from badges.engine.index import Index, Reading, Trigger
from badges.engine.rules import Rule, compile_rule
from badges.exceptions import RuleError


@dataclasses.dataclass(frozen=True, slots=True)
class Match:
    """
    What applies to one event.

    ``fulfils`` are the ids of the requirements that it fulfils; ``resets`` maps those that it resets to the id of the
    penalty, the first if there are several. No requirement is in both: a reset wins (S6). ``templates`` are those
    touched.
    """

    fulfils: tuple[int, ...]
    resets: Mapping[int, int]
    templates: tuple[TemplateSpec, ...] = dataclasses.field(repr=False)
    rulebook: Rulebook = dataclasses.field(repr=False, compare=False)
    payload: object = dataclasses.field(repr=False, compare=False)

    @property
    def requirement_ids(self) -> tuple[int, ...]:
        """All requirements that the event says something about."""
        return (*self.fulfils, *self.resets)

    def saw(self, requirement_id: int, penalty_id: int | None = None) -> list[dict[str, Any]]:
        """
        What the rules of the requirement, or of the penalty that reset it, saw in the event (S37).

        One mapping a rule, fit for JSON and without personal data: ``path``, ``operator``, ``value``, ``saw``.
        """
        return [
            {
                "path": rule.spec.path,
                "operator": rule.spec.operator,
                "value": PERSONAL if is_personal(rule.spec.path) else rule.spec.value,
                "saw": rule.saw(self.payload),
            }
            for rule in self._rules(requirement_id, penalty_id)
        ]

    def explain(self, requirement_id: int, penalty_id: int | None = None) -> list[str]:
        """The same in words, one sentence a rule (S38)."""
        return [rule.explain(self.payload) for rule in self._rules(requirement_id, penalty_id)]

    def _rules(self, requirement_id: int, penalty_id: int | None) -> list[Rule]:
        book = self.rulebook
        owner = book.requirement(requirement_id) if penalty_id is None else book.penalty(penalty_id)
        return [compile_rule(spec) for spec in owner.rules]


class Rulebook:
    """
    One version of the configuration. Once made it does not change, so any number of threads can use it.

    ``problems`` tells, a sentence each, which requirements and penalties never apply because they cannot be used as
    they are. The others are not affected.
    """

    __slots__ = ("_indexes", "_penalties", "_requirements", "_templates", "problems", "version")

    def __init__(self, templates: Iterable[TemplateSpec], version: int) -> None:
        self.version = version
        self._templates = {template.id: template for template in templates}
        self._requirements: dict[int, RequirementSpec] = {}
        self._penalties: dict[int, PenaltySpec] = {}
        for template in self._templates.values():
            self._requirements.update((requirement.id, requirement) for requirement in template.requirements)
            self._penalties.update((penalty.id, penalty) for penalty in template.penalties)
        by_type, self.problems = _sort(self._templates.values())
        self._indexes = {event_type: Index(triggers) for event_type, triggers in by_type.items()}

    @property
    def event_types(self) -> frozenset[str]:
        """The types of the events that something depends on."""
        return frozenset(self._indexes)

    def template(self, template_id: int) -> TemplateSpec:
        """Raises ``KeyError`` for a template that is not in the book."""
        return self._templates[template_id]

    def requirement(self, requirement_id: int) -> RequirementSpec:
        """Raises ``KeyError`` for a requirement of no template in the book."""
        return self._requirements[requirement_id]

    def penalty(self, penalty_id: int) -> PenaltySpec:
        """Raises ``KeyError`` for a penalty of no template in the book."""
        return self._penalties[penalty_id]

    def match(self, event_type: str, payload: object) -> Match | None:
        """What applies to an event with that payload (S10, S11); None when nothing does."""
        index = self._indexes.get(event_type)
        if index is None:
            return None
        reading = Reading(payload)
        applying = {
            trigger.position: trigger
            for bunch in index.candidates(reading)
            if reading.all_hold(bunch.rules)
            for trigger in bunch.triggers
        }
        if not applying:
            return None
        triggers = [applying[position] for position in sorted(applying)]
        resets: dict[int, int] = {}
        for trigger in triggers:
            if trigger.penalty_id is not None:
                for requirement_id in trigger.targets:
                    resets.setdefault(requirement_id, trigger.penalty_id)
        return Match(
            fulfils=tuple(
                requirement_id
                for trigger in triggers
                if trigger.penalty_id is None
                for requirement_id in trigger.targets
                if requirement_id not in resets
            ),
            resets=MappingProxyType(resets),
            templates=tuple({trigger.template.id: trigger.template for trigger in triggers}.values()),
            rulebook=self,
            payload=payload,
        )


def _sort(templates: Iterable[TemplateSpec]) -> tuple[Mapping[str, list[Trigger]], tuple[str, ...]]:
    """The triggers of ``templates`` by event type, and what is wrong with those that are left out."""
    by_type: dict[str, list[Trigger]] = defaultdict(list)
    problems: list[str] = []
    compiled: dict[RuleSpec, Rule] = {}
    position = 0
    for template in templates:
        owners: tuple[RequirementSpec | PenaltySpec, ...] = (*template.requirements, *template.penalties)
        for owner in owners:
            try:
                penalty_id, targets = _effect(template, owner)
                rules = tuple(_shared(spec, compiled) for spec in owner.rules)
            except RuleError as error:
                problems.append(f"Template {template.uuid}, {owner.key}: {error}")
                continue
            by_type[owner.event_type].append(Trigger(position, template, penalty_id, targets, rules))
            position += 1
    return by_type, tuple(problems)


def _effect(template: TemplateSpec, owner: RequirementSpec | PenaltySpec) -> tuple[int | None, tuple[int, ...]]:
    """Which penalty it is, if it is one, and the requirements it fulfils or resets."""
    if isinstance(owner, RequirementSpec):
        return None, (owner.id,)
    own = {requirement.id for requirement in template.requirements}
    targets = tuple(requirement_id for requirement_id in owner.requirement_ids if requirement_id in own)
    if not targets:
        raise RuleError("the penalty resets no requirement of its template. Link it to one.")
    return owner.id, targets


def _shared(spec: RuleSpec, compiled: dict[RuleSpec, Rule]) -> Rule:
    """The rule ``spec``, one for all equal ones. Raises :class:`RuleError`."""
    rule = compiled.get(spec)
    if rule is None:
        rule = compiled[spec] = compile_rule(spec)
    return rule
