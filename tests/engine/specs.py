"""Short ways to write the engine's inputs."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable

from badges.data import PenaltySpec, RequirementSpec, RuleSpec, TemplateSpec
from badges.engine.rules import compile_rule
from badges.exceptions import RuleError

PASSING = "org.openedx.learning.course.passing.status.updated.v1"
START = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)


def at(minutes: int) -> datetime.datetime:
    """A moment so many minutes after the start."""
    return START + datetime.timedelta(minutes=minutes)


def rule(path: str, operator: str, value: str) -> RuleSpec:
    return RuleSpec(path=path, operator=operator, value=value)


def holds(payload_value: object, operator: str, text: str) -> bool:
    """
    Whether a rule on a field holds for a payload that has ``payload_value`` in that field.

    It doesn't where it is refused at once, because it can hold for no payload.
    """
    try:
        compiled = compile_rule(rule("field", operator, text))
    except RuleError:
        return False
    return compiled.holds({"field": payload_value})


def requirement(
    id_: int, *rules: RuleSpec, group: str = "", event_type: str = PASSING, key: str = ""
) -> RequirementSpec:
    return RequirementSpec(id=id_, key=key or f"requirement-{id_}", event_type=event_type, group=group, rules=rules)


def penalty(id_: int, resets: Iterable[int], *rules: RuleSpec, event_type: str = PASSING) -> PenaltySpec:
    return PenaltySpec(id=id_, key=f"penalty-{id_}", event_type=event_type, requirement_ids=tuple(resets), rules=rules)


def template(
    id_: int,
    requirements: Iterable[RequirementSpec] = (),
    penalties: Iterable[PenaltySpec] = (),
    *,
    allow_reaward: bool = True,
) -> TemplateSpec:
    return TemplateSpec(
        id=id_,
        uuid=uuid.UUID(int=id_),
        name=f"Template {id_}",
        allow_reaward=allow_reaward,
        requirements=tuple(requirements),
        penalties=tuple(penalties),
    )
