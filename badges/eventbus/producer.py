"""
Our Kafka producer: ``EVENT_BUS_PRODUCER = "badges.eventbus.producer.create_producer"``.

The same messages as edx-event-bus-kafka's, but ``send`` returns when the broker has confirmed the message, and raises
when it has not. The stock producer sends in the background; what goes wrong it logs, with all the event's data, and
forgets. Every sender in the process waits for the broker with ours, so it is meant for a service that announces
badges and little else.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext
from edx_event_bus_kafka.internal.producer import extract_event_key, extract_key_schema
from edx_event_bus_kafka.internal.utils import _get_headers_from_metadata
from openedx_events.data import EventsMetadata
from openedx_events.event_bus import EventBusProducer
from openedx_events.event_bus.avro.serializer import AvroSignalSerializer
from openedx_events.tooling import OpenEdxPublicSignal

from badges.conf import conf
from badges.eventbus.kafka import client_settings, full_topic, schema_registry
from badges.eventbus.troubles import Troubles
from badges.exceptions import BusUnavailable, ConfigurationError

logger = logging.getLogger(__name__)

Serializer = Callable[[Any, SerializationContext], bytes | None]

POLL_SECONDS: Final = 0.1
GRACE_SECONDS: Final = 1.0
"""How much longer than the broker librdkafka itself may be silent."""


def create_producer() -> KafkaEventProducer:
    """It connects with its first event: an error here, and openedx-events takes one that drops everything."""
    return KafkaEventProducer()


class KafkaEventProducer(EventBusProducer):  # type: ignore[misc]
    """Sends events to Kafka and waits until they are there. Threads may share it; processes may not."""

    def __init__(self) -> None:
        self._registry: SchemaRegistryClient | None = None
        self._encoders: dict[tuple[str, str], tuple[Serializer, Serializer]] = {}

    def send(
        self,
        *,
        signal: OpenEdxPublicSignal,
        topic: str,
        event_key_field: str,
        event_data: dict[str, Any],
        event_metadata: EventsMetadata,
    ) -> None:
        """
        Send one event and wait for the broker's confirmation, ``PRODUCE_TIMEOUT`` seconds at the most.

        ``topic`` is without ``EVENT_BUS_TOPIC_PREFIX``; ``event_key_field`` is the dotted path of the message's key.
        Raises :class:`BusUnavailable`, which holds none of the event's data; the event may have arrived all the same.
        """
        name = full_topic(topic)
        what = f"Event {event_metadata.id} of type {signal.event_type} did not reach the topic {name}"
        headers = _get_headers_from_metadata(event_metadata)
        key, value = self._encode(signal, name, event_key_field, event_data, what)
        confirmation = _Confirmation()
        producer = self._producer  # the same to the end: the first events of two threads may make one each
        try:
            producer.produce(name, key=key, value=value, headers=headers, on_delivery=confirmation)
        except (KafkaException, BufferError) as error:
            raise BusUnavailable(f"{what}: {error}") from None
        give_up_at = time.monotonic() + conf.produce_timeout + GRACE_SECONDS
        while not confirmation.received and time.monotonic() < give_up_at:
            producer.poll(POLL_SECONDS)
        if not confirmation.received:
            raise BusUnavailable(f"{what}: no confirmation within {conf.produce_timeout:g} s.")
        if confirmation.error is not None:
            raise BusUnavailable(f"{what}: {confirmation.error.str()} ({confirmation.error.name()}).")

    def prepare_for_shutdown(self) -> None:
        """Close the connection to the registry; there is nothing left to be sent. Sending again opens it again."""
        if self._registry is not None:
            self._registry.close()
        self._registry = None
        self._encoders.clear()

    @functools.cached_property
    def _producer(self) -> Producer:
        options = {
            "linger.ms": 0,  # every event is waited for
            "enable.idempotence": True,
            "message.timeout.ms": int(conf.produce_timeout * 1000),
            **conf.kafka_producer_settings,
        }
        try:
            return Producer({**client_settings(Troubles()), **options}, logger=logger)
        except KafkaException as error:
            raise ConfigurationError(f"BADGES['KAFKA_PRODUCER_SETTINGS']: {error.args[0].str()}") from error

    def _encode(
        self, signal: OpenEdxPublicSignal, topic: str, key_field: str, data: dict[str, Any], what: str
    ) -> tuple[bytes | None, bytes | None]:
        """The message's key and value. The schemas are registered with the first event of a kind."""
        try:
            encode_key, encode_value = self._encoders_of(signal, key_field)
            return (
                encode_key(extract_event_key(data, key_field), SerializationContext(topic, MessageField.KEY)),
                encode_value(data, SerializationContext(topic, MessageField.VALUE)),
            )
        except ConfigurationError:
            raise
        except SchemaRegistryError as error:
            raise BusUnavailable(
                f"{what}: the schema registry answers {error.http_status_code}, {error.error_message}"
            ) from None
        except Exception as error:  # noqa: BLE001 - its text may repeat the data
            raise BusUnavailable(
                f"{what}: {type(error).__qualname__}. Either the schema registry does not answer (see "
                f"EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL), or {key_field} is no field of the event, or its data do not "
                "fit the type."
            ) from None

    def _encoders_of(self, signal: OpenEdxPublicSignal, key_field: str) -> tuple[Serializer, Serializer]:
        made = self._encoders.get((signal.event_type, key_field))
        if made is None:
            if self._registry is None:
                self._registry = schema_registry()
            made = self._encoders[signal.event_type, key_field] = _serializers(signal, key_field, self._registry)
        return made


class _Confirmation:
    """What the broker says about one message."""

    def __init__(self) -> None:
        self.received = False
        self.error: KafkaError | None = None

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        self.error = error
        self.received = True


def _serializers(
    signal: OpenEdxPublicSignal, key_field: str, registry: SchemaRegistryClient
) -> tuple[Serializer, Serializer]:
    """For key and value, with the schemas and the subject names of edx-event-bus-kafka."""
    avro = AvroSignalSerializer(signal)
    strategy = {"subject.name.strategy": topic_record_subject_name_strategy}

    def serializer(schema: str) -> Serializer:
        made: Serializer = AvroSerializer(
            registry, schema, to_dict=lambda data, context: avro.to_dict(data), conf=strategy
        )
        return made

    return serializer(extract_key_schema(avro, key_field)), serializer(avro.schema_string())
