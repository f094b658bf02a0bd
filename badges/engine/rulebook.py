"""All active requirements and penalties, indexed so that an event costs what it matches, not what is configured."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from badges.data import PenaltySpec, RequirementSpec, RuleSpec, TemplateSpec
from badges.engine.disclosure import PERSONAL, is_personal
from badges.engine.index import Bunch, Index, Reading, Trigger
from badges.engine.rules import Rule, compile_rule
from badges.exceptions import RuleError

MOST_AMENDED: Final = 500
"""Templates that may have changed before a new book is made, so that matching does not get slower with every change."""


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

    It is one layer, or two: an index of many templates, and a small one of those that have changed since that was made.
    """

    __slots__ = ("_layers", "_penalties", "_requirements", "_templates", "problems", "version")

    def __init__(self, templates: Iterable[TemplateSpec], version: int) -> None:
        self._set_up({template.id: template for template in templates}, version)

    def amended(self, changed: Iterable[TemplateSpec], removed: Collection[int], version: int) -> Rulebook:
        """
        The book in which the ``changed`` templates, new ones among them, have taken the place of what was here, and
        those with the ids ``removed`` are gone. ``problems`` are those of the templates that have changed.

        Costs what has changed, until that is much; then, what making a new book costs.
        """
        new = {template.id: template for template in changed}
        templates = {key: spec for key, spec in (self._templates | new).items() if key not in removed}
        base, *others = self._layers
        touched = base.stale.union(new, removed, *(layer.template_ids for layer in others))
        if len(touched) > MOST_AMENDED:
            return Rulebook(templates.values(), version)
        book = Rulebook.__new__(Rulebook)
        top = _Layer(templates[key] for key in sorted(touched & templates.keys()))
        book._set_up(templates, version, base.without(touched), top)
        return book

    def _set_up(self, templates: dict[int, TemplateSpec], version: int, *layers: _Layer) -> None:
        self.version = version
        self._templates = templates
        self._requirements: dict[int, RequirementSpec] = {}
        self._penalties: dict[int, PenaltySpec] = {}
        for template in templates.values():
            for requirement in template.requirements:
                self._requirements[requirement.id] = requirement
            for penalty in template.penalties:
                self._penalties[penalty.id] = penalty
        self._layers = layers or (_Layer(templates.values()),)
        self.problems = self._layers[-1].problems

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
        found = []
        for layer in self._layers:
            index = layer.indexes.get(event_type)
            candidates = index.candidates(payload) if index is not None else ()
            if candidates:
                found.append((candidates, layer.stale))
        if not found:  # of nearly all events
            return None
        applying = _applying(found, Reading(payload))
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


def _applying(
    found: Iterable[tuple[Sequence[Bunch], frozenset[int]]], reading: Reading
) -> Mapping[tuple[int, int], Trigger]:
    """Of the candidates that were found, with the ids of templates that do not count, those whose rules hold."""
    return {
        trigger.position: trigger
        for candidates, stale in found
        for bunch in candidates
        if reading.all_hold(bunch.rules)
        for trigger in bunch.triggers
        if trigger.template.id not in stale
    }


class _Layer:
    """
    The indexes of some templates by event type; what is in them of the templates with the ids ``stale`` does not count.
    """

    __slots__ = ("indexes", "problems", "stale", "template_ids")

    def __init__(self, templates: Iterable[TemplateSpec]) -> None:
        templates = list(templates)
        by_type, self.problems = _sort(templates)
        self.indexes = {event_type: Index(triggers) for event_type, triggers in by_type.items()}
        self.template_ids = frozenset(template.id for template in templates)
        self.stale: frozenset[int] = frozenset()

    def without(self, template_ids: frozenset[int]) -> _Layer:
        """The same but for these."""
        layer = _Layer.__new__(_Layer)
        layer.indexes, layer.problems, layer.template_ids = self.indexes, self.problems, self.template_ids
        layer.stale = template_ids
        return layer


def _sort(templates: Iterable[TemplateSpec]) -> tuple[Mapping[str, list[Trigger]], tuple[str, ...]]:
    """The triggers of ``templates`` by event type, and what is wrong with those that are left out."""
    by_type: dict[str, list[Trigger]] = defaultdict(list)
    problems: list[str] = []
    compiled: dict[RuleSpec, Rule] = {}
    for template in templates:
        owners: tuple[RequirementSpec | PenaltySpec, ...] = (*template.requirements, *template.penalties)
        for place, owner in enumerate(owners):
            try:
                penalty_id, targets = _effect(template, owner)
                rules = tuple(_shared(spec, compiled) for spec in owner.rules)
            except RuleError as error:
                problems.append(f"Template {template.uuid}, {owner.key}: {error}")
                continue
            by_type[owner.event_type].append(Trigger((template.id, place), template, penalty_id, targets, rules))
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
