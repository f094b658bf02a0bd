"""A badge template at a glance: what has to be done for it, what takes it back, and what is wrong with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from django.utils.safestring import SafeString
from django.utils.translation import gettext

from badges import api
from badges.admin import words
from badges.admin.accounts import problem_with
from badges.admin.columns import breakable, page
from badges.admin.rules import refusal
from badges.data import RuleSpec
from badges.models import BadgePenalty, BadgeRequirement, BadgeTemplate
from badges.models.requirement import AbstractDataRule


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One requirement or penalty; ``rules`` are sentences, ``any_event`` says that there are none (S11)."""

    key: str
    description: str
    event_type: SafeString
    rules: list[str]
    any_event: bool
    resets: list[str]
    address: str


@dataclasses.dataclass(slots=True)
class Group:
    """Requirements one of which is enough; ``name`` is empty where there is only one (S16)."""

    name: str
    steps: list[Step]


@dataclasses.dataclass(frozen=True, slots=True)
class Outline:
    """
    ``faults`` make activating impossible; ``warnings`` say why the badge would not be earned or not reach learners.
    """

    groups: list[Group]
    penalties: list[Step]
    faults: list[str]
    warnings: list[str]


def outline(template: BadgeTemplate) -> Outline:
    """The template as it is stored now; the same number of queries for any number of requirements."""
    requirements = list(template.requirements.prefetch_related("rules"))
    penalties = list(template.penalties.prefetch_related("rules", "requirements"))
    return Outline(
        _groups(requirements),
        [_step(penalty) for penalty in penalties],
        _faults(requirements, penalties),
        _warnings(template),
    )


def _groups(requirements: Iterable[BadgeRequirement]) -> list[Group]:
    named: dict[str, Group] = {}
    groups: list[Group] = []
    for requirement in requirements:
        step = _step(requirement)
        if requirement.group in named:
            named[requirement.group].steps.append(step)
            continue
        group = Group(requirement.group, [step])
        groups.append(group)
        if requirement.group:
            named[requirement.group] = group
    return groups


def _step(row: BadgeRequirement | BadgePenalty) -> Step:
    rules = list(row.rules.all())
    resets = [requirement.key for requirement in row.requirements.all()] if isinstance(row, BadgePenalty) else []
    return Step(row.key, row.description, breakable(row.event_type), words.rules(rules), not rules, resets, page(row))


def _faults(requirements: list[BadgeRequirement], penalties: list[BadgePenalty]) -> list[str]:
    faults = []
    if not requirements:
        faults.append(gettext("It has no requirements, so nobody could ever earn it. Add at least one."))
    rows: list[BadgeRequirement | BadgePenalty] = [*requirements, *penalties]
    for row in rows:
        if row.event_type not in api.event_types():
            fault = gettext("events of the type %(type)s take no part here, see BADGES['EVENT_TYPES']")
            faults.append(f"{row.key}: {fault % {'type': row.event_type}}")
        else:
            faults += [f"{row.key}: {fault}" for rule in row.rules.all() if (fault := _refusal(row.event_type, rule))]
    for penalty in penalties:
        if not penalty.requirements.all():
            faults.append(gettext("%(key)s: it resets nothing; choose a requirement for it") % {"key": penalty.key})
    return faults


def _refusal(event_type: str, rule: AbstractDataRule) -> str:
    return refusal(event_type, RuleSpec(rule.path, rule.operator, rule.value))


def _warnings(template: BadgeTemplate) -> list[str]:
    warnings = []
    if template.state != BadgeTemplate.State.ACTIVE:
        text = gettext(
            "It is “%(state)s” at the provider, and nobody earns it until it is “active” there and synchronized."
        )
        warnings.append(text % {"state": template.get_state_display()})
    if problem := problem_with(template.account):
        text = gettext("Its badges are awarded, but wait to be issued. Account %(account)s: %(problem)s")
        warnings.append(text % {"account": template.account, "problem": problem})
    return warnings
