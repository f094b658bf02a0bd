"""Taking over what a provider says of its accounts and badge templates."""

from __future__ import annotations

import dataclasses
import logging
import uuid
from collections.abc import Collection

from django.contrib.sites.models import Site
from django.db import models, transaction

from badges import clock
from badges.conf import conf
from badges.data import AccountAccess, ProviderTemplate
from badges.exceptions import BadgesError, ConfigurationError, CredentialsRefused, ProviderError
from badges.models import BadgeTemplate, ProviderAccount
from badges.providers.registry import base_url, get_provider
from badges.services.sites import default_site

logger = logging.getLogger(__name__)

SYNCED = ("name", "description", "image_url", "state")


@dataclasses.dataclass(frozen=True, slots=True)
class SyncReport:
    """
    What a synchronization of one account did, by number of templates; ``error`` when it could not be done.

    ``refused`` tells of each template that cannot be stored why, one line each; the others are taken over.
    """

    account: str
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    error: str = ""
    refused: tuple[str, ...] = ()


def access(account: ProviderAccount) -> AccountAccess:
    """How to reach ``account``. Raises :class:`ConfigurationError` when it has no key."""
    key = account.api_key
    if not key:
        raise ConfigurationError(
            f"Account {account} has no API key. Save one in the admin, or set "
            f"BADGES['ACCOUNT_KEYS']['{account.external_id}']."
        )
    return AccountAccess(account.provider, account.external_id, base_url(account.provider), key)


def sync_templates(account_ids: Collection[str] = ()) -> list[SyncReport]:
    """
    Pull all templates of the accounts with these external ids, in any case, of all accounts when there are none.

    A template that is new here is created inactive. Name, description, image and state follow the provider; everything
    else is ours and stays. An account that cannot be reached is reported and the next one goes on. Raises
    :class:`BadgesError` for an id that is unknown here.
    """
    accounts = list(ProviderAccount.objects.order_by("pk"))  # there are few
    if account_ids:
        wanted = {account_id.casefold() for account_id in account_ids}
        accounts = [account for account in accounts if account.external_id.casefold() in wanted]
        known = {account.external_id.casefold() for account in accounts}
        unknown = {account_id for account_id in account_ids if account_id.casefold() not in known}
        if unknown:
            raise BadgesError(
                f"There is no account {', '.join(sorted(unknown))} here. Add it first, or correct the id."
            )
    return [_sync(account) for account in accounts]


def _sync(account: ProviderAccount) -> SyncReport:
    try:
        reached = access(account)
        provider = get_provider(reached, deadline=clock.monotonic() + conf.sync_deadline)
        name = provider.fetch_account().name
        # By id: one that is renamed while the pages are read can come on two of them.
        templates = {template.external_id: template for template in provider.fetch_templates()}
        site = default_site()
    except CredentialsRefused as error:
        account.pause(reached.api_key, str(error))
        return SyncReport(str(account), error=str(error))
    except (ProviderError, ConfigurationError) as error:
        return SyncReport(str(account), error=str(error))
    return _store(account, name, list(templates.values()), site)


def _store(account: ProviderAccount, name: str, templates: list[ProviderTemplate], site: Site) -> SyncReport:
    created, updated = [], []
    refused = {template.external_id: problem for template in templates if (problem := _problem(template))}
    templates = [template for template in templates if template.external_id not in refused]
    name = name[: _length(ProviderAccount, "name")]
    with transaction.atomic():
        if not account.name and name:
            account.name = name
            account.save(update_fields=["name", "modified"])
        known = {row.external_id: row for row in BadgeTemplate.objects.filter(provider=account.provider)}
        for template in templates:
            row = known.get(template.external_id)
            values = {field: getattr(template, field) for field in SYNCED}
            if row is None:
                created.append(
                    BadgeTemplate(
                        uuid=_uuid(template.external_id),
                        provider=account.provider,
                        external_id=template.external_id,
                        account=account,
                        site=site,
                        **values,
                    )
                )
            elif any(getattr(row, field) != value for field, value in values.items()):
                for field, value in values.items():
                    setattr(row, field, value)
                updated.append(row)
        if created:
            BadgeTemplate.objects.bulk_create(created)
        if updated:
            BadgeTemplate.objects.bulk_update(updated, SYNCED)
    unchanged = len(templates) - len(created) - len(updated)
    return SyncReport(str(account), len(created), len(updated), unchanged, refused=tuple(refused.values()))


def _problem(template: ProviderTemplate) -> str:
    """What no database would take of ``template``, and what to do; empty when all of it can be stored."""
    for field in ("external_id", "name", "image_url"):
        value, longest = getattr(template, field), _length(BadgeTemplate, field)
        if len(value) > longest:
            return (
                f"Template {template.external_id[:80]}: its {field} has {len(value)} characters, {longest} can be "
                "stored. Shorten it at the provider and synchronize again."
            )
    return ""


def _length(model: type[BadgeTemplate | ProviderAccount], field: str) -> int:
    """How many characters the field takes."""
    found = model._meta.get_field(field)
    assert isinstance(found, models.CharField) and found.max_length is not None
    return found.max_length


def _uuid(external_id: str) -> uuid.UUID:
    """The provider's id of a new template where that is a UUID, else one of our own."""
    try:
        return uuid.UUID(external_id)
    except ValueError:
        return uuid.uuid4()
