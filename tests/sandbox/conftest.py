"""The sandbox Credly in a thread, and a supervisor whose processes find the project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from credentials_settings.sandbox.credly import running_credly
from credentials_settings.sandbox.supervisor import Supervisor
from tests.sandbox.credly_client import CredlyClient

ROOT = Path(__file__).parents[2]


@pytest.fixture
def client() -> Iterator[CredlyClient]:
    with running_credly() as server:
        client = CredlyClient(server)
        with client.session:
            yield client


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """Its processes find the project, wherever the tests were started."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with Supervisor(tmp_path / "logs", grace=5) as supervisor:
        yield supervisor
