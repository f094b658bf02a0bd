"""
What our Kafka consumer and producer share: where the broker and the schema registry are, and the wire's headers.

The settings are edx-event-bus-kafka's own (``EVENT_BUS_KAFKA_*``, ``EVENT_BUS_TOPIC_PREFIX``), read by its own
functions, so that a deployment can change between its classes and ours by one setting.
"""

from __future__ import annotations

from typing import Any, Final

from confluent_kafka.schema_registry import SchemaRegistryClient
from django.conf import settings
from edx_event_bus_kafka.internal.config import get_full_topic, load_common_settings

from badges.eventbus.troubles import Troubles
from badges.exceptions import ConfigurationError

CRITICAL: Final = 2
"""The most that librdkafka logs by itself, as a level of syslog."""

REGISTRY_TIMEOUT: Final = 3.0
"""How many seconds one request to the schema registry may take."""


def full_topic(topic: str) -> str:
    """The topic's name on the broker: with ``EVENT_BUS_TOPIC_PREFIX``."""
    return str(get_full_topic(topic))


def client_settings(troubles: Troubles) -> dict[str, Any]:
    """
    librdkafka's settings to reach the broker. Raises :class:`ConfigurationError` when there is none.

    What it runs into goes to ``troubles``; its own log would repeat that with every attempt to connect.
    """
    if not getattr(settings, "EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS", None):
        raise ConfigurationError(
            "EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS is missing: set it to the brokers' host:port,host:port."
        )
    return {**load_common_settings(), "log_level": CRITICAL, "error_cb": troubles.log}


def schema_registry() -> SchemaRegistryClient:
    """
    A client of the schema registry that gives up after seconds; whoever uses it knows better how to go on.

    Raises :class:`ConfigurationError` when there is none.
    """
    url = getattr(settings, "EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL", None)
    if not url:
        raise ConfigurationError(
            "EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL is missing: set it to the schema registry's address."
        )
    config: dict[str, Any] = {"url": url, "timeout": REGISTRY_TIMEOUT, "max.retries": 0}
    key = getattr(settings, "EVENT_BUS_KAFKA_SCHEMA_REGISTRY_API_KEY", "")
    if key:
        secret = getattr(settings, "EVENT_BUS_KAFKA_SCHEMA_REGISTRY_API_SECRET", "")
        config["basic.auth.user.info"] = f"{key}:{secret}"
    return SchemaRegistryClient(config)
