"""A site with any number of templates, and learners that nobody knows yet."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Iterator

from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from badges.models import BadgeRequirement, BadgeTemplate, DataRule
from tests.builders import PASSING, rules, template

THE_ONE = "The one that the events are about"
CHUNK = 1000


def grow(count: int) -> None:
    """
    Bring the site to ``count`` templates: one with two courses, the first with a penalty, and others with a course key
    of their own each.
    """
    if not BadgeTemplate.objects.filter(name=THE_ONE).exists():
        template("AB", penalties="A", name=THE_ONE)
    have = BadgeTemplate.objects.count()
    for start in range(have, count, CHUNK):
        with transaction.atomic():
            _add(range(start, min(start + CHUNK, count)))


def _add(numbers: range) -> None:
    model = BadgeTemplate.objects.get(name=THE_ONE)
    made = []
    for number in numbers:
        identity = uuid.uuid4()
        made.append(
            BadgeTemplate(
                uuid=identity,
                external_id=str(identity),
                account=model.account,
                site=model.site,
                name=f"Another {number}",
                is_active=True,
            )
        )
    BadgeTemplate.objects.bulk_create(made)
    # Asked for, because not every database gives the primary keys of a bulk insert.
    ids = BadgeTemplate.objects.filter(uuid__in=[row.uuid for row in made]).values_list("pk", flat=True)
    BadgeRequirement.objects.bulk_create(BadgeRequirement(template_id=pk, key="pass", event_type=PASSING) for pk in ids)
    owners = BadgeRequirement.objects.filter(template_id__in=list(ids)).values_list("pk", flat=True)
    DataRule.objects.bulk_create(
        rule for pk in owners for rule in rules(DataRule, f"another-{pk}", "true", requirement_id=pk)
    )


def new_learners() -> Iterator[int]:
    """LMS user ids; processes that measure at different times must not meet each other's learners."""
    return itertools.count(random.SystemRandom().randrange(1, 2**31 - 2**20))


def warm() -> None:
    """What a process that has run for a while knows."""
    ContentType.objects.get_for_model(BadgeTemplate)
