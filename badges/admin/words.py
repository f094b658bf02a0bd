"""Rules in plain words."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext, gettext_lazy as _

from badges.models.requirement import AbstractDataRule

OPERATORS = {
    "eq": _("is"),
    "ne": _("is not"),
    "gt": _("is more than"),
    "gte": _("is at least"),
    "lt": _("is less than"),
    "lte": _("is at most"),
    "in": _("is one of"),
    "not_in": _("is none of"),
    "contains": _("contains"),
    "starts_with": _("starts with"),
    "ends_with": _("ends with"),
    "matches": _("matches"),
    "exists": _("is there"),
}
"""How each operator of the engine reads between a path and a value."""

HINTS = {
    "in": _("a, b, c"),
    "not_in": _("a, b, c"),
    "matches": _("* = anything"),
    "exists": _("true/false"),
}
"""What the value has to be, where that isn't one plain value."""


def operator_choices() -> list[tuple[str, str]]:
    """For a form."""
    return [(name, f"{label} ({HINTS[name]})" if name in HINTS else str(label)) for name, label in OPERATORS.items()]


def rule(row: AbstractDataRule) -> str:
    """One rule as a sentence without its end."""
    return f"{row.path} {OPERATORS[row.operator]} “{row.value}”"


def rules(rows: Iterable[AbstractDataRule]) -> list[str]:
    """The rules as sentences; one that says what it means that there are none (S11)."""
    return [rule(row) for row in rows] or [gettext("no rules: applies to every event of this type")]
