"""
Events as lines of JSON: what ``replay_events`` reads, what a failed event is kept as.

A line holds ``type``, ``id`` (a UUID), ``time`` (ISO 8601 with ``Z`` or an offset) and ``data``, an object with the
signal's own argument names. Reading is strict: the real data classes are built, and a field that is missing or of
another type is an error that names the field. What the data class does not know is ignored, because newer versions of
the platform add fields. Problems never repeat a value from the line (S36).
"""

from __future__ import annotations

import datetime
import enum
import json
import uuid
from typing import Any, Final

import attrs

from badges.data import Event
from badges.eventbus.annotations import ANYTHING, Member, Shape, members, shape_of
from badges.eventbus.catalogue import signal_of
from badges.eventbus.scalars import of_type, read_scalar
from badges.exceptions import UnreadableEvent

MAX_LINE: Final = 1024 * 1024
"""The length of the longest line that is read, in characters; Kafka's own default limit for a message is 1 MB."""


# --- writing -------------------------------------------------------------------------------------------------


def to_line(event: Event) -> str:
    """
    ``event`` as one line of pure ASCII, without the line's end.

    A value for which JSON has no form becomes its text, so that whatever came in can be kept. Raises
    :class:`UnreadableEvent` when the type is unknown.
    """
    arguments = list(_signal(event.type).init_data)
    line = {
        "type": event.type,
        "id": event.id,
        "time": event.time.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z"),
        "data": {arguments[0]: event.payload} if len(arguments) == 1 else event.payload,
    }
    return json.dumps(line, default=_plain, skipkeys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """What JSON can hold instead of ``value``."""
    if attrs.has(type(value)):
        # openedx-events has a field whose default is the class dict itself; left out, it is that again when read.
        fields = {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
        return {name: inner for name, inner in fields.items() if not isinstance(inner, type)}
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, set | frozenset):
        return list(value)
    return str(value)  # opaque keys, UUIDs, lazy translations


# --- reading -------------------------------------------------------------------------------------------------


def from_line(line: str | bytes, *, longest: int | None = MAX_LINE) -> Event:
    """
    The event that ``line`` (bytes: UTF-8) holds; ``id`` in its usual form, ``time`` in UTC, ``from_bus`` False.

    ``longest`` is how many characters are read, None for a line of our own, which may be longer than the message was.
    Raises :class:`UnreadableEvent`, which names the field and what belongs there.
    """
    if longest is not None and len(line) > longest:
        raise UnreadableEvent(f"The line is {len(line)} characters long; at most {longest} are read.")
    content = _parse(line)
    of_type(content, dict, "The line")
    event_type = _read(_take(content, "type", ""), shape_of(str), "type")
    arguments = _signal(event_type).init_data
    event_id = _read(_take(content, "id", ""), shape_of(uuid.UUID), "id")
    time = _read(_take(content, "time", ""), shape_of(datetime.datetime), "time")
    if time.tzinfo is None:
        raise UnreadableEvent("time: must have a Z or an offset from UTC, such as 2026-05-01T10:00:00Z.")
    try:
        time = time.astimezone(datetime.UTC)
    except OverflowError:
        raise UnreadableEvent("time: must be within the years 1 to 9999 in UTC.") from None
    wanted = tuple(Member(name, shape_of(data_class)) for name, data_class in arguments.items())
    data = _read(_take(content, "data", ""), Shape("object", arguments=wanted), "data")
    payload = data[wanted[0].name] if len(wanted) == 1 else data
    return Event(id=str(event_id), type=event_type, time=time, payload=payload)


def _parse(line: str | bytes) -> Any:
    try:
        text = line.decode() if isinstance(line, bytes) else line
        return json.loads(text, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise UnreadableEvent(f"The line is not UTF-8 from byte {error.start} on.") from None
    except json.JSONDecodeError as error:
        raise UnreadableEvent(f"The line is not JSON: {error.msg} at column {error.colno}.") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        raise UnreadableEvent(f"The line is not JSON that can be read: {type(error).__name__}.") from None


def _refuse_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is no number of JSON", name, 0)


def _signal(event_type: str) -> Any:
    try:
        return signal_of(event_type)
    except KeyError:
        raise UnreadableEvent(
            "type: must be an event type that the installed openedx-events knows; see docs/references for a list."
        ) from None


def _read(value: Any, shape: Shape, place: str) -> Any:
    """``value`` as what belongs at ``place``."""
    if (value is None and shape.nullable) or shape.kind == "any":
        return value
    if shape.kind == "list":
        items = of_type(value, list, place)
        return [_read(item, shape.item or ANYTHING, f"{place}.{index}") for index, item in enumerate(items)]
    if shape.kind == "mapping":
        entries = of_type(value, dict, place)
        return {name: _read(item, shape.item or ANYTHING, f"{place}.{name}") for name, item in entries.items()}
    if shape.kind == "object":
        return _read_object(of_type(value, dict, place), shape, place)
    return read_scalar(value, shape.type or object, place)


def _read_object(content: dict[str, Any], shape: Shape, place: str) -> Any:
    values = {
        member.name: _read(_take(content, member.name, place), member.shape, f"{place}.{member.name}")
        for member in members(shape)
        if member.required or member.name in content
    }
    if shape.type is None:
        return values
    try:
        return shape.type(**values)
    except (TypeError, ValueError):  # a validator's message would repeat the value
        raise UnreadableEvent(f"{place}: {shape.type.__name__} does not accept these values.") from None


def _take(content: dict[str, Any], name: str, place: str) -> Any:
    try:
        return content[name]
    except KeyError:
        raise UnreadableEvent(f"{place}.{name}: is missing.".removeprefix(".")) from None
