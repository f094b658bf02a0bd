"""How long to wait before the next attempt."""

from __future__ import annotations

import random


def pause(attempt: int, *, base: float, cap: float) -> float:
    """
    Seconds before the attempt after number ``attempt`` (0 = the first): ``base`` doubled each time up to ``cap``.

    Between half of it and all of it, at random, so that what failed together does not come back together.
    """
    full = min(cap, base * 2.0 ** min(attempt, 32))
    return full * random.uniform(0.5, 1)  # nosec B311  # noqa: S311 - nothing secret about it
