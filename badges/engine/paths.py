"""
Dotted paths into an event's payload: ``course.course_key``, ``items.0`` (S12).

A path reaches data and nothing else: fields of attrs classes and dataclasses, keys of mappings, items of sequences. A
method, a property or a private attribute is as absent as a field that does not exist.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from badges.exceptions import RuleError


class Missing(enum.Enum):
    """The type of ``MISSING``; an enum, because its member is one object in every copy and pickle."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
"""What a path leads to when there is nothing: it is absent, ends in None, or passes through None."""

Getter = Callable[[object], object]

BINARY: Final = (bytes, bytearray, memoryview)
"""Sequences to Python, but not lists of anything that a rule could mean."""

_PART = re.compile(r"[^\s_.]([^.]*[^\s.])?")
_INDEX = re.compile(r"[0-9]{1,9}")


@functools.lru_cache(maxsize=4096)
def compile_path(path: str) -> Getter:
    """
    A function from a payload to what is at ``path`` in it, MISSING where there is nothing; it never raises.

    Indices count from 0. Raises :class:`RuleError` for a text that is no path.
    """
    parts = path.split(".")
    if not all(_PART.fullmatch(part) for part in parts):
        raise RuleError(
            f"{path!r} is not a path. Write names of fields with dots between them, for example course.course_key; "
            "none is empty, and none begins with an underscore."
        )
    steps = tuple(_step(part) for part in parts)

    def get(payload: object) -> object:
        value = payload
        for part, classes, step in steps:
            # Every event takes this way several times, mostly through classes that it has taken it through before.
            value = getattr(value, part, None) if type(value) in classes else step(value)
            if value is None:
                return MISSING
        return value

    return get


def _step(part: str) -> tuple[str, set[type], Getter]:
    """
    ``part``, the classes that are known to have a field of that name, and a function from any value to what it holds
    under the name or index ``part``, None where that is nothing; it adds to the classes.
    """
    index = int(part) if _INDEX.fullmatch(part) else None
    classes: set[type] = set()

    def step(value: Any) -> object:
        names = field_names(type(value))  # type: ignore[arg-type]  # classes are hashable
        if names is not None:
            if part not in names:
                return None
            classes.add(type(value))
            return getattr(value, part, None)
        if isinstance(value, Mapping):
            return value.get(part)
        if index is not None and isinstance(value, Sequence) and not isinstance(value, (str, *BINARY)):
            return value[index] if index < len(value) else None
        return None

    return part, classes, step


@functools.cache
def field_names(cls: type) -> frozenset[str] | None:
    """The names of the fields of an attrs class or a dataclass, None for any other class."""
    attributes = getattr(cls, "__attrs_attrs__", None)
    if attributes is not None:
        return frozenset(attribute.name for attribute in attributes)
    if dataclasses.is_dataclass(cls):
        return frozenset(field.name for field in dataclasses.fields(cls))
    return None
