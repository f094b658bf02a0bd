"""
``filter=state::pending,accepted|badge_template_id::…`` and ``sort=-issued_at|name`` of Credly's lists.

``|`` is AND, ``,`` is OR, a leading minus sorts downwards: https://www.credly.com/docs/badge_templates. What Credly
does with a key it does not know is not public; here it is a 422 that names the keys, so that a misspelt look-up is
noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar

from credentials_settings.sandbox.credly.records import ApiError, Badge, Template

Record = TypeVar("Record", Badge, Template)
Condition = Callable[[Record, str], bool]
"""Does the record satisfy one wanted value, given in lower case?"""


def _flag(value: bool, wanted: str) -> bool:
    return wanted == ("true" if value else "false")


def _one_of(values: Iterable[str], wanted: str) -> bool:
    return wanted in {value.casefold() for value in values}


TEMPLATE_FILTERS: Mapping[str, Condition[Template]] = {
    "query": lambda template, wanted: wanted in f"{template.name} {template.description}".casefold(),
    "name": lambda template, wanted: template.name.casefold() == wanted,
    "state": lambda template, wanted: template.state == wanted,
    "public": lambda template, wanted: _flag(template.public, wanted),
    "owner_id": lambda template, wanted: template.organization_id.casefold() == wanted,
    "reporting_tags": lambda template, wanted: _one_of(template.reporting_tags, wanted),
    "skills": lambda template, wanted: _one_of(template.skills, wanted),
    "created_at_min": lambda template, wanted: template.created_at.casefold() >= wanted,
    "created_at_max": lambda template, wanted: template.created_at.casefold() <= wanted,
    "updated_at_min": lambda template, wanted: template.updated_at.casefold() >= wanted,
    "updated_at_max": lambda template, wanted: template.updated_at.casefold() <= wanted,
}
TEMPLATE_ORDER = ("name", "created_at", "updated_at")


def badge_filters(templates: Mapping[str, Template]) -> Mapping[str, Condition[Badge]]:
    """The conditions on badges; those on a badge's template need the templates."""

    def tagged(badge: Badge, wanted: str) -> bool:
        return _one_of(templates[badge.badge_template_id].reporting_tags, wanted)

    def mentions(badge: Badge, wanted: str) -> bool:
        names = f"{badge.issued_to_first_name} {badge.issued_to_last_name}"
        return wanted in f"{names} {badge.recipient_email} {templates[badge.badge_template_id].name}".casefold()

    def addressed_to(badge: Badge, wanted: str) -> bool:
        return badge.recipient_email.casefold() == wanted

    return {
        "query": mentions,
        "state": lambda badge, wanted: badge.state == wanted,
        "recipient_email": addressed_to,
        # Any address of the recipient's account; an account has one address here.
        "recipient_email_all": addressed_to,
        "badge_template_id": lambda badge, wanted: badge.badge_template_id.casefold() == wanted,
        "issuer_earner_id": lambda badge, wanted: (badge.issuer_earner_id or "").casefold() == wanted,
        "public": lambda badge, wanted: _flag(badge.public, wanted),
        "badge_templates[reporting_tags]": tagged,
    }


BADGE_ORDER = ("issued_at", "created_at", "updated_at", "state_updated_at", "recipient_email", "state")


def select(records: Iterable[Record], text: str, conditions: Mapping[str, Condition[Record]]) -> list[Record]:
    """The records that the filter lets through, in their order. Raises ApiError 422."""
    selected = list(records)
    for part in filter(None, text.split("|")):
        key, separator, values = part.partition("::")
        if not separator or key not in conditions:
            raise ApiError(422, f"Unknown filter {key}: known are {', '.join(conditions)}, written key::value")
        wanted = [value.strip().casefold() for value in values.split(",")]
        condition = conditions[key]
        selected = [record for record in selected if any(condition(record, value) for value in wanted)]
    return selected


def order(records: list[Record], text: str, keys: Collection[str]) -> list[Record]:
    """The records sorted by the keys, the first one foremost. Raises ApiError 422."""
    ordered = list(records)
    for part in reversed(list(filter(None, text.split("|")))):
        key = part.removeprefix("-")
        if key not in keys:
            raise ApiError(422, f"Unknown sort {key}: known are {', '.join(keys)}, downwards with a leading minus")
        ordered.sort(key=lambda record: str(getattr(record, key)), reverse=part.startswith("-"))
    return ordered
