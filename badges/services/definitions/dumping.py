"""The stored accounts and templates as a definition file."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

import yaml

from badges.exceptions import BadgesError
from badges.models import BadgeTemplate, ProviderAccount
from badges.services.definitions.stored import StoredStep, StoredTemplate, read_templates

SAFE_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def dump(template_uuids: Collection[uuid.UUID] = ()) -> str:
    """
    YAML from which ``load`` makes what is stored now: these templates and their accounts, else everything.

    Every field is written, so that loading it into a database that was changed since brings it back. API keys are not
    (S36). Raises :class:`BadgesError` for a template that is not there.
    """
    wanted = set(template_uuids) or set(BadgeTemplate.objects.values_list("uuid", flat=True))
    templates = read_templates(wanted)
    if missing := sorted(str(one) for one in wanted - templates.keys()):
        raise BadgesError(f"There is no badge template {', '.join(missing)}. Correct the uuid, or load it first.")
    accounts = ProviderAccount.objects.order_by("pk")
    if template_uuids:
        accounts = accounts.filter(pk__in={template.row.account_id for template in templates.values()})
    document = {
        "version": 1,
        "accounts": [_account(account) for account in accounts],
        "templates": [
            _template(template) for template in sorted(templates.values(), key=lambda template: template.row.pk)
        ],
    }
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000)


def _account(row: ProviderAccount) -> dict[str, Any]:
    return {"provider": row.provider, "id": row.external_id, "name": row.name}


def _template(template: StoredTemplate) -> dict[str, Any]:
    row = template.row
    written: dict[str, Any] = {"uuid": str(row.uuid), "provider": row.provider, "account": row.account.external_id}
    if row.external_id != str(row.uuid):
        written["external_id"] = row.external_id
    return written | {
        "name": row.name,
        "description": row.description,
        "image_url": row.image_url,
        "state": row.state,
        "is_active": row.is_active,
        "allow_reaward": row.allow_reaward,
        "requirements": [_requirement(step) for step in template.requirements.values()],
        "penalties": [_penalty(step) for step in template.penalties.values()],
    }


def _requirement(step: StoredStep) -> dict[str, Any]:
    row = step.row
    return {
        "key": row.key,
        "event_type": row.event_type,
        "group": row.group,
        "description": row.description,
        "rules": _rules(step),
    }


def _penalty(step: StoredStep) -> dict[str, Any]:
    row = step.row
    return {
        "key": row.key,
        "event_type": row.event_type,
        "description": row.description,
        "requirements": list(step.resets),
        "rules": _rules(step),
    }


def _rules(step: StoredStep) -> list[_Line]:
    return [_Line(path=rule.path, operator=rule.operator, value=rule.value) for rule in step.rules]


class _Line(dict[str, str]):
    """A mapping that is written on one line."""


class _Dumper(SAFE_DUMPER):  # type: ignore[misc]  # which of the two is known at run time
    """Texts are quoted where YAML would read something else, so every reader of YAML reads them alike."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_line(dumper: Any, line: _Line) -> yaml.Node:
    node: yaml.Node = dumper.represent_mapping("tag:yaml.org,2002:map", line.items(), flow_style=True)
    return node


def _represent_text(dumper: Any, text: str) -> yaml.Node:
    # PyYAML's own emitter, used where libyaml is missing, loses this line break unless it is escaped.
    node: yaml.Node = dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if "\x85" in text else None)
    return node


_Dumper.add_representer(_Line, _represent_line)
_Dumper.add_representer(str, _represent_text)
