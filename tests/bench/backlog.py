"""
Publish events that wait in a topic for a consumer: ``python -m tests.bench.backlog TOPIC EVENTS [--changing]``.

They match nothing; or each is the first fulfilment of its requirement by a learner who is known, and nobody is awarded.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import string

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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("topic")
    parser.add_argument("events", type=int)
    parser.add_argument("--changing", action="store_true")
    options = parser.parse_args()
    prepare()
    courses = COURSES if options.changing else ["Unmatched"]
    learners = list(itertools.islice(new_learners(), options.events // len(courses)))
    if options.changing:
        users = get_user_model().objects
        users.bulk_create(
            users.model(username=f"learner{number}", lms_user_id=number, email=f"learner{number}@example.com")
            for number in learners
        )
    for course in courses:  # so that the events of a learner do not come one after the other
        for learner in learners:
            event = api.read_line(line=json.dumps(line(course, learner=learner)))
            publisher.produce(event, options.topic, key_field=KEY)
    publisher.flush()


if __name__ == "__main__":
    main()
