"""The files shown in ``docs/references`` work as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from badges.models import BadgePenalty, BadgeRequirement
from tests.management.conftest import Run

EXAMPLES = Path(__file__).parents[2] / "docs" / "references" / "examples"


def test_the_documented_definitions_and_event_can_be_used(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDLY_API_KEY", "a-key")

    loaded, _ = run("load_badges", str(EXAMPLES / "two_courses.yaml"))
    replayed, errors = run("replay_events", str(EXAMPLES / "event.jsonl"))

    assert loaded.endswith("6 changed (6 added, 0 updated, 0 removed), 0 unchanged\n")
    assert (BadgeRequirement.objects.count(), BadgePenalty.objects.count()) == (3, 1)
    assert (replayed, errors) == ("processed=1 matched=1 ignored=0 failed=0\n", "")
    assert (
        "Done: 1 of 2."
        in run("explain_badge", "--username=learner1", "--template=0c1c7ff5-2d2b-4f2e-8a39-3a7e35a2a001")[0]
    )
