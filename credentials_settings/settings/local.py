"""A developer's machine: loopback only, secrets that are none, several processes on one SQLite file."""

from __future__ import annotations

from credentials_settings.settings.base import *

SECRET_KEY = "insecure: for a developer's machine only"  # nosec B105  # noqa: S105 - the text says it
DEBUG = False
SESSION_COOKIE_SECURE = False  # HTTP, on loopback
CSRF_COOKIE_SECURE = False
DATA_DIR.mkdir(parents=True, exist_ok=True)
# Joins and leaves a group at once, and hands events over without waiting for more of them.
KAFKA_SETTINGS = {"group.protocol": "consumer", "fetch.wait.max.ms": 20}
BADGES = {**BADGES, "KAFKA_SETTINGS": KAFKA_SETTINGS, "SWEEP_INTERVAL": 2, "BACKOFF_BASE": 1, "SETTLE_TIME": 30}
