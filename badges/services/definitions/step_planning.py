"""The requirements and penalties of one template, compared with those that are stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from badges.data import RuleSpec
from badges.models import BadgePenalty, BadgeRequirement, BadgeTemplate
from badges.services.definitions.model import PenaltyDefinition, PlacedRule, RequirementDefinition, TemplateDefinition
from badges.services.definitions.plan import Entry, Plan, assign, compare_rules
from badges.services.definitions.reading import Problems, closest
from badges.services.definitions.steps import check_placed_rule
from badges.services.definitions.stored import StoredStep, StoredTemplate


class StepPlanner:
    """Plans what one template is made of; ``row`` is the template's, ``known`` what is stored of it."""

    def __init__(
        self,
        plan: Plan,
        problems: Problems,
        template: TemplateDefinition,
        known: StoredTemplate | None,
        row: BadgeTemplate,
        *,
        prune: bool,
    ) -> None:
        self._plan = plan
        self._problems = problems
        self._template = template
        self._row = row
        self._prune = prune
        self._requirements: Mapping[str, StoredStep] = known.requirements if known else {}
        self._penalties: Mapping[str, StoredStep] = known.penalties if known else {}

    def plan_requirements(self, fulfilled: Mapping[int, int]) -> dict[str, BadgeRequirement]:
        """
        The rows by key as they will be. ``fulfilled`` counts, by requirement id, the learners who lose what they did
        for one that is removed.
        """
        if self._template.requirements is None:
            return {key: step.row for key, step in self._requirements.items()}
        rows: dict[str, BadgeRequirement] = {}
        for definition in self._template.requirements:
            step = self._requirements.get(definition.key)
            if step is None:
                row = self._new(BadgeRequirement, "requirement", definition)
            else:
                row = self._existing("requirement", definition, step)
            rows[definition.key] = row
        for key, step in self._requirements.items():
            if key not in rows:
                learners = fulfilled.get(step.row.pk, 0)
                self._remove(
                    "requirement", key, step, f", with what learners did for it ({learners})" if learners else ""
                )
        return rows

    def plan_penalties(self, requirements: Mapping[str, BadgeRequirement]) -> None:
        """``requirements`` are the rows by key as they will be."""
        if self._template.penalties is None:
            for key, step in self._penalties.items():
                self._check_kept(key, step, requirements)
            return
        for definition in self._template.penalties:
            self._penalty(definition, self._penalties.get(definition.key), requirements)
        named = {definition.key for definition in self._template.penalties}
        for key, step in self._penalties.items():
            if key not in named:
                self._remove("penalty", key, step)

    # --- one requirement or penalty --------------------------------------------------------------------------

    def _penalty(
        self, definition: PenaltyDefinition, step: StoredStep | None, requirements: Mapping[str, BadgeRequirement]
    ) -> None:
        resets = self._resets(definition, step, requirements)
        if step is None:
            if definition.resets is None:
                self._problems.missing(definition.place, ["requirements"], "penalty")
            self._new(BadgePenalty, "penalty", definition, resets=resets)
            return
        told = [] if resets is None else [f"resets {_listed(step.resets)} -> {_listed(row.key for row in resets)}"]
        self._existing("penalty", definition, step, told, resets=resets)

    def _new(self, model: type[Any], what: str, definition: RequirementDefinition, **replaced: Any) -> Any:
        if "event_type" not in definition.places:
            self._problems.missing(definition.place, ["event_type"], what)
        row = model(template=self._row, key=definition.key, **definition.given)
        rules = _specs(definition.rules or ())
        warning = "" if rules else ", without rules: it applies to every event of its type"
        line = f"{self._name(what, definition.key)}: added{warning}"
        self._plan.entries.append(Entry(row, "new", line, rules=rules, **replaced))
        return row

    def _existing(
        self,
        what: str,
        definition: RequirementDefinition,
        step: StoredStep,
        links: Iterable[str] = (),
        **replaced: Any,
    ) -> Any:
        event_type = definition.given.get("event_type", step.row.event_type)
        if definition.rules is None:
            rules = step.rules
            kept = tuple(PlacedRule(definition.place, definition.place, spec) for spec in rules)
        else:
            rules = _specs(definition.rules)
            kept = definition.rules
        # Rules and event type that stand in the file together were checked when it was read.
        if (definition.rules is None) == ("event_type" in definition.given):
            for rule in kept:
                check_placed_rule(self._problems, event_type, rule)
        changed = assign(step.row, definition.given)
        self._plan.add(
            self._name(what, definition.key),
            step.row,
            changed,
            [*compare_rules(step.rules, rules), *links],
            rules=None if rules == step.rules else rules,
            **replaced,
        )
        return step.row

    def _remove(self, what: str, key: str, step: StoredStep, loss: str = "") -> None:
        if not self._prune:
            self._problems.add(
                self._template.places["requirements" if what == "requirement" else "penalties"],
                f"the {what} {key!r} is stored and not in the file; it would be removed{loss}. "
                "Load with --prune to remove it, or put it back",
            )
        self._plan.entries.append(Entry(step.row, "removed", f"{self._name(what, key)}: removed{loss}"))

    def _name(self, what: str, key: str) -> str:
        return f"template {self._template.uuid}, {what} {key}"

    # --- what a penalty resets -------------------------------------------------------------------------------

    def _resets(
        self, definition: PenaltyDefinition, step: StoredStep | None, requirements: Mapping[str, BadgeRequirement]
    ) -> list[BadgeRequirement] | None:
        """The requirements that the penalty resets from now on, None when they stay as they are."""
        if definition.resets is None:
            if step is not None:
                self._check_kept(definition.key, step, requirements)
            return None
        for key, place in definition.resets.items():
            if key not in requirements:
                self._problems.add(place, f"the template has no requirement {key!r}; {closest(key, requirements)}")
        if step is not None and set(definition.resets) == set(step.resets):
            return None
        return [requirements[key] for key in definition.resets if key in requirements]

    def _check_kept(self, key: str, step: StoredStep, requirements: Collection[str]) -> None:
        """A penalty whose links the file leaves alone must not lose one of them by a removal."""
        for lost in step.resets:
            if lost not in requirements:
                self._problems.add(
                    self._template.places["requirements"],
                    f"the stored penalty {key!r} resets {lost!r}, which is not here; give its new requirements",
                )


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(sorted(keys)) or "nothing"


def _specs(rules: Iterable[PlacedRule]) -> tuple[RuleSpec, ...]:
    return tuple(rule.spec for rule in rules)
