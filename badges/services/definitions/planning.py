"""A definition file compared with the database; everything that only both together can get wrong is found here."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import Count

from badges.exceptions import ConfigurationError
from badges.models import BadgeTemplate, Fulfillment, ProviderAccount
from badges.services.definitions.model import AccountDefinition, Definitions, TemplateDefinition
from badges.services.definitions.parsing import DEFAULT_PROVIDER
from badges.services.definitions.plan import Entry, Plan, assign
from badges.services.definitions.reading import Problems
from badges.services.definitions.step_planning import StepPlanner
from badges.services.definitions.stored import (
    AccountKey,
    StoredTemplate,
    account_key,
    batches,
    read_accounts,
    read_templates,
)


def make_plan(definitions: Definitions, *, prune: bool) -> Plan:
    """
    What to write so that the database says what ``definitions`` say.

    Raises :class:`DefinitionsError` with all problems, each with its line and path; every removal is one, but with
    ``prune``.
    """
    plan, problems = Plan(), Problems()
    accounts = read_accounts()
    for account in definitions.accounts:
        _plan_account(plan, account, accounts)
    stored = read_templates([template.uuid for template in definitions.templates])
    fulfilled = _fulfilments(definitions, stored)
    taken = _external_ids(definitions)
    for template in definitions.templates:
        known = stored.get(template.uuid)
        row = _plan_template(plan, problems, template, known, accounts, taken)
        steps = StepPlanner(plan, problems, template, known, row, prune=prune)
        steps.plan_penalties(steps.plan_requirements(fulfilled))
    problems.check()
    return plan


def _plan_account(plan: Plan, definition: AccountDefinition, accounts: dict[AccountKey, ProviderAccount]) -> None:
    """Plan one account, and add it to the ``accounts`` that templates may name."""
    name = f"account {definition.provider} {definition.external_id}"
    identity = account_key(definition.provider, definition.external_id)
    row = accounts.get(identity)
    if row is None:
        row = accounts[identity] = ProviderAccount(
            provider=definition.provider, external_id=definition.external_id, **definition.given
        )
        if definition.api_key:
            _store_key(row, definition.api_key)
        plan.entries.append(Entry(row, "new", f"{name}: added"))
        return
    changed = assign(row, definition.given)
    if definition.api_key and _store_key(row, definition.api_key):
        changed["encrypted_key"] = "another API key"
    plan.add(name, row, changed)


def _store_key(row: ProviderAccount, key: str) -> bool:
    """Put ``key`` into the row; False when it is the key in use already."""
    try:
        if row.api_key == key:
            return False
    except ConfigurationError:  # the stored one cannot be decrypted any more; this is how it is replaced
        pass
    row.set_api_key(key)
    return True


def _plan_template(
    plan: Plan,
    problems: Problems,
    template: TemplateDefinition,
    known: StoredTemplate | None,
    accounts: Mapping[AccountKey, ProviderAccount],
    taken: dict[AccountKey, uuid.UUID],
) -> BadgeTemplate:
    """Plan one template without its requirements and penalties; its row."""
    provider = template.provider or (known.row.provider if known else DEFAULT_PROVIDER)
    account = accounts.get(account_key(provider, template.account)) if template.account is not None else None
    if template.account is not None and account is None:
        problems.add(
            template.places["account"],
            f"there is no account {template.account!r} of provider {provider!r} in the file or the database; "
            "add it under accounts",
        )
    given = dict(template.given)
    if known is None:
        given.setdefault("external_id", str(template.uuid))
    if "external_id" in given:
        owner = taken.setdefault(account_key(provider, given["external_id"]), template.uuid)
        if owner != template.uuid:
            problems.add(template.places["uuid"], f"template {owner} has the same external_id; correct one of them")
    if known is not None:
        return _changed_template(plan, problems, template, known.row, given, account)
    problems.missing(template.place, [key for key in ("name", "account") if key not in template.places], "template")
    row = BadgeTemplate(uuid=template.uuid, provider=provider, account=account, **given)
    plan.entries.append(Entry(row, "new", f"template {template.uuid}: added"))
    return row


def _changed_template(
    plan: Plan,
    problems: Problems,
    template: TemplateDefinition,
    row: BadgeTemplate,
    given: Mapping[str, Any],
    account: ProviderAccount | None,
) -> BadgeTemplate:
    if template.provider not in {row.provider, None}:
        problems.add(
            template.places["provider"],
            f"the template is one of provider {row.provider!r}, which cannot change; define a new one with a new uuid",
        )
    changed = assign(row, given)
    if account is not None and account != row.account:
        changed["account"] = f"account {row.account.external_id} -> {account.external_id}"
        row.account = account
    plan.add(f"template {template.uuid}", row, changed)
    return row


def _external_ids(definitions: Definitions) -> dict[AccountKey, uuid.UUID]:
    """The stored templates that have an external id that the file gives, by provider and that id."""
    asked = {template.given.get("external_id", str(template.uuid)) for template in definitions.templates}
    taken = {}
    for batch in batches(sorted(asked)):
        rows = BadgeTemplate.objects.filter(external_id__in=batch)
        for provider, external_id, owner in rows.values_list("provider", "external_id", "uuid"):
            taken[account_key(provider, external_id)] = owner
    return taken


def _fulfilments(definitions: Definitions, stored: Mapping[uuid.UUID, StoredTemplate]) -> dict[int, int]:
    """How many learners have fulfilled each requirement that the file no longer has, by its id."""
    removed = [
        step.row.pk
        for template in definitions.templates
        if template.uuid in stored and template.requirements is not None
        for key, step in stored[template.uuid].requirements.items()
        if key not in {requirement.key for requirement in template.requirements}
    ]
    counts: dict[int, int] = {}
    for batch in batches(removed):
        rows = Fulfillment.objects.filter(requirement__in=batch, fulfilled=True).order_by()
        counts |= dict(rows.values_list("requirement").annotate(Count("pk")))
    return counts
