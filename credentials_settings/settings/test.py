"""The test suite: nothing outside the process unless a test starts it."""

from __future__ import annotations

import os

from credentials_settings.settings.base import *

SECRET_KEY = "insecure: for tests only"  # nosec B105  # noqa: S105 - the text says it
DATABASES = {"default": database(os.environ.get("DATABASE_URL", "sqlite://:memory:"))}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EVENT_BUS_PRODUCER_CONFIG = {}
CELERY_BROKER_URL = "memory://"
CELERY_TASK_ALWAYS_EAGER = False
BADGES = {**BADGES, "DATABASE_WAIT": 2, "BACKOFF_BASE": 0.01, "BACKOFF_CAP": 0.05}
LOGGING = {**LOGGING, "root": {"handlers": ["console"], "level": "WARNING"}}
