"""
The operators of a data rule (S13-S15). A new one is one entry of the table at the end.

It is the payload's value that says how the rule's text is read, so every operator reads and compares by kind. A text
that cannot be read as that kind makes all of them false, also ``ne`` and ``not_in``.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import operator
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from badges.engine.paths import MISSING
from badges.engine.values import READERS, Kind, read, typed

SCALARS: Final = tuple(READERS)
ORDERED: Final = (Kind.INTEGER, Kind.NUMBER, Kind.DATETIME)


@dataclasses.dataclass(frozen=True, slots=True)
class Operator:
    """
    One way to compare.

    ``label`` is how it reads between a field and a value; ``takes`` tells in words what its text is; ``kinds`` are
    those of the values that it makes sense for (S15). ``read(text, kind)`` gives the operand for values of one of
    these kinds, or raises ``ValueError``, which says what to write instead. ``compare(value, operand)`` takes the
    value as :func:`badges.engine.values.typed` gives it, and never raises.
    """

    name: str
    label: str
    takes: str
    kinds: tuple[Kind, ...]
    read: Callable[[str, Kind], Any]
    compare: Callable[[Any, Any], bool]


# --- operands ------------------------------------------------------------------------------------------------

_ITEM = re.compile(r'\s*(?:"(?P<quoted>(?:[^"]|"")*)"\s*|(?P<bare>[^",\s][^,]*))(?P<end>,|\Z)')
_GLOB_SIGNS = re.compile(r"[*?\[]")


def split_list(text: str) -> tuple[str, ...]:
    """
    The items of a comma-separated list, trimmed. Double quotes keep commas and spaces, and make an empty item; between
    them two stand for one. Raises ``ValueError`` for a list that is empty, has an empty item, or leaves quotes open.
    """
    items: list[str] = []
    position = 0
    more = True
    while more:
        item = _ITEM.match(text, position)
        if item is None:
            raise ValueError(f'as item {len(items) + 1}, write a value, or "" for an empty one; close double quotes')
        quoted, bare, end = item.groups()
        items.append(bare.strip() if quoted is None else quoted.replace('""', '"'))
        position = item.end()
        more = end == ","
    return tuple(items)


def fixed_start(pattern: str) -> str:
    """What every text begins with that matches the glob ``pattern``."""
    return _GLOB_SIGNS.split(pattern, maxsplit=1)[0]


def _read_items(text: str, kind: Kind) -> frozenset[Any]:
    items = set()
    for number, item in enumerate(split_list(text), start=1):
        try:
            items.add(read(item, kind))
        except ValueError as error:
            raise ValueError(f"as item {number}, {error}") from None
    return frozenset(items)


def _read_flag(text: str, _: Kind) -> Any:
    return read(text, Kind.BOOLEAN)


def _read_as_is(text: str, _: Kind) -> str:
    return text


def _read_glob(text: str, _: Kind) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(text))


# --- comparisons ---------------------------------------------------------------------------------------------


def _is_in(value: Any, items: frozenset[Any]) -> bool:
    return value in items


def _is_not_in(value: Any, items: frozenset[Any]) -> bool:
    return value not in items


def _contains(value: str | Collection[Any], text: str) -> bool:
    """A text contains its parts, a list what equals one of its items."""
    if isinstance(value, str):
        return text in value
    return any(_equals(item, text) for item in value)


def _equals(item: object, text: str) -> bool:
    kind, value = typed(item)
    try:
        return bool(value == read(text, kind))
    except ValueError:
        return False


def _matches(value: str, pattern: re.Pattern[str]) -> bool:
    return pattern.match(value) is not None


def _is_present(value: object, wanted: bool) -> bool:
    return (value is not MISSING) is wanted


# --- the table -----------------------------------------------------------------------------------------------

VALUE: Final = "a value"
LIST: Final = "values with commas between them; double quotes keep commas and spaces"
GLOB: Final = "a pattern: * is any text, ? any character, [ab] one of these; capitals count"
FLAG: Final = "true or false"

OPERATORS: Final[Mapping[str, Operator]] = {
    entry.name: entry
    for entry in (
        Operator("eq", "is", VALUE, SCALARS, read, operator.eq),
        Operator("ne", "is not", VALUE, SCALARS, read, operator.ne),
        Operator("gt", "is more than", VALUE, ORDERED, read, operator.gt),
        Operator("gte", "is at least", VALUE, ORDERED, read, operator.ge),
        Operator("lt", "is less than", VALUE, ORDERED, read, operator.lt),
        Operator("lte", "is at most", VALUE, ORDERED, read, operator.le),
        Operator("in", "is one of", LIST, SCALARS, _read_items, _is_in),
        Operator("not_in", "is none of", LIST, SCALARS, _read_items, _is_not_in),
        Operator("contains", "contains", VALUE, (Kind.TEXT, Kind.LIST), _read_as_is, _contains),
        Operator("starts_with", "starts with", VALUE, (Kind.TEXT,), _read_as_is, str.startswith),
        Operator("ends_with", "ends with", VALUE, (Kind.TEXT,), _read_as_is, str.endswith),
        Operator("matches", "matches", GLOB, (Kind.TEXT,), _read_glob, _matches),
        Operator("exists", "is there", FLAG, tuple(Kind), _read_flag, _is_present),
    )
}
"""Every operator by its name, in the order in which forms offer them."""
