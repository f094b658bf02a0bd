"""The servers of this checkout, ended and brought back: ``python -m scripts.services``, and nothing of anybody else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.peers import ROOT


def services(action: str, *names: str) -> None:
    """``kill``, ``stop``, ``start``, ``pause`` or ``resume``; ``start`` returns when they answer."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.services", action, *names],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"services {action} {' '.join(names)}:\n{done.stdout}"


@contextmanager
def away(*names: str, by: str = "kill") -> Iterator[None]:
    """Killed (or stopped, ``by="stop"``) for as long as the block lasts, and up again after it, however it ends."""
    services(by, *names)
    try:
        yield
    finally:
        services("start", *names)


@contextmanager
def silent(*names: str) -> Iterator[None]:
    """They accept connections and do not answer for as long as the block lasts."""
    services("pause", *names)
    try:
        yield
    finally:
        services("resume", *names)
