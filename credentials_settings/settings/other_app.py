"""
Another app on the same bus: it knows nothing of badges but the public events.

Our consumer reads them, because the stock one skips what was announced before its group first met the topic.
"""

from __future__ import annotations

import os

SECRET_KEY = "insecure: reads events on a developer's machine"  # nosec B105  # noqa: S105 - the text says it
INSTALLED_APPS = ["openedx_events"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
EVENTS_SERVICE_NAME = "other-app"
EVENT_BUS_CONSUMER = os.environ.get("OTHER_APP_CONSUMER", "badges.eventbus.consumer.KafkaEventConsumer")
EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL = os.environ.get("SCHEMA_REGISTRY_URL", "http://127.0.0.1:8081")
EVENT_BUS_REDIS_CONNECTION_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
EVENT_BUS_REDIS_CONSUMER_POLL_TIMEOUT = 2  # seconds; see base.py
EVENT_BUS_TOPIC_PREFIX = os.environ.get("EVENT_BUS_TOPIC_PREFIX", "dev")
OPENEDX_TELEMETRY: list[str] = []
BADGES = {"KAFKA_SETTINGS": {"group.protocol": "consumer", "fetch.wait.max.ms": 20}}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
