"""Carrying out a plan, in a number of statements that grows with the batches, not with the rows."""

from __future__ import annotations

from typing import Any

from badges import clock
from badges.models import (
    BadgePenalty,
    BadgeRequirement,
    BadgeTemplate,
    DataRule,
    PenaltyDataRule,
    PenaltyTarget,
    ProviderAccount,
)
from badges.services.definitions.plan import Plan
from badges.services.definitions.stored import BATCH, batches
from badges.services.sites import default_site

FEW = 200
"""Rows in one UPDATE that gives each its own values: it compares every row with every other."""


def write(plan: Plan) -> None:
    """
    Write all of ``plan``, inside the caller's transaction; writes to rules raise the rulebook's version.

    Raises :class:`ConfigurationError` when there is no site for new templates.
    """
    for account in plan.rows(ProviderAccount, "new"):
        account.save()
    for entry in plan.of(ProviderAccount, "changed"):
        entry.row.save(update_fields=[*entry.fields, "modified"])  # not what a delivery notes meanwhile (S30)
    for model in (BadgePenalty, BadgeRequirement):
        for batch in batches([row.pk for row in plan.rows(model, "removed")]):
            model.objects.filter(pk__in=batch).delete()

    for row in plan.rows(BadgeTemplate, "changed"):
        row.modified = clock.now()  # bulk_update leaves auto_now alone
    _change(plan, BadgeTemplate, "modified")
    _change(plan, BadgeRequirement)
    _change(plan, BadgePenalty)
    _add(BadgeTemplate, _placed(plan.rows(BadgeTemplate, "new")), "uuid")
    _add(BadgeRequirement, plan.rows(BadgeRequirement, "new"), "template_id", "key")
    _add(BadgePenalty, plan.rows(BadgePenalty, "new"), "template_id", "key")
    _replace_rules(plan, BadgeRequirement, DataRule, "requirement")
    _replace_rules(plan, BadgePenalty, PenaltyDataRule, "penalty")
    _replace_links(plan)


def _placed(rows: list[BadgeTemplate]) -> list[BadgeTemplate]:
    if rows:
        site = default_site()
        for row in rows:
            row.site = site
    return rows


def _change(plan: Plan, model: type[Any], *stamps: str) -> None:
    """Update the fields that changed in any of the rows; those whose rules or links alone changed stay as they are."""
    entries = [entry for entry in plan.of(model, "changed") if entry.fields]
    if entries:
        fields = set(stamps).union(*(entry.fields for entry in entries))
        model.objects.bulk_update([entry.row for entry in entries], sorted(fields), batch_size=FEW)


def _add(model: type[Any], rows: list[Any], *identity: str) -> None:
    """Insert ``rows``. MySQL does not tell the ids of several; there they are read by the fields of ``identity``."""
    if not rows:
        return
    model.objects.bulk_create(rows, batch_size=BATCH)
    if all(row.pk is not None for row in rows):
        return
    ids: dict[tuple[Any, ...], int] = {}
    for batch in batches(sorted({getattr(row, identity[0]) for row in rows})):
        stored = model.objects.filter(**{f"{identity[0]}__in": batch})
        ids |= {tuple(values): pk for pk, *values in stored.values_list("pk", *identity)}
    for row in rows:
        row.pk = ids[tuple(getattr(row, name) for name in identity)]


def _replace_rules(plan: Plan, owners: type[Any], model: type[Any], owner: str) -> None:
    replaced = [entry for entry in plan.entries if type(entry.row) is owners and entry.rules is not None]
    for batch in batches([entry.row.pk for entry in replaced if entry.change == "changed"]):
        model.objects.filter(**{f"{owner}__in": batch}).delete()
    rows = [
        model(path=spec.path, operator=spec.operator, value=spec.value, **{owner: entry.row})
        for entry in replaced
        for spec in entry.rules or ()
    ]
    if rows:
        model.objects.bulk_create(rows, batch_size=BATCH)


def _replace_links(plan: Plan) -> None:
    replaced = [entry for entry in plan.entries if entry.resets is not None]
    for batch in batches([entry.row.pk for entry in replaced if entry.change == "changed"]):
        PenaltyTarget.objects.filter(penalty__in=batch).delete()
    rows = [
        PenaltyTarget(penalty=entry.row, requirement=requirement)
        for entry in replaced
        for requirement in entry.resets or ()
    ]
    if rows:
        PenaltyTarget.objects.bulk_create(rows, batch_size=BATCH)
