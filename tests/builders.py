"""Templates and events for tests, in as few words as possible."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.contrib.sites.models import Site
from openedx_events.data import EventsMetadata

from badges.data import Event
from badges.eventbus.jsonlines import from_line
from badges.eventbus.signals import signal_of
from badges.models import (
    BadgePenalty,
    BadgeRequirement,
    BadgeTemplate,
    DataRule,
    PenaltyDataRule,
    ProviderAccount,
)
from badges.services.claims import Claim, claim_all

PASSING = "org.openedx.learning.course.passing.status.updated.v1"
API_KEY = "key-of-the-tests"


def course_key(course: str) -> str:
    return f"course-v1:edX+{course}+1"


def account(**fields: Any) -> ProviderAccount:
    """An account at Credly, with a key."""
    made = ProviderAccount(**{"external_id": str(uuid.uuid4()), "name": "Demo University", **fields})
    made.set_api_key(API_KEY)
    made.save()
    return made


def template(courses: str = "", *, penalties: str = "", group: str = "", **fields: Any) -> BadgeTemplate:
    """
    An active template with a requirement ``pass-x`` for each letter in ``courses`` and a penalty ``fail-x`` that
    resets it for each letter in ``penalties``.
    """
    identity = fields.pop("uuid", None) or uuid.uuid4()
    made = BadgeTemplate.objects.create(
        **{
            "uuid": identity,
            "external_id": str(identity),
            "account": fields.pop("account", None) or ProviderAccount.objects.first() or account(),
            "site": Site.objects.get_or_create(pk=1, defaults={"domain": "example.com", "name": "example.com"})[0],
            "name": f"Badge {courses}",
            "is_active": True,
            **fields,
        }
    )
    requirements = {}
    for course in courses:
        requirements[course] = BadgeRequirement.objects.create(
            template=made, key=f"pass-{course.lower()}", event_type=PASSING, group=group
        )
        DataRule.objects.bulk_create(rules(DataRule, course, "true", requirement=requirements[course]))
    for course in penalties:
        penalty = BadgePenalty.objects.create(template=made, key=f"fail-{course.lower()}", event_type=PASSING)
        penalty.requirements.set([requirements[course]])
        PenaltyDataRule.objects.bulk_create(rules(PenaltyDataRule, course, "false", penalty=penalty))
    return made


def rules(model: Any, course: str, verdict: str, **owner: Any) -> list[Any]:
    return [
        model(path="is_passing", operator="eq", value=verdict, **owner),
        model(path="course.course_key", operator="eq", value=course_key(course), **owner),
    ]


def line(
    course: str = "A",
    *,
    passing: bool = True,
    learner: int = 1,
    at: str = "10:00",
    event_id: str | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A course passing status event as a JSON line holds it; ``changes`` replace what it says of the user."""
    username = f"learner{learner}"
    user: dict[str, Any] = {
        "id": learner,
        "is_active": True,
        "pii": {"username": username, "email": f"{username}@example.com", "name": f"Learner {learner}"},
    }
    pii = {name: changes.pop(name) for name in ("username", "email", "name") if name in changes}
    user = {**user, **changes, "pii": {**user["pii"], **pii}}
    return {
        "type": PASSING,
        "id": event_id or str(uuid.uuid5(uuid.NAMESPACE_OID, f"{course} {passing} {learner} {at}")),
        "time": f"2026-05-01T{at}:00Z",
        "data": {
            "course_passing_status": {
                "is_passing": passing,
                "course": {"course_key": course_key(course)},
                "user": user,
            }
        },
    }


def event(course: str = "A", **fields: Any) -> Event:
    """:func:`line` as an event."""
    return from_line(json.dumps(line(course, **fields)))


def sent(given: Event) -> dict[str, Any]:
    """What a receiver is called with for a course passing status event."""
    return {
        "signal": signal_of(given.type),
        "metadata": EventsMetadata(event_type=given.type, id=uuid.UUID(given.id), time=given.time),
        "from_event_bus": given.from_bus,
        "course_passing_status": given.payload,
    }


def claim(delivery_id: int) -> Claim | None:
    """The delivery, as a worker has it in hand; None where it is not due, or somebody else's."""
    return next(iter(claim_all([delivery_id])), None)
