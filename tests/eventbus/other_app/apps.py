"""A receiver that tells what it gets, and takes its time."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from django.apps import AppConfig
from django.db import connection


def receive(course_passing_status: Any, **_: Any) -> None:
    line = {"number": course_passing_status.user.id, "connected": connection.connection is not None}
    sys.stdout.write(json.dumps(line) + "\n")
    connection.ensure_connection()
    time.sleep(float(os.environ.get("RECEIVER_SECONDS", "0")))


class OtherAppConfig(AppConfig):
    name = "tests.eventbus.other_app"

    def ready(self) -> None:
        from openedx_events.learning.signals import COURSE_PASSING_STATUS_UPDATED  # noqa: PLC0415 - apps first

        COURSE_PASSING_STATUS_UPDATED.connect(receive)
