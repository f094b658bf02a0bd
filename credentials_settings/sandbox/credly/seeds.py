"""What the server starts with: the demo organization and templates, or those named on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from credentials_settings.sandbox.credly.records import TEMPLATE_STATES, Organization, Template

DEMO_ORGANIZATION = "6f3c8f6e-8c1b-4c58-9b0a-3a4f1f0f6f11"
DEMO_KEY = "sandbox-key"
DEMO_TEMPLATE = "0c1c7ff5-2d2b-4f2e-8a39-3a7e35a2a001"


class SeedError(ValueError):
    """The server cannot start with this organization or template."""


def demo_organizations() -> list[Organization]:
    return [Organization(id=DEMO_ORGANIZATION, key=DEMO_KEY, name="Demo University")]


def demo_templates(organization_id: str) -> list[Template]:
    """One template in each state, and a second active one."""
    rows = (
        ("001", "Two courses", "Passed both courses", "active"),
        ("002", "First steps", "Passed a first course", "active"),
        ("003", "Retired badge", "No longer issued", "archived"),
        ("004", "Badge in the making", "Not yet issued", "draft"),
    )
    return [
        Template(id=DEMO_TEMPLATE[:-3] + end, organization_id=organization_id, name=name, description=text, state=state)
        for end, name, text, state in rows
    ]


def parse_organization(text: str) -> Organization:
    """``UUID:KEY:NAME`` as an organization. Raises SeedError; its message does not repeat the key."""
    identifier, _, rest = text.partition(":")
    key, _, name = rest.partition(":")
    if not (identifier and key and name):
        raise SeedError("An organization is given as UUID:KEY:NAME, all three parts filled in.")
    return Organization(id=identifier, key=key, name=name)


def load_templates(path: Path, organizations: list[Organization]) -> list[Template]:
    """
    The templates in a badge definition file (YAML) or in JSON of the same shape; only Credly's are taken.

    A template without ``account`` belongs to the first organization. Raises SeedError naming file, place and remedy.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SeedError(f"{path} cannot be read: {error}") from error
    rows = content.get("templates") if isinstance(content, dict) else content
    if not isinstance(rows, list):
        raise SeedError(f"{path} has no list of templates: put them under the key `templates`.")
    templates = []
    for number, row in enumerate(rows):
        if isinstance(row, dict) and row.get("provider", "credly") != "credly":
            continue
        try:
            templates.append(template_from(row, organizations))
        except SeedError as error:
            raise SeedError(f"{path}, templates[{number}]: {error}") from error
    return templates


def template_from(row: object, organizations: list[Organization]) -> Template:
    """
    A template from an entry of a definition file or of the control plane.

    Keys: ``uuid`` (or ``id``) and ``name``; optional ``account`` (or ``organization_id``), ``description``,
    ``image_url``, ``state``, ``allow_duplicate_badges``, ``public``, ``reporting_tags``, ``skills``. Others are
    ignored. Raises SeedError.
    """
    if not isinstance(row, dict):
        raise SeedError("a template is a mapping with the keys `uuid` and `name`.")
    identifier, name = row.get("uuid") or row.get("id"), row.get("name")
    if not identifier or not name:
        raise SeedError("a template needs `uuid` and `name`.")
    owner = str(row.get("account") or row.get("organization_id") or organizations[0].id)
    if owner not in {organization.id for organization in organizations}:
        raise SeedError(f"organization {owner} is unknown: start the server with --organization {owner}:KEY:NAME.")
    state = str(row.get("state") or "active")
    if state not in TEMPLATE_STATES:
        raise SeedError(f"state `{state}` is none of {', '.join(TEMPLATE_STATES)}.")
    optional: dict[str, Any] = {
        key: row[key]
        for key in ("description", "image_url", "allow_duplicate_badges", "public", "reporting_tags", "skills")
        if row.get(key) is not None
    }
    return Template(id=str(identifier), organization_id=owner, name=str(name), state=state, **optional)
