"""What is stored of the accounts and templates that a definition file is about, read in a fixed number of queries."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from badges.data import RuleSpec
from badges.models import BadgePenalty, BadgeRequirement, BadgeTemplate, ProviderAccount
from badges.services.rulebook import template_specs

BATCH = 2_000
"""Ids in one statement; databases limit them (SQLite: 32,766)."""

T = TypeVar("T")
AccountKey = tuple[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class StoredStep:
    """A requirement or a penalty, with its rules; ``resets`` are the keys of the requirements that a penalty resets."""

    row: Any
    rules: tuple[RuleSpec, ...] = ()
    resets: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class StoredTemplate:
    """A template with its requirements and penalties by key, in the order of their ids."""

    row: BadgeTemplate
    requirements: Mapping[str, StoredStep]
    penalties: Mapping[str, StoredStep]


def account_key(provider: str, external_id: str) -> AccountKey:
    """What identifies an account: in a UUID, capitals make no difference."""
    return provider, external_id.casefold()


def read_accounts() -> dict[AccountKey, ProviderAccount]:
    """All accounts; there are few."""
    rows = ProviderAccount.objects.order_by("pk")
    return {account_key(row.provider, row.external_id): row for row in rows}


def read_templates(uuids: Collection[uuid.UUID]) -> dict[uuid.UUID, StoredTemplate]:
    """Those of the templates that are there, by uuid."""
    found: dict[uuid.UUID, StoredTemplate] = {}
    for batch in batches(sorted(uuids)):
        rows = BadgeTemplate.objects.filter(uuid__in=batch).select_related("account").order_by("pk")
        specs = template_specs(rows)
        requirements = BadgeRequirement.objects.in_bulk([step.id for spec in specs for step in spec.requirements])
        penalties = BadgePenalty.objects.in_bulk([step.id for spec in specs for step in spec.penalties])
        for row, spec in zip(rows, specs, strict=True):
            keys = {step.id: step.key for step in spec.requirements}
            found[row.uuid] = StoredTemplate(
                row,
                {step.key: StoredStep(requirements[step.id], step.rules) for step in spec.requirements},
                {
                    step.key: StoredStep(
                        penalties[step.id], step.rules, tuple(keys[pk] for pk in step.requirement_ids if pk in keys)
                    )
                    for step in spec.penalties
                },
            )
    return found


def batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """``items`` in pieces that fit into one statement."""
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
