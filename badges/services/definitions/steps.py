"""Requirements, penalties and their rules, from the nodes of a definition file."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from badges.conf import conf
from badges.data import RuleSpec
from badges.engine.operators import OPERATORS
from badges.eventbus.signals import check_rule, field_at, problem_with
from badges.exceptions import RuleError
from badges.models import BadgeRequirement, DataRule
from badges.services.definitions.document import Node, Place
from badges.services.definitions.model import PenaltyDefinition, PlacedRule, RequirementDefinition
from badges.services.definitions.reading import Fields, Problems, closest, read_text

REQUIREMENT_KEYS = ("key", "event_type", "group", "description", "rules")
PENALTY_KEYS = ("key", "event_type", "description", "requirements", "rules")
RULE_KEYS = ("path", "operator", "value")


def read_requirement(problems: Problems, node: Node, seen: dict[str, Place]) -> RequirementDefinition | None:
    """One requirement; ``seen`` holds the keys of those before it."""
    fields = Fields(problems, node, REQUIREMENT_KEYS, required=("key",))
    key, given, rules = _step(problems, fields)
    given |= fields.texts(["group"], BadgeRequirement)
    if key is None:
        return None
    problems.unique(key, fields.place_of("key"), seen, "the requirement")
    return RequirementDefinition(node.place, key, given, fields.places, rules)


def read_penalty(
    problems: Problems, node: Node, seen: dict[str, Place], known: Collection[str] | None
) -> PenaltyDefinition | None:
    """One penalty; ``known`` are the template's requirements, None when the file leaves them alone."""
    fields = Fields(problems, node, PENALTY_KEYS, required=("key",))
    key, given, rules = _step(problems, fields)
    resets: dict[str, Place] = {}
    linked: dict[str, Place] = {}
    targets = fields.items("requirements")
    for item in targets:
        target = read_text(problems, item, BadgeRequirement, "key")
        if target is None:
            continue
        if known is not None and target not in known:
            problems.add(item.place, f"the template has no requirement {target!r}; {closest(target, known)}")
        elif problems.unique(target, item.place, linked, "the requirement"):
            resets[target] = item.place
    if "requirements" in fields and not targets:
        problems.add(fields.place_of("requirements"), "a penalty resets at least one requirement; name it")
    if key is None:
        return None
    problems.unique(key, fields.place_of("key"), seen, "the penalty")
    return PenaltyDefinition(node.place, key, given, fields.places, rules, resets if "requirements" in fields else None)


def check_placed_rule(problems: Problems, event_type: str, rule: PlacedRule) -> None:
    """Collect what makes ``rule`` unfit for events of ``event_type`` (S14, S15)."""
    try:
        check_rule(event_type, rule.spec)
    except RuleError as error:
        # The other two are told at the rule: which of them has to change is for its author to say.
        is_path = field_at(event_type, rule.spec.path) is None
        problems.add(rule.path_place if is_path else rule.place, str(error))


def _step(problems: Problems, fields: Fields) -> tuple[str | None, dict[str, Any], tuple[PlacedRule, ...] | None]:
    """What requirements and penalties have in common: the key, the texts that are given, the rules."""
    given = fields.texts(["event_type", "description"], BadgeRequirement)
    event_type = given.get("event_type")
    if event_type is not None and not _takes_part(problems, event_type, fields.place_of("event_type")):
        event_type = None
    rules = [_rule(problems, item, event_type) for item in fields.items("rules")]
    key = fields.text("key", BadgeRequirement)
    return key, given, tuple(filter(None, rules)) if "rules" in fields else None


def _rule(problems: Problems, node: Node, event_type: str | None) -> PlacedRule | None:
    fields = Fields(problems, node, RULE_KEYS, required=RULE_KEYS)
    path, operator, value = fields.text("path", DataRule), fields.text("operator"), fields.raw_text("value")
    if operator is not None and operator not in OPERATORS:
        known = ", ".join(OPERATORS)
        problems.add(fields.place_of("operator"), f"unknown operator {operator!r}; use one of {known}")
        return None
    if path is None or operator is None or value is None:
        return None
    rule = PlacedRule(node.place, fields.place_of("path"), RuleSpec(path, operator, value))
    if event_type is not None:
        check_placed_rule(problems, event_type, rule)
    return rule


def _takes_part(problems: Problems, event_type: str, place: Place) -> bool:
    """Whether events of that type reach the rules (S5)."""
    problem = problem_with(event_type)
    if problem is not None:
        problems.add(place, f"{event_type!r} cannot be used: {problem}")
    elif event_type not in conf.event_types:
        problems.add(place, f"events of type {event_type!r} take no part here; list it in BADGES['EVENT_TYPES']")
    else:
        return True
    return False
