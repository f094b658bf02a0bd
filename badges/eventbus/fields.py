"""The fields of an event type's payload, for forms and for checking rules before they are saved (S12, S14, S15)."""

from __future__ import annotations

import datetime
import difflib
import enum
import functools
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from badges.data import RuleSpec
from badges.engine import rules
from badges.engine.rules import FieldType
from badges.engine.values import Kind, kind_of
from badges.eventbus.annotations import Shape, members
from badges.eventbus.catalogue import payload_shape, signal_of
from badges.exceptions import RuleError

SUGGESTIONS = 3


@functools.cache
def fields(event_type: str) -> Mapping[str, FieldType]:
    """
    The dotted path and type of every field, outer before inner, in the order of definition.

    What is inside lists and mappings has no fixed path and is not listed; :func:`field_at` knows it. Raises
    ``KeyError`` for an unknown type.
    """
    return MappingProxyType({path: _field_type(shape) for path, shape in _walk(payload_shape(event_type))})


def field_at(event_type: str, path: str) -> FieldType | None:
    """
    The type of what is at ``path``, through the items of lists (``items.0``) and the entries of mappings too; None
    when the type has no such field. Raises ``KeyError`` for an unknown event type.
    """
    shape = shape_at(payload_shape(event_type), path)
    return None if shape is None else _field_type(shape)


def check_rule(event_type: str, rule: RuleSpec) -> None:
    """
    Refuse a rule that cannot mean anything for that type of event.

    Raises :class:`RuleError`, which says what to write instead; where the rule stands is for the caller to add.
    """
    try:
        signal = signal_of(event_type)
    except KeyError:
        raise RuleError(f"{event_type} is not an event type that the installed openedx-events knows.") from None
    shape = shape_at(payload_shape(event_type), rule.path)
    if shape is None:
        raise RuleError(f"{event_type} has no field {rule.path!r}.{_hint(rule.path, signal.init_data, event_type)}")
    rules.check_rule(rule, _field_type(shape))


def shape_at(shape: Shape, path: str) -> Shape | None:
    """The shape at a dotted path below ``shape``, None when there is no such place."""
    found: Shape | None = shape
    for part in path.split("."):
        if found is None or found.kind == "any":
            return found
        if found.item is not None:
            found = found.item if found.kind == "mapping" or (part.isascii() and part.isdigit()) else None
        else:
            found = next((member.shape for member in members(found) if member.name == part), None)
    return found


# --- types ---------------------------------------------------------------------------------------------------


def _walk(
    shape: Shape, prefix: str = "", within: frozenset[type[Any] | None] = frozenset()
) -> Iterator[tuple[str, Shape]]:
    """Every named place below ``shape``; a class is not entered inside itself."""
    for member in members(shape):
        yield prefix + member.name, member.shape
        if member.shape.type not in within:
            yield from _walk(member.shape, f"{prefix}{member.name}.", within | {member.shape.type})


def _field_type(shape: Shape) -> FieldType:
    item_kind = _kind(shape.item) if shape.kind == "list" and shape.item is not None else None
    return FieldType(_kind(shape), item_kind, shape.nullable)


def _kind(shape: Shape) -> Kind | None:
    if shape.kind == "any":
        return None
    if shape.kind == "list":
        return Kind.LIST
    if shape.kind in {"mapping", "object"}:
        return Kind.OBJECT
    known: Any = shape.type or str
    if issubclass(known, enum.Enum):
        return kind_of(next(iter(known)))
    for base, kind in KINDS.items():
        if issubclass(known, base):
            return kind
    return Kind.TEXT


KINDS: Mapping[type[Any], Kind] = {
    bool: Kind.BOOLEAN,
    int: Kind.INTEGER,
    float: Kind.NUMBER,
    datetime.datetime: Kind.DATETIME,
}


# --- refusals ------------------------------------------------------------------------------------------------


def _hint(path: str, arguments: Mapping[str, Any], event_type: str) -> str:
    known = fields(event_type)
    first, _, rest = path.partition(".")
    if first in arguments and rest in known:  # paths are relative to the payload, not to the signal
        return f" Did you mean {rest}?"
    near = difflib.get_close_matches(path, known, n=SUGGESTIONS)
    return f" Did you mean {' or '.join(near)}?" if near else f" It has: {', '.join(known)}."
