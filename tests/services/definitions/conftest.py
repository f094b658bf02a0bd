from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from badges.services.definitions import LoadReport, load

Load = Callable[..., LoadReport]


@pytest.fixture
def waited() -> list[float]:
    """How long each load waited for its change to be in force, in seconds."""
    return []


@pytest.fixture(name="load")
def _load(db: None, waited: list[float]) -> Load:
    """``load`` that does not sleep."""

    def call(text: str, **options: Any) -> LoadReport:
        return load(text, wait=waited.append, **options)

    return call
