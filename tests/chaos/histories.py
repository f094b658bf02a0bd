"""What happens to learners: courses passed and failed, by chance."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from tests.integration.courses import Badge

MINUTES = 60


def histories(
    chance: random.Random, badge: Badge, courses: str, learners: Iterable[int], length: int, *, passing: float = 0.7
) -> dict[int, list[dict[str, Any]]]:
    """For each learner ``length`` events, a minute apart, each passing one of the courses with that probability."""
    assert length <= MINUTES
    return {
        learner: [
            badge.line(course, passing=chance.random() < passing, learner=learner, at=f"10:{minute:02}")
            for minute, course in enumerate(chance.choices(courses, k=length))
        ]
        for learner in learners
    }
