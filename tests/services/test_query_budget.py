"""
The cost contract, in statements as Django counts them, transaction begin and commit included.

Run on SQLite here, and on PostgreSQL and MariaDB by the integration tests.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext

from badges import tasks
from badges.models import BadgeTemplate
from badges.services import processing, rulebook
from tests.builders import event, template

pytestmark = pytest.mark.django_db(transaction=True)


@dataclasses.dataclass
class Cost:
    """Statements up to the commit, and of the announcement after it."""

    to_commit: int
    announcing: int


def cost(course: str, **fields: Any) -> Cost:
    with CaptureQueriesContext(connection) as deciding:
        handled = processing.handle(event(course, **fields))
    with CaptureQueriesContext(connection) as announcing:
        tasks.keep(handled.promises)
    return Cost(len(deciding), len(announcing))


@pytest.fixture(autouse=True, params=[1, 100], ids=["1 template", "100 templates"])
def _warm(request: Any, settings: Any) -> Iterator[None]:
    settings.BADGES = {**settings.BADGES, "RULEBOOK_MAX_AGE": 3600, "FUTURE_TOLERANCE": 10**9}
    template("ABC", penalties="A", name="the one")
    for number in range(1, request.param):
        template("XYZ", name=f"another {number}")
    BadgeTemplate.objects.exclude(name="the one").update(is_active=True)
    rulebook.current()
    ContentType.objects.get_for_model(BadgeTemplate)
    yield
    ContentType.objects.clear_cache()


def test_an_event_that_matches_nothing() -> None:
    assert cost("N") == Cost(0, 0)


def test_a_redelivery() -> None:
    cost("A")
    assert cost("A").to_commit <= 2


def test_a_late_event() -> None:
    cost("A", at="10:05")
    assert cost("A", passing=False, at="10:01").to_commit <= 2


def test_a_newer_event_that_changes_nothing() -> None:
    cost("A")
    assert cost("A", at="10:01").to_commit <= 6


def test_a_fulfilment_of_a_known_learner() -> None:
    cost("A")
    assert cost("B").to_commit <= 8


def test_a_first_fulfilment_of_a_known_learner() -> None:
    get_user_model().objects.create(username="learner1", lms_user_id=1, email="learner1@example.com")
    assert cost("A").to_commit <= 8


def test_a_first_fulfilment_of_an_unknown_learner() -> None:
    assert cost("A").to_commit <= 8 + 8


def test_an_award_a_revocation_and_an_award_again() -> None:
    cost("A")
    cost("B")
    for number, (course, passing) in enumerate([("C", True), ("A", False), ("A", True)]):
        spent = cost(course, passing=passing, at=f"11:0{number}")
        assert spent.to_commit <= 14, (course, passing)
        assert spent.announcing <= 4, (course, passing)


def test_a_first_fulfilment_of_an_unknown_learner_that_awards() -> None:
    template("U")
    rulebook.forget()
    rulebook.current()
    spent = cost("U")
    assert spent.to_commit <= 14 + 8
    assert spent.announcing <= 4


def test_a_reset_that_revokes_nothing() -> None:
    cost("A")
    spent = cost("A", passing=False, at="10:01")
    assert spent.to_commit <= 8
    assert spent.announcing == 0


def test_each_further_badge_that_one_event_revokes_costs_at_most_two_more() -> None:
    costs = []
    for number in range(1, 4):
        template("G", penalties="G", name="shared")
        rulebook.forget()
        rulebook.current()
        cost("G", learner=number + 1)
        costs.append(cost("G", passing=False, learner=number + 1, at="10:01").to_commit)
    assert costs[0] <= 14
    assert all(after - before <= 2 for before, after in itertools.pairwise(costs))


def test_each_further_badge_of_one_event_costs_two_more() -> None:
    costs = []
    for number in range(1, 4):
        template("G", name="shared")
        rulebook.forget()
        rulebook.current()
        costs.append(cost("G", learner=number + 1).to_commit)
    assert [after - before for before, after in itertools.pairwise(costs)] == [2, 2]
