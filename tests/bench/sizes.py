"""How much is measured."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Sizes:
    """
    ``templates`` are the numbers of templates; ``processes`` times ``values`` events are timed of each kind, with no
    ``processes`` all in one process.

    ``memory_events`` are handled by one process; ``backlog`` events wait in ``partitions`` partitions for a consumer,
    ``changing`` of them when each changes something, ``unbatched`` when these are written one by one; all that is done
    ``rounds`` times, with ``all_variants`` in each way to consume there is. ``deliveries`` badges are issued.
    """

    templates: tuple[int, ...]
    processes: int
    values: int
    memory_events: int
    backlog: int
    changing: int
    unbatched: int
    partitions: int
    rounds: int
    all_variants: bool
    deliveries: int


FULL = Sizes(
    templates=(1, 10, 100, 1_000, 10_000),
    processes=3,
    values=100,
    memory_events=1_000_000,
    backlog=50_000,
    changing=10_000,
    unbatched=1_000,
    partitions=4,
    rounds=3,
    all_variants=True,
    deliveries=400,
)
"""What the contract is about."""

QUICK = Sizes(
    templates=(1_000,),
    processes=0,
    values=15,
    memory_events=2_000,
    backlog=1_000,
    changing=500,
    unbatched=100,
    partitions=4,
    rounds=1,
    all_variants=False,
    deliveries=48,
)
"""Statements, microseconds and megabytes; of the rates only that they can be measured."""

TINY = Sizes(
    templates=(2, 1_000),
    processes=0,
    values=3,
    memory_events=200,
    backlog=50,
    changing=20,
    unbatched=20,
    partitions=2,
    rounds=1,
    all_variants=False,
    deliveries=3,
)
"""For the test that everything runs, as it does in a quick run."""
