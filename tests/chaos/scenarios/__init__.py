"""The scenarios by name, see :mod:`tests.chaos`."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos.scenarios import (
    bus_away,
    clock_steps,
    credly_away,
    database_away,
    disk_full,
    duplicates,
    kills,
    poison,
    workers,
)
from tests.chaos.scene import Scene

SCENARIOS: dict[str, Callable[[Scene], None]] = {
    "kills": kills.run,
    "database-away": database_away.run,
    "credly-away": credly_away.run,
    "workers-redis": workers.killed_on_redis,
    "workers-files": workers.killed_on_files,
    "queue-away": workers.queue_away,
    "clock-steps": clock_steps.run,
    "disk-full": disk_full.run,
    "duplicates": duplicates.run,
    "poison": poison.run,
    "bus-away": bus_away.run,
}

ON_SQLITE = frozenset({"disk-full"})
"""Those that break a file; all others run on the servers."""
