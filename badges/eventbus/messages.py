"""
From a Kafka message to what its signal is sent with.

The wire is edx-event-bus-kafka's: CloudEvents headers, and a value in Avro behind Confluent's five bytes (a zero and
the schema's id in the registry):
https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import io
import json
import logging
import struct
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

import fastavro
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from openedx_events.data import EventsMetadata
from openedx_events.event_bus.avro.deserializer import AvroSignalDeserializer
from openedx_events.tooling import OpenEdxPublicSignal

from badges.eventbus.catalogue import signal_of
from badges.exceptions import BusUnavailable, UnreadableEvent

logger = logging.getLogger(__name__)

FRAME: Final = struct.Struct(">bI")


@dataclasses.dataclass(frozen=True, slots=True)
class Decoded:
    """A signal, and what it is sent with."""

    signal: OpenEdxPublicSignal
    metadata: EventsMetadata
    data: Mapping[str, Any] = dataclasses.field(repr=False)


class Decoder:
    """Decodes messages; keeps the schemas it has seen."""

    def __init__(self, registry: SchemaRegistryClient) -> None:
        self._registry = registry
        self._schemas: dict[int, Any] = {}
        self._reported: set[str] = set()

    def decode(self, message: Message) -> Decoded | None:
        """
        What to send for ``message``; None when nobody in this process listens to its type.

        Raises :class:`UnreadableEvent`, without any of the message's data, for a message that will never be readable,
        and :class:`BusUnavailable` when the schema registry does not answer: then nothing is known about the message
        yet.
        """
        headers = _headers(message)
        event_type = headers.get("ce_type")
        if event_type is None:
            raise UnreadableEvent("It has no header ce_type, so it is no event of the Open edX event bus.")
        try:
            signal = signal_of(event_type)
        except KeyError:
            self._report_unknown(event_type)
            return None
        if not signal.has_listeners():
            return None
        metadata = _metadata(event_type, headers, message)
        return Decoded(signal, metadata, self._data(signal, message.value()))

    def _report_unknown(self, event_type: str) -> None:
        if event_type not in self._reported:
            self._reported.add(event_type)
            logger.info("Events of type %s are skipped: the installed openedx-events does not know it.", event_type)

    def _data(self, signal: OpenEdxPublicSignal, value: bytes | None) -> Mapping[str, Any]:
        if value is None or len(value) < FRAME.size:
            raise UnreadableEvent("Its value is empty.")
        magic, schema_id = FRAME.unpack_from(value)
        if magic != 0:
            raise UnreadableEvent("Its value is not in the schema registry's wire format.")
        written = self._schema(schema_id)
        try:
            wanted, from_dict = _reader(signal)
            data: dict[str, Any] = from_dict(
                fastavro.schemaless_reader(io.BytesIO(value[FRAME.size :]), written, wanted)
            )
            return data
        except Exception as error:  # noqa: BLE001 - anything can be wrong with bytes; its text may repeat some
            raise UnreadableEvent(
                f"Its value does not fit {signal.event_type} of the installed openedx-events "
                f"({type(error).__qualname__})."
            ) from None

    def _schema(self, schema_id: int) -> Any:
        """The parsed schema with that id; asked for once."""
        schema = self._schemas.get(schema_id)
        if schema is None:
            schema = self._schemas[schema_id] = self._fetch(schema_id)
        return schema

    def _fetch(self, schema_id: int) -> Any:
        try:
            text = self._registry.get_schema(schema_id).schema_str or ""
        except Exception as error:
            if isinstance(error, SchemaRegistryError) and error.http_status_code == 404:
                raise UnreadableEvent(f"The schema registry has no schema {schema_id}.") from None
            raise BusUnavailable(
                f"The schema registry does not tell schema {schema_id} ({type(error).__qualname__}). Check that it "
                "runs, EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL, and its API key and secret."
            ) from error
        try:
            return fastavro.parse_schema(json.loads(text))
        except Exception as error:  # noqa: BLE001 - fastavro raises what its parsing runs into
            raise UnreadableEvent(f"Schema {schema_id} is not Avro ({type(error).__qualname__}).") from None


@functools.cache
def _reader(signal: OpenEdxPublicSignal) -> tuple[Any, Callable[[Any], dict[str, Any]]]:
    """The signal's own schema, parsed, and the function that makes its arguments of what was read."""
    deserializer = AvroSignalDeserializer(signal)
    return fastavro.parse_schema(deserializer.schema), deserializer.from_dict


# --- headers -------------------------------------------------------------------------------------------------


def event_id_of(message: Message) -> str:
    """The event's id, for a log line; a question mark when there is none."""
    try:
        return _headers(message).get("ce_id", "?")
    except UnreadableEvent:
        return "?"


def _headers(message: Message) -> dict[str, str]:
    """The headers as text. Of several with one name the last counts."""
    try:
        headers: list[tuple[str, bytes | None]] = message.headers() or []  # type: ignore[assignment]
        return {name: value.decode() for name, value in headers if value is not None}
    except UnicodeDecodeError:
        raise UnreadableEvent("Its headers are not UTF-8.") from None


def _metadata(event_type: str, headers: Mapping[str, str], message: Message) -> EventsMetadata:
    """
    The event's metadata. Only the id has to be there: an event without a time has the one of its message, which is the
    same with every delivery.
    """
    if "ce_id" not in headers:
        raise UnreadableEvent("It has no header ce_id.")
    return EventsMetadata(
        event_type=event_type,
        id=_header(headers, "ce_id", uuid.UUID),
        time=_header(headers, "ce_time", _time) or _time_of(message),
        source=headers.get("ce_source"),
        sourcehost=headers.get("sourcehost"),
        minorversion=_header(headers, "ce_minorversion", int),
        sourcelib=_header(headers, "sourcelib", _version),
    )


def _header(headers: Mapping[str, str], name: str, read: Callable[[str], Any]) -> Any:
    if name not in headers:
        return None
    try:
        return read(headers[name])
    except (ValueError, OverflowError):
        raise UnreadableEvent(f"Its header {name} cannot be read.") from None


def _time(text: str) -> datetime.datetime:
    """Aware and UTC, as the metadata has to be; a time without an offset is UTC."""
    time = datetime.datetime.fromisoformat(text)
    return time.replace(tzinfo=datetime.UTC) if time.tzinfo is None else time.astimezone(datetime.UTC)


def _time_of(message: Message) -> datetime.datetime:
    kind, milliseconds = message.timestamp()
    if kind == TIMESTAMP_NOT_AVAILABLE:
        raise UnreadableEvent("It has neither a header ce_time nor a time of its own.")
    return datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.UTC)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
