"""From the text of a definition file to what it defines; everything that the file alone can get wrong is found here."""

from __future__ import annotations

import os
import uuid
from typing import Any

from badges.conf import conf
from badges.exceptions import ConfigurationError
from badges.models import BadgeTemplate, ProviderAccount
from badges.providers.registry import get_provider_class
from badges.services.definitions.document import Node, Place, compose
from badges.services.definitions.model import AccountDefinition, Definitions, TemplateDefinition
from badges.services.definitions.reading import Fields, Problems
from badges.services.definitions.steps import read_penalty, read_requirement

VERSION = "1"
DEFAULT_PROVIDER = "credly"

NEWEST_UUID = 7
"""The newest version of UUIDs in use (RFC 9562). MariaDB's type refuses some of what goes beyond."""

DOCUMENT_KEYS = ("version", "accounts", "templates")
ACCOUNT_KEYS = ("provider", "id", "name", "api_key_env", "api_key")
TEMPLATE_TEXTS = ("name", "description", "image_url", "state", "external_id")
TEMPLATE_BOOLEANS = ("is_active", "allow_reaward")
TEMPLATE_KEYS = ("uuid", "provider", "account", *TEMPLATE_TEXTS, *TEMPLATE_BOOLEANS, "requirements", "penalties")


def parse(text: str) -> Definitions:
    """
    What the YAML in ``text`` defines. Keys named by ``api_key_env`` are read from the environment.

    Raises :class:`DefinitionsError` with all problems, each with its line and path.
    """
    problems = Problems()
    fields = Fields(problems, compose(text), DOCUMENT_KEYS, required=("version",))
    version = fields.raw_text("version")
    if version not in {VERSION, None}:
        problems.add(fields.place_of("version"), f"version {version!r} is not known here; write version: {VERSION}")
    seen: dict[str, Place] = {}
    accounts = [_account(problems, node, seen) for node in fields.items("accounts")]
    seen = {}
    templates = [_template(problems, node, seen) for node in fields.items("templates")]
    problems.check()
    return Definitions(tuple(filter(None, accounts)), tuple(filter(None, templates)))


def _account(problems: Problems, node: Node, seen: dict[str, Place]) -> AccountDefinition | None:
    fields = Fields(problems, node, ACCOUNT_KEYS, required=("id",))
    provider = _provider(problems, fields) if "provider" in fields else DEFAULT_PROVIDER
    external_id = fields.text("id", ProviderAccount, "external_id")
    given = fields.texts(["name"], ProviderAccount)
    api_key = _api_key(problems, fields, external_id or "")
    if provider is None or external_id is None:
        return None
    problems.unique(f"{provider} {external_id}", fields.place_of("id"), seen, "the account")
    return AccountDefinition(node.place, provider, external_id, given, api_key)


def _api_key(problems: Problems, fields: Fields, external_id: str) -> str | None:
    """The key that the file gives, None when it gives none. No problem repeats a key (S36)."""
    if "api_key_env" in fields:
        place = fields.place_of("api_key_env")
        variable = fields.text("api_key_env")
        key = os.environ.get(variable or "")
        if variable is not None and not key:
            problems.add(place, f"the environment variable {variable!r} is not set; set it, or leave api_key_env out")
        if "api_key" in fields:
            problems.add(fields.place_of("api_key"), "api_key and api_key_env are both there; keep one")
    elif "api_key" in fields:
        place = fields.place_of("api_key")
        key = fields.text("api_key")
        if key == "":
            problems.add(place, "the key is empty; leave api_key out to keep the stored one")
    else:
        return None
    if key and conf.account_keys.get(external_id.casefold(), key) != key:
        problems.add(place, "BADGES['ACCOUNT_KEYS'] has another key for this account, and wins; remove one of them")
    return key or None


def _template(problems: Problems, node: Node, seen: dict[str, Place]) -> TemplateDefinition | None:
    fields = Fields(problems, node, TEMPLATE_KEYS, required=("uuid",))
    provider = _provider(problems, fields)
    account = fields.text("account", ProviderAccount, "external_id")
    given: dict[str, Any] = fields.texts(TEMPLATE_TEXTS, BadgeTemplate)
    given |= {key: fields.boolean(key) for key in TEMPLATE_BOOLEANS if key in fields}

    keys: dict[str, Place] = {}
    requirements = [read_requirement(problems, item, keys) for item in fields.items("requirements")]
    known = [item.key for item in requirements if item is not None] if "requirements" in fields else None
    keys = {}
    penalties = [read_penalty(problems, item, keys, known) for item in fields.items("penalties")]

    identity = _uuid(problems, fields)
    if identity is None:
        return None
    problems.unique(str(identity), fields.place_of("uuid"), seen, "the template")
    return TemplateDefinition(
        place=node.place,
        uuid=identity,
        provider=provider,
        account=account,
        given=given,
        places=fields.places,
        requirements=tuple(filter(None, requirements)) if "requirements" in fields else None,
        penalties=tuple(filter(None, penalties)) if "penalties" in fields else None,
    )


def _uuid(problems: Problems, fields: Fields) -> uuid.UUID | None:
    written = fields.text("uuid")
    if written is None:
        return None
    try:
        identity = uuid.UUID(written)
    except ValueError:
        example = "0c1c7ff5-2d2b-4f2e-8a39-3a7e35a2a001"
        problems.add(fields.place_of("uuid"), f"{written!r} is not a UUID; write it like {example}")
        return None
    version = identity.int >> 76 & 0xF
    if version > NEWEST_UUID:
        problems.add(fields.place_of("uuid"), f"UUIDs of version {version} cannot be stored; take one of version 4")
    return identity


def _provider(problems: Problems, fields: Fields) -> str | None:
    name = fields.text("provider", ProviderAccount)
    if name is None:
        return None
    try:
        get_provider_class(name)
    except ConfigurationError as error:
        problems.add(fields.place_of("provider"), str(error))
    return name
