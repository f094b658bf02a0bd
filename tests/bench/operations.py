"""What is measured on an empty and on a full database: events, the admin's lists, reports, the sweep's questions."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable

from django.contrib.auth import get_user_model
from django.test import Client

from badges import api
from badges.models import BadgeTemplate, Delivery
from badges.services import beginning, claims, failures, inbox, processing
from tests.bench.filling import POPULAR
from tests.bench.lists import pages
from tests.bench.site import new_learners
from tests.builders import event, template

EVENTS, PAGES = 100, 5
"""How often each is done; the median counts."""

TOGETHER, BEGUN = 100, 24
"""Events in a batch; deliveries that a worker's threads begin together."""

STAFF = "staff"

Operation = Callable[[], Callable[[], object]]
"""Makes ready for one time, and returns what is then measured."""


def operations(username: str) -> dict[str, tuple[Operation, int]]:
    """Name -> what to do and how often; ``username`` is of the first of many learners (:mod:`tests.bench.filling`)."""
    learners, minutes = new_learners(), itertools.count(1)
    learner = get_user_model().objects.get(username=username)
    popular = [BadgeTemplate.objects.get(name=name) for name in POPULAR]
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(get_user_model().objects.get(username=STAFF))
    found: dict[str, tuple[Operation, int]] = {
        "event: award": (lambda: _award(next(learners)), EVENTS),
        "event: revocation": (lambda: _revocation(next(learners)), EVENTS),
        "event: redelivered": (lambda: _redelivered(next(learners)), EVENTS),
        f"{TOGETHER} events together": (lambda: _together(learner.pk, next(minutes)), PAGES),
        "report of a learner": (lambda: lambda: api.report(username=username), PAGES),
        "explanation": (lambda: lambda: api.explain(username=username, template_uuid=popular[0].uuid), PAGES),
        f"{BEGUN} deliveries begun together": (lambda: _begun(list(itertools.islice(learners, BEGUN))), PAGES),
        "sweep: deliveries": (lambda: claims.due, PAGES),
        "sweep: failed events": (lambda: failures.due, PAGES),
        "sweep: webhooks": (lambda: lambda: inbox.due(grace=0), PAGES),
        "health": (lambda: api.health, PAGES),
    }
    for name, address in pages(client, learner, popular):
        found[name] = (lambda address=address: lambda: _get(client, address), PAGES)  # type: ignore[misc]
    return found


def milliseconds(operation: Operation, times: int) -> float:
    """The median."""
    spent = []
    for _ in range(times):
        act = operation()
        began = time.perf_counter()
        act()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent) * 1000


def _award(learner: int) -> Callable[[], object]:
    processing.handle(event("A", learner=learner))
    last = event("B", learner=learner)
    return lambda: processing.handle(last)


def _revocation(learner: int) -> Callable[[], object]:
    _award(learner)()
    taken = event("A", learner=learner, passing=False, at="11:00")
    return lambda: processing.handle(taken)


def _redelivered(learner: int) -> Callable[[], object]:
    same = event("A", learner=learner)
    processing.handle(same)
    return lambda: processing.handle(same)


def _together(first: int, minute: int) -> Callable[[], object]:
    """Of learners who are there, all at a time that is new."""
    events = [event("A", learner=learner, at=f"12:{minute:02}") for learner in range(first, first + TOGETHER)]
    return lambda: processing.handle_all(events)


def _begun(awarded: list[int]) -> Callable[[], object]:
    for learner in awarded:
        _award(learner)()
    issues = Delivery.objects.filter(kind=Delivery.Kind.ISSUE, progress__user__lms_user_id__in=awarded)
    ids = list(issues.values_list("pk", flat=True))

    def begin() -> None:
        begun = beginning.begin(ids)
        assert len(begun) == BEGUN, f"{len(begun)} of {BEGUN} begun"

    return begin


def _get(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200, f"{address}: {response.status_code}"


def prepare() -> None:
    """The template of the events that are measured, and somebody who may see everything."""
    template("AB", penalties="A", name="The measured one")
    get_user_model().objects.create_superuser(STAFF)
