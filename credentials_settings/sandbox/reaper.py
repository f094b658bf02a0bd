"""
Ends the process groups of a supervisor that died without ending them itself, whatever killed it.

A program of its own, started by ``supervisor`` with a pipe as standard input: a line ``+PID`` watches the process group
PID, ``-PID`` forgets it; the end of the pipe means that the supervisor is gone. PR_SET_PDEATHSIG would do for one
process on Linux, but not for the processes that it started, and it fires already when the *thread* ends that started
the child. Imports nothing of the project, so that it starts at once.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable

POLL_SECONDS = 0.05


def send(group: int, number: int) -> bool:
    """Signal a process group; False when it is gone."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def watch(lines: Iterable[str]) -> list[int]:
    """The groups that are still watched when the lines end, the newest first."""
    groups: dict[int, None] = {}
    for line in lines:
        group = int(line[1:])
        if line.startswith("+"):
            groups[group] = None
        else:
            groups.pop(group, None)
    return list(reversed(groups))


def end(groups: list[int], grace_seconds: float) -> None:
    """Ask the groups to terminate; kill what is left after the grace."""
    for group in groups:
        send(group, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while time.monotonic() < deadline and any(send(group, 0) for group in groups):
        time.sleep(POLL_SECONDS)
    for group in groups:
        send(group, signal.SIGKILL)


def main() -> None:
    # What is meant for the supervisor must not end its reaper first.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end(watch(sys.stdin), grace_seconds=float(sys.argv[1]))


if __name__ == "__main__":
    main()
