"""Single values from JSON: text, numbers, moments, keys; strictly, with errors that repeat no value (S36)."""

from __future__ import annotations

import datetime
import enum
import math
import uuid
from collections.abc import Callable
from typing import Any, Final

from opaque_keys import InvalidKeyError, OpaqueKey

from badges.exceptions import UnreadableEvent

MAX_INTEGER: Final = 2**63 - 1
"""Whole numbers are 64 bit on the bus (Avro's ``long``) and in every database."""

JSON_NAMES: Final = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}


def read_scalar(value: Any, wanted: type[Any], place: str) -> Any:
    """
    ``value``, parsed JSON, as a ``wanted``; ``place`` is its path, for the error.

    Raises :class:`UnreadableEvent`.
    """
    for known, expected, read in READERS:
        if issubclass(wanted, known):
            try:
                return read(value, wanted)
            except TypeError:
                raise UnreadableEvent(f"{place}: must be {expected}, not {_name_of(value)}.") from None
            except (ValueError, InvalidKeyError):
                raise UnreadableEvent(f"{place}: must be {expected}; what is there is none.") from None
    raise UnreadableEvent(f"{place}: a {wanted.__name__} cannot be read from JSON.")


def of_type(value: Any, wanted: type[Any], place: str) -> Any:
    """``value`` if it is a list or an object (``wanted``: list, dict). Raises :class:`UnreadableEvent`."""
    if type(value) is not wanted:
        raise UnreadableEvent(f"{place}: must be {JSON_NAMES[wanted]}, not {_name_of(value)}.")
    return value


def _exactly(value: Any, *wanted: type[Any]) -> Any:
    if type(value) not in wanted:  # isinstance would take True for the number 1
        raise TypeError
    return value


def _name_of(value: Any) -> str:
    return JSON_NAMES[type(value)]


def _read_enum(value: Any, wanted: type[Any]) -> Any:
    return wanted(value)


def _read_bool(value: Any, _: type[Any]) -> Any:
    return _exactly(value, bool)


def _read_int(value: Any, _: type[Any]) -> Any:
    if not -MAX_INTEGER - 1 <= _exactly(value, int) <= MAX_INTEGER:
        raise ValueError
    return value


def _read_float(value: Any, _: type[Any]) -> Any:
    number = float(_exactly(value, int, float))
    if not math.isfinite(number):  # 1e999 is valid JSON
        raise ValueError
    return number


def _read_str(value: Any, _: type[Any]) -> Any:
    _exactly(value, str).encode()  # half of a surrogate pair fits into no database
    return value


def _read_datetime(value: Any, _: type[Any]) -> Any:
    return datetime.datetime.fromisoformat(_exactly(value, str))


def _read_uuid(value: Any, _: type[Any]) -> Any:
    return uuid.UUID(_exactly(value, str))


def _read_key(value: Any, wanted: type[Any]) -> Any:
    return wanted.from_string(_exactly(value, str))


READERS: Final[tuple[tuple[type[Any], str, Callable[[Any, type[Any]], Any]], ...]] = (
    (enum.Enum, "one of its values", _read_enum),
    (bool, "true or false", _read_bool),
    (int, "a whole number of at most 64 bits", _read_int),
    (float, "a finite number", _read_float),
    (str, "text in Unicode", _read_str),
    (datetime.datetime, "a date and time in ISO 8601, such as 2026-05-01T10:00:00Z", _read_datetime),
    (uuid.UUID, "a UUID", _read_uuid),
    (OpaqueKey, "an opaque key of its kind, such as course-v1:edX+A+1 for a course", _read_key),
)
"""How single values are read: a type, what belongs there in words, and a function that refuses anything else."""
