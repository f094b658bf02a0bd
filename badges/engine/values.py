"""
The kinds of values that rules tell apart, and how a rule's text is read as one of them (S14).

A comparison is typed by the payload: its value is brought into a comparable form by :func:`typed`, the rule's text by
:func:`read` into the same form.
"""

from __future__ import annotations

import datetime
import enum
import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence, Set
from decimal import Decimal
from typing import Any, Final

from badges.engine.paths import BINARY, MISSING, Missing, field_names


class Kind(enum.StrEnum):
    """What a payload's value is compared as; an enum is its value, and ``absent`` is where a path leads to nothing."""

    TEXT = "text"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    DATETIME = "datetime"
    LIST = "list"
    OBJECT = "object"
    ABSENT = "absent"


# --- payload values ------------------------------------------------------------------------------------------


def kind_of(value: object) -> Kind:
    """The kind of a payload's value."""
    return typed(value)[0]


def typed(value: object) -> tuple[Kind, Any]:
    """
    The kind of a payload's value, and the value in the form in which it is compared.

    The forms of equal values of one kind are equal and hash alike; those of integers, numbers and datetimes are
    ordered.
    """
    return typing_of(type(value))(value)  # type: ignore[arg-type]  # classes are hashable


@functools.cache
def typing_of(cls: type) -> Callable[[Any], tuple[Kind, Any]]:
    """:func:`typed` for the values of one class."""
    if issubclass(cls, enum.Enum) and cls is not Missing:
        return lambda member: typed(member.value)
    kind = _kind_of_class(cls)
    if kind is Kind.DATETIME:
        return lambda value: (kind, _utc(value))
    if kind is Kind.NUMBER:
        return _typed_number
    if kind is Kind.TEXT and cls is not str:
        return lambda value: (kind, str(value))
    if kind is Kind.ABSENT:
        return lambda _: (kind, MISSING)
    return lambda value: (kind, value)


_KINDS: Final[tuple[tuple[type | tuple[type, ...], Kind], ...]] = (
    ((Missing, type(None)), Kind.ABSENT),
    (str, Kind.TEXT),
    (bool, Kind.BOOLEAN),  # before int, which it is too
    (int, Kind.INTEGER),
    ((float, Decimal), Kind.NUMBER),
    (datetime.date, Kind.DATETIME),
    ((Mapping, *BINARY), Kind.OBJECT),
    ((Sequence, Set), Kind.LIST),
)


def _kind_of_class(cls: type) -> Kind:
    if field_names(cls) is not None:
        return Kind.OBJECT
    for classes, kind in _KINDS:
        if issubclass(cls, classes):
            return kind
    # What says how it reads as text is text: opaque keys, UUIDs. Anything else would only give its address.
    has_text = cls.__str__ is not object.__str__  # type: ignore[comparison-overlap]
    return Kind.TEXT if has_text else Kind.OBJECT


def _typed_number(value: float | Decimal) -> tuple[Kind, Any]:
    """A decimal counts as the float nearest to it; "not a number" is none, so only ``exists`` can be true of it."""
    number = math.nan if isinstance(value, Decimal) and value.is_nan() else float(value)
    return Kind.OBJECT if math.isnan(number) else Kind.NUMBER, number


def _utc(value: datetime.date) -> datetime.datetime:
    """Naive datetimes are UTC, and a bare date is its midnight."""
    if not isinstance(value, datetime.datetime):
        return datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC)
    if value.utcoffset() is None:
        return value.replace(tzinfo=datetime.UTC)
    try:
        return value.astimezone(datetime.UTC)  # in its own zone, a moment in an hour that clocks repeat equals no other
    except OverflowError:  # within a day of the first or the last year
        return value


# --- texts ---------------------------------------------------------------------------------------------------

_BOOLEANS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "yes", "on", "1", "+"), True),
    **dict.fromkeys(("false", "no", "off", "0", "-"), False),
}
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)


def read(text: str, kind: Kind) -> Any:
    """
    ``text`` in the comparable form of values of that kind. Raises ``ValueError``, which says what to write instead.

    Texts are taken as they are; for every other kind the spaces around do not count.
    """
    if kind not in READERS:
        raise ValueError(f"no text stands for a value of kind {kind}")
    reader, example = READERS[kind]
    try:
        return reader(text)
    except ValueError:
        raise ValueError(f"write {example}") from None


def is_truth_value(text: str) -> bool:
    """Whether :func:`read` takes ``text`` for a boolean."""
    return text.strip().lower() in _BOOLEANS


def _read_boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        raise ValueError from None


def _read_exactly(text: str) -> int | Decimal:
    """A number to compare with integers: no digit of it is lost, however many there are."""
    text = text.strip()
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    raise ValueError


def _read_number(text: str) -> int | float:
    """A number to compare with floats: an integer, exactly, or the float nearest to it, which the payload's is too."""
    exact = _read_exactly(text)
    if isinstance(exact, int):
        return exact
    nearest = float(exact)
    if math.isinf(nearest):
        raise ValueError
    return nearest


def _read_datetime(text: str) -> datetime.datetime:
    """
    ISO 8601 in its extended form: a date, or a date and a time with ``Z``, an offset or none.

    Week dates, ordinal dates and forms without hyphens are refused: which of them Python reads depends on its version.
    """
    text = text.strip().upper().replace(",", ".")
    if not _DATETIME.fullmatch(text):
        raise ValueError
    return _utc(datetime.datetime.fromisoformat(text))


READERS: Final[Mapping[Kind, tuple[Callable[[str], Any], str]]] = {
    Kind.TEXT: (str, "a text"),
    Kind.BOOLEAN: (_read_boolean, "true or false"),
    Kind.INTEGER: (_read_exactly, "a number such as 7 or 0.75"),
    Kind.NUMBER: (_read_number, "a number such as 7 or 0.75"),
    Kind.DATETIME: (_read_datetime, "a date such as 2026-05-01 or a time such as 2026-05-01T12:30:00Z"),
}
"""How a text is read as each kind, and what such a text is. No text stands for the kinds that are missing here."""
