"""From a message to a signal, with a real schema registry; and every way in which a message can be none."""

from __future__ import annotations

import datetime
import io
import itertools
import json
import logging
import struct
import uuid
from collections.abc import Iterator
from typing import Any

import fastavro
import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_NOT_AVAILABLE, Message
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from edx_event_bus_kafka.internal.utils import _get_headers_from_metadata
from openedx_events.data import EventsMetadata
from openedx_events.event_bus.avro.serializer import AvroSignalSerializer
from openedx_events.learning.signals import (
    COURSE_PASSING_STATUS_UPDATED,
    PERSISTENT_GRADE_SUMMARY_CHANGED,
)
from pytest_django import Settings

from badges.eventbus.kafka import schema_registry
from badges.eventbus.messages import Decoded, Decoder, event_id_of
from badges.exceptions import BusUnavailable, UnreadableEvent
from tests.eventbus.samples import PASSING, TIME, passing

ID = "9d2f0c3e-6a0b-11ef-9d52-0242ac120002"
METADATA = EventsMetadata(
    event_type=PASSING, id=uuid.UUID(ID), time=TIME, source="openedx/lms/web", sourcehost="lms", sourcelib=(10, 5, 0)
)
HEADERS: dict[str, bytes | None] = dict(_get_headers_from_metadata(METADATA))
DATA = {"course_passing_status": passing()}

subjects = itertools.count(1)


def receive(**kwargs: Any) -> None:
    """Somebody who listens."""


@pytest.fixture(autouse=True)
def _somebody_listens() -> Iterator[None]:
    COURSE_PASSING_STATUS_UPDATED.connect(receive)
    yield
    COURSE_PASSING_STATUS_UPDATED.disconnect(receive)


@pytest.fixture
def registry(bus_settings: Settings) -> Iterator[SchemaRegistryClient]:
    with schema_registry() as client:
        yield client


@pytest.fixture
def decoder(registry: SchemaRegistryClient) -> Decoder:
    return Decoder(registry)


def schema() -> dict[str, Any]:
    made: dict[str, Any] = AvroSignalSerializer(COURSE_PASSING_STATUS_UPDATED).schema
    return made


def register(registry: SchemaRegistryClient, text: str) -> int:
    return registry.register_schema(f"tests-messages-{next(subjects)}", Schema(text, "AVRO"))


def encode(registry: SchemaRegistryClient, written: Any, record: Any) -> bytes:
    """``record`` as the bus has it."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(json.dumps(written))), record)
    return struct.pack(">bI", 0, register(registry, json.dumps(written))) + out.getvalue()


def record() -> dict[str, Any]:
    made: dict[str, Any] = AvroSignalSerializer(COURSE_PASSING_STATUS_UPDATED).to_dict(DATA)
    return made


def message(
    value: bytes | None,
    headers: dict[str, bytes | None] | None = None,
    timestamp: tuple[int, int] = (TIMESTAMP_CREATE_TIME, 1_700_000_000_500),
) -> Message:
    pairs: list[tuple[str, str | bytes | None]] = [*(HEADERS if headers is None else headers).items()]
    return Message(topic="topic", partition=1, offset=2, value=value, headers=pairs, timestamp=timestamp)


def without(name: str) -> dict[str, bytes | None]:
    return {key: value for key, value in HEADERS.items() if key != name}


@pytest.fixture
def value(registry: SchemaRegistryClient) -> bytes:
    return encode(registry, schema(), record())


def problem(decoder: Decoder, bad: Message) -> str:
    with pytest.raises(UnreadableEvent) as raised:
        decoder.decode(bad)
    return str(raised.value)


# --- what can be read ----------------------------------------------------------------------------------------


def test_a_message_becomes_what_its_signal_is_sent_with(decoder: Decoder, value: bytes) -> None:
    assert decoder.decode(message(value)) == Decoded(COURSE_PASSING_STATUS_UPDATED, METADATA, DATA)
    assert event_id_of(message(value)) == ID


def test_a_schema_is_asked_for_once(decoder: Decoder, value: bytes, bus_settings: Settings) -> None:
    first = decoder.decode(message(value))
    decoder._registry.close()
    assert decoder.decode(message(value)) == first


def test_fields_that_a_newer_platform_adds_are_ignored(decoder: Decoder, registry: SchemaRegistryClient) -> None:
    newer, data = schema(), record()
    newer["fields"][0]["type"]["fields"].append({"name": "percent_grade", "type": "double"})
    data["course_passing_status"]["percent_grade"] = 0.7
    decoded = decoder.decode(message(encode(registry, newer, data)))
    assert decoded is not None
    assert decoded.data == DATA


def test_fields_with_a_default_may_be_missing_on_an_older_platform(
    decoder: Decoder, registry: SchemaRegistryClient
) -> None:
    older, data = schema(), record()
    course = next(field for field in older["fields"][0]["type"]["fields"] if field["name"] == "course")["type"]
    course["fields"] = [field for field in course["fields"] if field["name"] != "start"]
    decoded = decoder.decode(message(encode(registry, older, data)))
    assert decoded is not None
    assert decoded.data == DATA


def test_nothing_is_decoded_for_a_signal_nobody_listens_to(decoder: Decoder) -> None:
    headers = {**HEADERS, "ce_type": PERSISTENT_GRADE_SUMMARY_CHANGED.event_type.encode()}
    assert decoder.decode(message(b"anything", headers)) is None


def test_an_unknown_type_is_skipped_and_told_once(decoder: Decoder, caplog: pytest.LogCaptureFixture) -> None:
    # On a topic that many share that is nothing special.
    headers: dict[str, bytes | None] = {**HEADERS, "ce_type": b"org.openedx.tomorrow.v1"}
    with caplog.at_level(logging.INFO, "badges"):
        assert [decoder.decode(message(b"anything", headers)) for _ in range(3)] == [None] * 3
    assert [record.getMessage() for record in caplog.records] == [
        "Events of type org.openedx.tomorrow.v1 are skipped: the installed openedx-events does not know it."
    ]


# --- headers -------------------------------------------------------------------------------------------------


def metadata_of(decoder: Decoder, read: Message) -> Any:
    decoded = decoder.decode(read)
    assert decoded is not None
    return decoded.metadata


def test_an_event_without_a_time_has_that_of_its_message(decoder: Decoder, value: bytes) -> None:
    # S7: the time has to be the same with every delivery.
    metadata = metadata_of(decoder, message(value, without("ce_time")))
    assert metadata.time == datetime.datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "time", ["2026-05-01T10:00:00+00:00", "2026-05-01T10:00:00Z", "2026-05-01T10:00:00", "2026-05-01T12:00:00+02:00"]
)
def test_a_time_is_turned_into_utc(decoder: Decoder, value: bytes, time: str) -> None:
    metadata = metadata_of(decoder, message(value, {**HEADERS, "ce_time": time.encode()}))
    assert metadata.time == TIME
    assert metadata.time.tzinfo is datetime.UTC


@pytest.mark.parametrize("header", ["ce_source", "sourcehost", "sourcelib", "ce_minorversion"])
def test_headers_that_only_inform_may_be_missing(decoder: Decoder, value: bytes, header: str) -> None:
    assert metadata_of(decoder, message(value, without(header))).id == METADATA.id
    assert metadata_of(decoder, message(value, {**HEADERS, header: None})).id == METADATA.id


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "It has no header ce_type, so it is no event of the Open edX event bus."),
        (without("ce_type"), "It has no header ce_type, so it is no event of the Open edX event bus."),
        (without("ce_id"), "It has no header ce_id."),
        ({**HEADERS, "ce_id": b"seven"}, "Its header ce_id cannot be read."),
        ({**HEADERS, "ce_time": b"soon"}, "Its header ce_time cannot be read."),
        ({**HEADERS, "ce_time": b"0001-01-01T00:00:00+02:00"}, "Its header ce_time cannot be read."),
        ({**HEADERS, "ce_minorversion": b"one"}, "Its header ce_minorversion cannot be read."),
        ({**HEADERS, "sourcelib": b"10.5.x"}, "Its header sourcelib cannot be read."),
        ({**HEADERS, "ce_type": b"\xff"}, "Its headers are not UTF-8."),
    ],
)
def test_headers_that_make_no_event_are_named(
    decoder: Decoder, value: bytes, headers: dict[str, bytes | None], expected: str
) -> None:
    assert problem(decoder, message(value, headers)) == expected


def test_an_event_has_to_have_a_time(decoder: Decoder, value: bytes) -> None:
    timeless = message(value, without("ce_time"), (TIMESTAMP_NOT_AVAILABLE, 0))
    assert problem(decoder, timeless) == "It has neither a header ce_time nor a time of its own."


def test_an_id_that_cannot_be_told_is_a_question_mark() -> None:
    assert event_id_of(message(b"", {"ce_id": b"\xff"})) == "?"
    assert event_id_of(message(b"", {})) == "?"
    assert event_id_of(Message(topic="topic", partition=0, offset=0, value=b"")) == "?"


# --- values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (None, "Its value is empty."),
        (b"", "Its value is empty."),
        (b"\x00\x00", "Its value is empty."),
        (b"learner1@example.com", "Its value is not in the schema registry's wire format."),
        (b"\x00\x00\x0f\xff\xff", "The schema registry has no schema 1048575."),
    ],
)
def test_a_value_that_is_no_event_is_told(decoder: Decoder, bad: bytes | None, expected: str) -> None:
    assert problem(decoder, message(bad)) == expected


def test_a_value_that_ends_too_early_is_told(decoder: Decoder, value: bytes) -> None:
    assert problem(decoder, message(value[:-20])).startswith(f"Its value does not fit {PASSING} of the installed")


def test_a_value_of_another_type_of_event_is_told(decoder: Decoder, registry: SchemaRegistryClient) -> None:
    other = {"type": "record", "name": "Other", "fields": [{"name": "email", "type": "string"}]}
    told = problem(decoder, message(encode(registry, other, {"email": "learner1@example.com"})))
    assert told.startswith(f"Its value does not fit {PASSING} of the installed openedx-events (")
    assert "learner1" not in told


def test_a_key_that_is_none_is_told(decoder: Decoder, registry: SchemaRegistryClient) -> None:
    data = record()
    data["course_passing_status"]["course"]["course_key"] = "learner1@example.com"
    told = problem(decoder, message(encode(registry, schema(), data)))
    assert told.endswith("(InvalidKeyError).")


def test_a_schema_that_is_not_avro_is_told(value: bytes) -> None:
    # The embedded registry takes no other kind; the client's own stand-in does.
    registry = SchemaRegistryClient.new_client({"url": "mock://json"})
    schema_id = registry.register_schema("tests", Schema('{"type": "object"}', "JSON"))
    told = problem(Decoder(registry), message(struct.pack(">bI", 0, schema_id) + value[5:]))
    assert told == f"Schema {schema_id} is not Avro (UnknownType)."


def test_a_registry_that_does_not_answer_says_nothing_about_the_message(bus_settings: Settings, value: bytes) -> None:
    bus_settings.EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL = "http://127.0.0.1:1"
    with schema_registry() as gone, pytest.raises(BusUnavailable, match="does not tell schema"):
        Decoder(gone).decode(message(value))


def test_the_registry_gets_the_configured_key(bus_settings: Settings) -> None:
    bus_settings.EVENT_BUS_KAFKA_SCHEMA_REGISTRY_API_KEY = "key"
    bus_settings.EVENT_BUS_KAFKA_SCHEMA_REGISTRY_API_SECRET = "secret"
    with schema_registry() as client:
        assert client._rest_client.auth == ("key", "secret")
