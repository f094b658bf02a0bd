"""
An Open edX service of its own process, for tests: ``produce COUNT`` or ``consume COUNT`` course passing status events
with edx-event-bus-kafka's own producer and consumer. Reads KAFKA_BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "openedx_events"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    EVENT_BUS_PRODUCER="edx_event_bus_kafka.create_producer",
    EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL=os.environ["SCHEMA_REGISTRY_URL"],
    EVENT_BUS_TOPIC_PREFIX="dev",
    EVENTS_SERVICE_NAME="lms",
    SERVICE_VARIANT="lms",
)
django.setup()

# What follows reads the settings while it is imported.
from confluent_kafka import Consumer  # noqa: E402
from edx_event_bus_kafka import KafkaEventConsumer  # noqa: E402
from edx_event_bus_kafka.internal.config import load_common_settings  # noqa: E402
from opaque_keys.edx.keys import CourseKey  # noqa: E402
from openedx_events.event_bus import get_producer  # noqa: E402
from openedx_events.learning.data import (  # noqa: E402
    CourseData,
    CoursePassingStatusData,
    UserData,
    UserPersonalData,
)
from openedx_events.learning.signals import COURSE_PASSING_STATUS_UPDATED  # noqa: E402

TOPIC = "learning-badges-lifecycle"


def produce(count: int) -> None:
    producer = get_producer()
    for number in range(1, count + 1):
        pii = UserPersonalData(username=f"learner{number}", email=f"learner{number}@example.com", name="Learner")
        status = CoursePassingStatusData(
            is_passing=True,
            course=CourseData(course_key=CourseKey.from_string("course-v1:edX+A+1")),
            user=UserData(pii=pii, id=number, is_active=True),
        )
        producer.send(
            signal=COURSE_PASSING_STATUS_UPDATED,
            topic=TOPIC,
            event_key_field="course_passing_status.course.course_key",
            event_data={"course_passing_status": status},
            event_metadata=COURSE_PASSING_STATUS_UPDATED.generate_signal_metadata(),
        )
    producer.prepare_for_shutdown()


def consume(count: int) -> None:
    consumer = KafkaEventConsumer(TOPIC, "bus-peer")
    received = []

    def receive(course_passing_status: CoursePassingStatusData, metadata: Any, **_: Any) -> None:
        received.append(metadata.id)
        learner = course_passing_status.user.pii.username
        course = str(course_passing_status.course.course_key)
        print(json.dumps({"learner": learner, "course": course, "type": metadata.event_type}), flush=True)
        consumer._shut_down_loop = len(received) == count

    COURSE_PASSING_STATUS_UPDATED.connect(receive)
    # The stock consumer starts a new group at the latest offset and would miss what was sent before it joined.
    consumer.consumer.close()
    consumer.consumer = Consumer(
        load_common_settings() | {"group.id": "bus-peer", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    )
    consumer.consume_indefinitely()


if __name__ == "__main__":
    {"produce": produce, "consume": consume}[sys.argv[1]](int(sys.argv[2]))
