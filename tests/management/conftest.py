from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command

from badges.providers.memory import MemoryProvider

Run = Callable[..., tuple[str, str]]


@pytest.fixture(autouse=True)
def memory(settings: Any) -> Iterator[type[MemoryProvider]]:
    """Badges go to the in-memory provider, nothing goes to a task queue, and events may be of any time."""
    settings.BADGES = {
        **settings.BADGES,
        "PROVIDERS": {"credly": "badges.providers.memory.MemoryProvider"},
        "RULEBOOK_MAX_AGE": 0,
        "ENQUEUE": False,
        "FUTURE_TOLERANCE": 10**9,
    }
    MemoryProvider.reset()
    yield MemoryProvider
    MemoryProvider.reset()


@pytest.fixture
def run(db: None) -> Run:
    """Run a command as from a shell; its standard output and standard error."""

    def call(*arguments: str) -> tuple[str, str]:
        out, err = io.StringIO(), io.StringIO()
        call_command(*arguments, stdout=out, stderr=err)
        return out.getvalue(), err.getvalue()

    return call


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Put bytes on standard input."""

    def put(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put
