from __future__ import annotations

from collections.abc import Iterator

import pytest

from badges import clock
from badges.data import IssueRequest
from badges.providers.memory import MemoryProvider
from tests.providers.examples import issue_request

pytest.register_assert_rewrite("tests.providers.provider_cases")


class Monotonic:
    """A monotonic clock that tells the given moments one after the other, and the last one from then on."""

    def __init__(self, *moments: float) -> None:
        self._moments = list(moments)

    def __call__(self) -> float:
        return self._moments.pop(0) if len(self._moments) > 1 else self._moments[0]


@pytest.fixture
def set_monotonic(monkeypatch: pytest.MonkeyPatch):
    """Turn the monotonic clock: ``set_monotonic(0, 100)``."""

    def turn(*moments: float) -> None:
        monkeypatch.setattr(clock, "monotonic", Monotonic(*moments))

    return turn


@pytest.fixture
def request_to_issue() -> IssueRequest:
    return issue_request()


@pytest.fixture
def memory() -> Iterator[type[MemoryProvider]]:
    MemoryProvider.reset()
    yield MemoryProvider
    MemoryProvider.reset()
