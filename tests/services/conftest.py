from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from badges.providers.memory import MemoryProvider


@pytest.fixture(autouse=True)
def memory(settings: Any) -> Iterator[type[MemoryProvider]]:
    """Badges go to the in-memory provider, and nothing goes to a task queue."""
    settings.BADGES = {
        **settings.BADGES,
        "PROVIDERS": {"credly": "badges.providers.memory.MemoryProvider"},
        "RULEBOOK_MAX_AGE": 0,
        "ENQUEUE": False,
    }
    MemoryProvider.reset()
    yield MemoryProvider
    MemoryProvider.reset()
