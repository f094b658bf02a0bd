"""The standalone project as it is measured: nothing is enqueued, and nothing is announced unless a bus is named."""

from __future__ import annotations

import json
import os

from credentials_settings.settings.base import *  # noqa: F403

SECRET_KEY = "insecure: for benchmarks only"
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
EVENT_BUS_PRODUCER_CONFIG = {}
LOGGING = {**LOGGING, "loggers": {"badges": {"level": "WARNING"}}}  # noqa: F405
if "METER" in os.environ:
    INSTALLED_APPS = [*INSTALLED_APPS, "tests.bench.meter.MeterConfig"]  # noqa: F405

# The events are of May 2026, whatever the clock of the machine says.
BADGES = {**BADGES, "FUTURE_TOLERANCE": 10**9, "ENQUEUE": False, **json.loads(os.environ.get("BENCH_BADGES", "{}"))}  # noqa: F405
