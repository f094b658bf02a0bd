"""``retire_learner``."""

from __future__ import annotations

import pytest
from django.core.management.base import CommandError

from badges import api
from badges.models import Delivery
from tests.builders import claim, event, template
from tests.management.conftest import Run


@pytest.fixture(autouse=True)
def _awarded(db: None) -> None:
    template("A")
    api.receive_event(event=event("A"))


@pytest.mark.parametrize("who", ["--username=learner1", "--lms-user-id=1"])
def test_the_counts_are_told(run: Run, who: str) -> None:
    assert run("retire_learner", who) == (
        "contacts=0 failed_events=0 cancelled=1 revoked=0 journal=3 earner_ids=0 under_way=0\n",
        "",
    )


def test_badges_are_revoked_when_asked_to(run: Run) -> None:
    out, err = run("retire_learner", "--username", "learner1", "--revoke-badges")
    assert "revoked=1" in out and "under_way=1" in out
    assert err == "Deliveries to the provider are still under way. Run this again when they are done.\n"


def test_what_is_under_way_is_told(run: Run) -> None:
    claim(Delivery.objects.get(kind="issue").pk)
    out, err = run("retire_learner", "--username", "learner1")
    assert "under_way=1" in out and "Run this again" in err


def test_an_unknown_learner_is_an_error(run: Run) -> None:
    with pytest.raises(CommandError, match="Nothing is known here"):
        run("retire_learner", "--username", "nobody")


@pytest.mark.parametrize("who", [[], ["--username=a", "--lms-user-id=1"]])
def test_it_takes_one_name_for_the_learner(run: Run, who: list[str]) -> None:
    with pytest.raises(CommandError, match=r"required|not allowed"):
        run("retire_learner", *who)
