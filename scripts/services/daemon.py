"""One server process: start, look after, end. Nothing here knows which server it is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.services.errors import ServicesError
from scripts.services.place import Place

START_SECONDS = 90.0
STOP_SECONDS = 20.0
REAP_SECONDS = 5.0  # PostgreSQL doesn't start while the process that it was before is a zombie
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Daemon:
    """
    A server, told apart from every other process by ``marker``, a path below our own directory on its command line.

    ``prepare`` makes its data directory ready and may be called any number of times; ``healthy`` asks the server
    itself. ``user`` is who runs it when we are root.
    """

    name: str
    command: Sequence[str | Path]
    marker: str
    prepare: Callable[[], None]
    healthy: Callable[[], bool]
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    environment: Mapping[str, str] = field(default_factory=dict)


def identity(user: str | None) -> dict[str, Any]:
    """What makes ``subprocess`` run something as ``user``: nothing, unless we are root and it is named."""
    if user is None or os.geteuid() != 0:
        return {}
    return {"user": user, "group": user, "extra_groups": []}


def give(path: Path, user: str | None) -> None:
    """``path`` belongs to the one who runs the server."""
    if user is not None and os.geteuid() == 0:
        shutil.chown(path, user, user)


def plain_environment(**more: str) -> dict[str, str]:
    """The same small environment on every machine."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    kept = {name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ}
    return {"PATH": path, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", **kept, **more}


def own_directory(path: Path, user: str | None) -> None:
    """``path`` exists, and only ``user`` may look into it."""
    path.mkdir(mode=0o700, exist_ok=True)
    give(path, user)


def initialise(*command: str | Path, user: str | None = None, text: str = "") -> None:
    """Run a command that must succeed, as ``user``. Raises ``ServicesError`` with what it printed."""
    done = subprocess.run(
        command,
        input=text,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=plain_environment(),
        cwd="/",
        check=False,
        **identity(user),
    )
    if done.returncode:
        raise ServicesError(f"{Path(command[0]).name} ended with {done.returncode}:\n{done.stdout.strip()}")


def running(place: Place, daemon: Daemon) -> int | None:
    """
    The process id when it runs.

    A process that merely got the same number later has another command line.
    """
    try:
        pid = int(place.pid_file(daemon.name).read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except (OSError, ValueError):
        return None
    return pid if daemon.marker in command else None


def start(place: Place, daemon: Daemon) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, with its output in the log; the log of the run before is kept beside it."""
    log = place.log(daemon.name)
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    with log.open("wb") as output:
        process = subprocess.Popen(
            daemon.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=plain_environment(HOME=str(place.data(daemon.name)), **daemon.environment),
            cwd="/",
            start_new_session=True,
            **identity(daemon.user),
        )
    place.pid_file(daemon.name).write_text(str(process.pid))
    return process


def wait_until_healthy(place: Place, daemon: Daemon, process: subprocess.Popen[bytes]) -> None:
    """Raises ``ServicesError`` with the end of its log when it ends, or doesn't answer in ``START_SECONDS``."""
    deadline = time.monotonic() + START_SECONDS
    while not daemon.healthy():
        if process.poll() is not None:
            raise ServicesError(f"{daemon.name} ended with {process.returncode}; {tail(place, daemon)}")
        if time.monotonic() > deadline:
            raise ServicesError(f"{daemon.name} does not answer after {START_SECONDS:.0f} s; {tail(place, daemon)}")
        time.sleep(POLL_SECONDS)


def stop(place: Place, daemon: Daemon, with_signal: signal.Signals | None = None) -> bool:
    """End it and wait for its end, by force after ``STOP_SECONDS``; False when it didn't run."""
    pid = running(place, daemon)
    if pid is not None:
        os.kill(pid, with_signal or daemon.stop_signal)
        deadline = time.monotonic() + STOP_SECONDS
        while running(place, daemon) is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                deadline += STOP_SECONDS
            time.sleep(POLL_SECONDS)
        reaped_by = time.monotonic() + REAP_SECONDS
        while Path(f"/proc/{pid}").exists() and time.monotonic() < reaped_by:
            time.sleep(POLL_SECONDS)
    place.pid_file(daemon.name).unlink(missing_ok=True)
    return pid is not None


def send(place: Place, daemon: Daemon, number: signal.Signals) -> None:
    """A signal that it outlives. Raises ``ServicesError`` when it doesn't run."""
    pid = running(place, daemon)
    if pid is None:
        raise ServicesError(f"{daemon.name} does not run.")
    os.kill(pid, number)


def tail(place: Place, daemon: Daemon, lines: int = 20) -> str:
    log = place.log(daemon.name)
    return "\n".join([f"the end of {log}:", *log.read_text(errors="replace").splitlines()[-lines:]])
