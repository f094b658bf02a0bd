"""Processes that do what a test tells them, at the moment it says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).resolve().parents[3]


class Peer:
    """
    A process with the app in it, see ``badges_peer``: one order at a time, in JSON over its standard input and output.

    Raises ``AssertionError`` with its stack when an order fails.
    """

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.peers.badges_peer"],
                env={**os.environ, **env},
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def send(self, order: str, **arguments: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"order": order, **arguments}) + "\n")
        self._process.stdin.flush()

    def receive(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the process ended with {self._process.wait()}:\n{self.log.read_text()[-3000:]}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def ask(self, order: str, **arguments: Any) -> Any:
        self.send(order, **arguments)
        return self.receive()

    def close(self) -> None:
        """Let it end; it must not have failed on the way."""
        with cast("Any", self._process.stdin), cast("Any", self._process.stdout):
            self._process.stdin.close()  # type: ignore[union-attr]
            code = self._process.wait(30)
        assert code == 0, self.log.read_text()[-3000:]


@contextmanager
def running_peers(count: int, env: Mapping[str, str], log_dir: Path) -> Iterator[list[Peer]]:
    peers = [Peer(env, log_dir / f"peer-{number}.log") for number in range(count)]
    try:
        together(peers, "hello")
        yield peers
    finally:
        for peer in peers:
            peer.close()


def together(peers: Sequence[Peer], order: str, each: Sequence[Mapping[str, Any]] | None = None) -> list[Any]:
    """Give all of them an order at the same moment, with ``each`` one's own arguments; their answers."""
    for peer, arguments in zip(peers, each or [{}] * len(peers), strict=True):
        peer.send(order, **arguments)
    return [peer.receive() for peer in peers]
