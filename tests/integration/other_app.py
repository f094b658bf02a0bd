"""Another app on the bus, as a process: what it is told is what the world knows of our badges."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from credentials_settings.sandbox.supervisor import Supervisor
from tests.integration.peers import ROOT
from tests.integration.world import names


class OtherApp:
    """Another app with a consumer group of its own: a process, and what it was told."""

    def __init__(self, supervisor: Supervisor, directory: Path, env: Mapping[str, str], *options: str) -> None:
        self.file = directory / "other-app.jsonl"
        command = [sys.executable, "-m", "credentials_settings.sandbox.other_app", f"--out={self.file}", *options]
        self.process = supervisor.start("other-app", command, env=env, cwd=ROOT)

    def received(self) -> list[dict[str, Any]]:
        """All announcements, repeats included."""
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []

    def told(self, learners: range) -> set[tuple[str, str]]:
        """The announcements about the learners: which, about whom."""
        about = names(learners)
        received = [line for line in self.received() if line["username"] in about]
        return {(line["type"].split(".")[-2], line["username"]) for line in received}
