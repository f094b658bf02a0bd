"""
Publish events that wait in topics for a consumer: ``python -m tests.bench.backlog KIND TOPIC EVENTS [KIND …]``.

The kind is ``unmatched``, or ``changing``: each event is then the first fulfilment of its requirement by a learner who
is known, and nobody is awarded.
"""

from __future__ import annotations

import itertools
import json
import os
import string
import sys
from collections.abc import Iterator

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.settings")
django.setup()

# What follows needs Django set up.
from django.contrib.auth import get_user_model  # noqa: E402

from badges import api  # noqa: E402
from badges.eventbus import publisher  # noqa: E402
from badges.models import BadgeTemplate  # noqa: E402
from tests.bench.site import grow, new_learners  # noqa: E402
from tests.builders import line, template  # noqa: E402

TEMPLATES = 1000
LONG = "The one with many courses"
COURSES = string.ascii_uppercase[2:12]
"""None of those that another template is about, so that nobody is awarded."""

LAST = "Z"
"""The course that nobody passes."""

KEY = "course_passing_status.user.pii.username"


def prepare() -> None:
    grow(TEMPLATES)
    if not BadgeTemplate.objects.filter(name=LONG).exists():
        template(COURSES + LAST, name=LONG)


def publish(kind: str, topic: str, events: int, new: Iterator[int]) -> None:
    courses = COURSES if kind == "changing" else ["Unmatched"]
    learners = list(itertools.islice(new, events // len(courses)))
    if kind == "changing":
        users = get_user_model().objects
        users.bulk_create(
            users.model(username=f"learner{number}", lms_user_id=number, email=f"learner{number}@example.com")
            for number in learners
        )
    for course in courses:  # so that the events of a learner do not come one after the other
        for learner in learners:
            event = api.read_line(line=json.dumps(line(course, learner=learner)))
            publisher.produce(event, topic, key_field=KEY)


def main() -> None:
    prepare()
    asked, new = sys.argv[1:], new_learners()
    for kind, topic, events in zip(asked[::3], asked[1::3], asked[2::3], strict=True):
        publish(kind, topic, int(events), new)
        publisher.flush()


if __name__ == "__main__":
    main()
