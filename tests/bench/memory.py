"""
What one process keeps of the events it has handled: ``python -m tests.bench.memory EVENTS TEMPLATES`` prints JSON.

Each event has another learner, course and id, so that whatever is kept by any of these would show. One in fifty is a
redelivery, which asks the database; the others match nothing.
"""

from __future__ import annotations

import datetime
import gc
import json
import os
import sys
import uuid

import django
import psutil

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.settings")
django.setup()

# What follows needs Django set up.
from opaque_keys.edx.keys import CourseKey  # noqa: E402
from openedx_events.data import EventsMetadata  # noqa: E402
from openedx_events.learning.data import (  # noqa: E402
    CourseData,
    CoursePassingStatusData,
    UserData,
    UserPersonalData,
)

from badges import handlers  # noqa: E402
from badges.eventbus.signals import signal_of  # noqa: E402
from tests.bench.site import grow  # noqa: E402
from tests.builders import PASSING, course_key  # noqa: E402

SIGNAL = signal_of(PASSING)
REDELIVERED = 50
KNOWN = 100
"""Learners whose events come again."""


def send(learner: int, course: str, event_id: int) -> None:
    username = f"learner{learner}"
    handlers.receive(
        SIGNAL,
        metadata=EventsMetadata(
            event_type=PASSING,
            id=uuid.uuid5(uuid.NAMESPACE_OID, f"memory {event_id}"),
            time=datetime.datetime(2026, 5, 1, 10, tzinfo=datetime.UTC),
        ),
        from_event_bus=True,
        course_passing_status=CoursePassingStatusData(
            is_passing=True,
            course=CourseData(course_key=CourseKey.from_string(course_key(course))),
            user=UserData(
                id=learner,
                is_active=True,
                pii=UserPersonalData(username=username, email=f"{username}@example.com", name=f"Learner {learner}"),
            ),
        ),
    )


def megabytes() -> float:
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6


def main() -> None:
    count, templates = map(int, sys.argv[1:])
    grow(templates)
    samples = []
    for number in range(count):
        if number % (count // 10) == 0:
            samples.append(megabytes())
        if number % REDELIVERED == 0:
            known = number // REDELIVERED % KNOWN
            send(known + 1, "A", known)
        else:
            send(KNOWN + 1 + number, f"Course{number}", number)
    samples.append(megabytes())
    print(json.dumps({"events": count, "templates": templates, "megabytes": samples}))


if __name__ == "__main__":
    main()
