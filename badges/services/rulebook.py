"""The rules in force: read from the database, kept in memory, read again when their version has changed (S26)."""

from __future__ import annotations

import dataclasses
import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet

from badges import clock
from badges.conf import conf
from badges.data import PenaltySpec, RequirementSpec, RuleSpec, TemplateSpec
from badges.engine.rulebook import MOST_AMENDED, Rulebook
from badges.models import (
    BadgePenalty,
    BadgeRequirement,
    BadgeTemplate,
    DataRule,
    PenaltyDataRule,
    PenaltyTarget,
    RulebookVersion,
)
from badges.services import watching

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class TemplateFacts:
    """What an award writes and announces of a template, beside its rules."""

    uuid: uuid.UUID
    provider: str
    name: str
    description: str
    image_url: str


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """One version of the configuration, whole."""

    book: Rulebook
    facts: Mapping[int, TemplateFacts]


_cached: tuple[Rules, float] | None = None
"""The rules, and until when they may be used without a look at their version, on the monotonic clock."""


def current() -> Rules:
    """
    The rules in force, at most ``RULEBOOK_MAX_AGE`` seconds old.

    Costs nothing while they are younger, one query when they have to be checked, and a reading of the templates that
    have changed when their version has.
    """
    global _cached
    rules = at_hand()
    if rules is not None:
        return rules
    now = clock.monotonic()
    known = _cached[0] if _cached is not None else None
    rules = known if known is not None and is_current(known) else load(known)
    _cached = (rules, now + conf.rulebook_max_age)
    return rules


def at_hand() -> Rules | None:
    """The rules in force, where they are known without a query; else None."""
    known = _cached
    return known[0] if known is not None and clock.monotonic() < known[1] else None


def confirmed() -> Rules | None:
    """
    The rules in force, as far as a look at their version tells that is made without Django's connection
    (:mod:`badges.services.watching`); None where :func:`current` has to have it.
    """
    global _cached
    known, now = _cached, clock.monotonic()
    if known is None or watching.version() != known[0].book.version:
        return None
    _cached = (known[0], now + conf.rulebook_max_age)
    return known[0]


def may_change(*, event_type: str, payload: object, look: bool = False) -> bool | None:
    """
    Whether handling such an event may change anything, answered without a query: False only where no requirement or
    penalty of the rules in force applies. None where the rules have to be looked at before that can be told.

    With ``look`` they are, over a connection that is kept for that, unless they have changed: for a receiver in a
    process that keeps Django's connection closed. No error: True where the event makes trouble.
    """
    known = _cached  # as in at_hand(); every event comes here, and the call would be a part of what most of them cost
    try:
        if known is not None and clock.monotonic() < known[1]:
            return known[0].book.match(event_type, payload) is not None
        rules = confirmed() if look else None
        return None if rules is None else rules.book.match(event_type, payload) is not None
    except Exception:  # noqa: BLE001 - whatever it is, handling the event meets it again, and keeps the event
        return True


def is_current(rules: Rules) -> bool:
    """Whether ``rules`` are those of the newest version, as the database says now."""
    return RulebookVersion.current() == rules.book.version


def forget() -> None:
    """Read the configuration again at the next event, for when it is known to have changed."""
    global _cached
    _cached = None


def load(known: Rules | None = None) -> Rules:
    """
    Read the configuration between two readings of the same version, so that half a change is never seen.

    Only what has changed since ``known``, where that can be told.
    """
    while True:
        row = RulebookVersion.objects.filter(pk=1).first() or RulebookVersion(version=0)
        version = row.version
        may_amend = known is not None and row.tells_since(known.book.version)
        rules = _amended(known, version) if known is not None and may_amend else _whole(version)
        if RulebookVersion.current() == version:
            break
    for problem in rules.book.problems:
        logger.error("A rule never applies: %s", problem, extra={"action": "rulebook_problem"})
    return rules


def _active() -> QuerySet[BadgeTemplate]:
    return BadgeTemplate.objects.filter(is_active=True, state=BadgeTemplate.State.ACTIVE)


def _whole(version: int) -> Rules:
    templates = _active()
    return Rules(Rulebook(template_specs(templates), version), _facts(templates))


def _amended(known: Rules, version: int) -> Rules:
    versions = dict(_active().values_list("pk", "rules_version"))
    changed = [pk for pk, changed_at in versions.items() if changed_at > known.book.version or pk not in known.facts]
    if len(changed) > MOST_AMENDED:
        return _whole(version)
    removed = known.facts.keys() - versions.keys()
    templates = _active().filter(pk__in=changed)
    book = known.book.amended(template_specs(templates), removed, version)
    facts = {pk: facts for pk, facts in known.facts.items() if pk in versions} | _facts(templates)
    return Rules(book, facts)


def _facts(templates: Iterable[BadgeTemplate]) -> dict[int, TemplateFacts]:
    return {
        template.pk: TemplateFacts(
            template.uuid, template.provider, template.name, template.description, template.image_url
        )
        for template in templates
    }


def template_specs(templates: QuerySet[BadgeTemplate]) -> list[TemplateSpec]:
    """
    ``templates`` with their requirements and penalties as the engine takes them, in six queries whatever their
    number.
    """
    which = templates.order_by().values("pk")
    requirement_rules = _rules(DataRule.objects.filter(requirement__template__in=which), "requirement_id")
    penalty_rules = _rules(PenaltyDataRule.objects.filter(penalty__template__in=which), "penalty_id")

    targets = defaultdict(list)
    links = PenaltyTarget.objects.filter(penalty__template__in=which).order_by("id")
    for penalty_id, requirement_id in links.values_list("penalty_id", "requirement_id"):
        targets[penalty_id].append(requirement_id)

    requirements = defaultdict(list)
    rows = BadgeRequirement.objects.filter(template__in=which).order_by("id")
    for pk, template_id, key, event_type, group in rows.values_list("id", "template_id", "key", "event_type", "group"):
        requirements[template_id].append(RequirementSpec(pk, key, event_type, group, tuple(requirement_rules[pk])))

    penalties = defaultdict(list)
    rows = BadgePenalty.objects.filter(template__in=which).order_by("id")
    for pk, template_id, key, event_type in rows.values_list("id", "template_id", "key", "event_type"):
        penalties[template_id].append(PenaltySpec(pk, key, event_type, tuple(targets[pk]), tuple(penalty_rules[pk])))

    return [
        TemplateSpec(
            id=template.pk,
            uuid=template.uuid,
            name=template.name,
            allow_reaward=template.allow_reaward,
            requirements=tuple(requirements[template.pk]),
            penalties=tuple(penalties[template.pk]),
        )
        for template in templates
    ]


def _rules(rows: QuerySet[Any], owner: str) -> Mapping[int, list[RuleSpec]]:
    rules: dict[int, list[RuleSpec]] = defaultdict(list)
    for owner_id, path, operator, value in rows.order_by("id").values_list(owner, "path", "operator", "value"):
        rules[owner_id].append(RuleSpec(path, operator, value))
    return rules
