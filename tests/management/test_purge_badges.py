"""``purge_badges``."""

from __future__ import annotations

import pytest
from django.core.management.base import CommandError

from badges import api
from tests.builders import event, template
from tests.management.conftest import Run


@pytest.fixture(autouse=True)
def _remembered(db: None) -> None:
    template("AB", penalties="AB")
    for learner in (1, 2, 3):
        assert api.receive_event(event=event("A", passing=False, learner=learner)).matched


def test_the_counts_are_told(run: Run, settings: object) -> None:
    settings.BADGES = {**settings.BADGES, "REMEMBERED_DAYS": 1}  # type: ignore[attr-defined]
    assert run("purge_badges", "--dry-run", "--batch-size=2") == (
        "remembered=3 deliveries=0 webhooks=0 journal=0\n",
        "",
    )
    assert run("purge_badges", "--batch-size=2") == ("remembered=3 deliveries=0 webhooks=0 journal=0\n", "")
    assert run("purge_badges") == ("remembered=0 deliveries=0 webhooks=0 journal=0\n", "")


def test_a_batch_of_nothing_is_refused(run: Run) -> None:
    with pytest.raises(CommandError, match="at least 1"):
        run("purge_badges", "--batch-size=0")
