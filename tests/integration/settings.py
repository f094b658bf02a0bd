"""
The standalone project, for the processes that these tests start.

The environment variable ``INTEGRATION_SETTINGS`` holds settings as JSON that go over these; ``BADGES`` is merged.
"""

from __future__ import annotations

import json
import os

from credentials_settings.settings.base import *  # noqa: F403

SECRET_KEY = "insecure: for tests only"
INSTALLED_APPS = [*INSTALLED_APPS, "tests.integration.witness.WitnessConfig"]  # noqa: F405
if os.environ.get("TAMPERING"):
    INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.tampering.TamperingConfig"]
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "memory://")
CELERY_BROKER_TRANSPORT_OPTIONS = {} if CELERY_BROKER_URL == "memory://" else CELERY_BROKER_TRANSPORT_OPTIONS  # noqa: F405

given = json.loads(os.environ.get("INTEGRATION_SETTINGS", "{}"))
# The tests' events are of May 2026, whatever the clock of the machine says.
BADGES = {**BADGES, "FUTURE_TOLERANCE": 10**9, "ENQUEUE": False, **given.pop("BADGES", {})}  # noqa: F405
globals().update(given)
