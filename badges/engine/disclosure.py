"""
What of a payload may be told: to the journal, and to who asks why an event counted (S36, S37, S38).

E-mail addresses and names are never told. What is told is fit for JSON and for every database.
"""

from __future__ import annotations

import itertools
import json
import math
from typing import Any, Final

from badges.engine.values import Kind, typed

PERSONAL: Final = "(personal)"
"""Stands for a value that is not told."""

LONGEST: Final = 200
"""How many characters of a text are told, and with that how much one rule can add to the journal."""

MOST: Final = 20
"""How many items of a list are told."""

LARGE: Final = 64
"""From how many bits on an integer is only named: the bus and the databases hold smaller ones."""

_PERSONAL_NAMES: Final = frozenset({"pii", "name", "fullname", "firstname", "lastname"})
_PERSONAL_WORDS: Final = ("email", "username", "personname")  # the last one as in LTI's lis_person_name_given


def is_personal(path: str) -> bool:
    """Whether what is at ``path`` is an e-mail address or a name, or lies within personal data."""
    parts = [part.lower().replace("_", "").replace("-", "") for part in path.split(".")]
    return any(
        part.removesuffix("s") in _PERSONAL_NAMES or any(word in part for word in _PERSONAL_WORDS) for part in parts
    )


def told(value: object) -> Any:
    """``value`` as JSON can hold it: long texts and lists are cut, structures only named; None for what is absent."""
    kind, plain = typed(value)
    if kind is not Kind.LIST:
        return _told(kind, plain)
    items = [_told(*typed(item)) for item in itertools.islice(plain, MOST)]
    return items if len(plain) <= MOST else [*items, "…"]


def in_words(value: object) -> str:
    """``value`` as a sentence can hold it."""
    return json.dumps(told(value), ensure_ascii=False)


def _told(kind: Kind, plain: Any) -> Any:
    match kind:
        case Kind.ABSENT:
            return None
        case Kind.BOOLEAN:
            return plain
        case Kind.INTEGER if plain.bit_length() < LARGE:
            return plain
        case Kind.NUMBER | Kind.OBJECT if isinstance(plain, float):
            return plain if math.isfinite(plain) else str(plain)
        case Kind.DATETIME:
            return plain.isoformat().replace("+00:00", "Z")
        case Kind.TEXT:
            return _storable(plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…")
    return f"({kind})"


def _storable(text: str) -> str:
    """PostgreSQL stores neither NUL nor half of a surrogate pair."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
