"""A project with nothing but the consumer in it."""

from __future__ import annotations

import json
import os

SECRET_KEY = "insecure: for tests only"
INSTALLED_APPS = ["openedx_events", "tests.eventbus.other_app"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE_FILE"], "CONN_MAX_AGE": 0},
}
USE_TZ = True
EVENT_BUS_CONSUMER = "badges.eventbus.consumer.KafkaEventConsumer"
EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL = os.environ["SCHEMA_REGISTRY_URL"]
EVENT_BUS_TOPIC_PREFIX = "tests"
BADGES = {"KAFKA_SETTINGS": json.loads(os.environ["KAFKA_SETTINGS"]), "TOPIC_WAIT": 0.2}
