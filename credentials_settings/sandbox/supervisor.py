"""
Starts the processes of a demo or a test, waits until each is ready, and leaves none behind.

Of the libraries, mirakuru waits for ports and URLs but keeps no logs, has no order of stopping and lets children live
on when the parent is killed; honcho knows no readiness; circus brings a daemon and ZeroMQ along. What is left to do
beside ``subprocess`` is small.

    with Supervisor(log_dir) as supervisor:
        supervisor.start("credly", [sys.executable, "-m", …], ready=port_open(8090))

Each process is the leader of a session and process group of its own, so a Ctrl-C in the terminal reaches only the
supervisor, which then stops all in reverse order. POSIX only.
"""

from __future__ import annotations

import os
import signal
import subprocess  # nosec B404  # only our own programs, without a shell
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from credentials_settings.sandbox import reaper
from credentials_settings.sandbox.readiness import Ready

Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None

POLL_SECONDS = 0.05
TAIL_LINES = 30


class SupervisorError(RuntimeError):
    """A process could not be started, or there is none of that name."""


class Process:
    """
    A started process; ``log`` has its standard output and error, appended to what earlier ones of its name wrote.

    As soon as its end is noticed, what is left of its process group is killed: nothing that it started outlives it.
    """

    def __init__(
        self, name: str, log: Path, popen: subprocess.Popen[bytes], log_start: int, on_end: Callable[[int], None]
    ) -> None:
        self.name = name
        self.log = log
        self._popen = popen
        self._log_start = log_start
        self._on_end: Callable[[int], None] | None = on_end

    def __repr__(self) -> str:
        return f"<Process {self.name} pid={self.pid} returncode={self._popen.returncode}>"

    @property
    def pid(self) -> int:
        """Of the process, and of its process group."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; minus the signal's number when a signal ended it."""
        return self._noticed(self._popen.poll())

    @property
    def running(self) -> bool:
        return self.returncode is None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, after at most ``timeout`` seconds. Raises subprocess.TimeoutExpired."""
        code = self._popen.wait(timeout)
        self._noticed(code)
        return code

    def output(self) -> str:
        """What this process, not an earlier one of its name, has printed so far."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def tail(self, lines: int = TAIL_LINES) -> str:
        """The last lines of ``output``."""
        return "\n".join(self.output().splitlines()[-lines:])

    def _noticed(self, code: int | None) -> int | None:
        # Only now, at once: later the number may be that of somebody else's process group.
        if code is not None and self._on_end is not None:
            on_end = self._on_end
            self._on_end = None
            on_end(self.pid)
        return code


class Supervisor:
    """
    The processes by name, in the order in which they were started.

    ``grace`` is how many seconds a process has to end after SIGTERM before its group is killed. Used as a context
    manager it stops all at the end of the block, and in the main thread it turns SIGTERM into an orderly exit.
    """

    def __init__(self, log_dir: Path, *, grace: float = 10.0) -> None:
        self.log_dir = log_dir
        self.grace = grace
        self.processes: dict[str, Process] = {}
        self._reaper: subprocess.Popen[bytes] | None = None
        self._previous_handler: Handler = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous_handler = signal.signal(signal.SIGTERM, _exit_on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop_all()
        if self._previous_handler is not None:
            signal.signal(signal.SIGTERM, self._previous_handler)

    def start(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        ready: Ready | None = None,
        timeout: float = 30.0,
    ) -> Process:
        """
        Start a process, wait until it is ready, and return it.

        ``env`` is added to this process's environment. Without ``ready`` it is enough that the process was started.
        One that ends or is not ready within ``timeout`` seconds is stopped, and SupervisorError tells the end of its
        log. A name can be used again once its process has ended; none is restarted by itself.
        """
        if name in self.processes and self.processes[name].running:
            raise SupervisorError(f"{name} is already running (pid {self.processes[name].pid}): stop it first.")
        self.processes.pop(name, None)
        process = self._spawn(name, argv, env or {}, cwd)
        self.processes[name] = process
        try:
            self._wait_until_ready(process, ready, timeout)
        except SupervisorError:
            self.stop(name)
            raise
        return process

    def stop(self, name: str) -> None:
        """SIGTERM to the process, which ends what it started itself; after the grace SIGKILL to its whole group."""
        process = self._find(name)
        if process.running:
            os.kill(process.pid, signal.SIGTERM)
            try:
                process.wait(self.grace)
            except subprocess.TimeoutExpired:
                self.kill(name)

    def kill(self, name: str) -> None:
        """SIGKILL to the whole process group at once: a crash."""
        process = self._find(name)
        if process.running:
            reaper.send(process.pid, signal.SIGKILL)
            process.wait()

    def stop_all(self) -> None:
        """Stop every process, the one started last first."""
        for name in reversed(self.processes):
            self.stop(name)
        if self._reaper is not None and self._reaper.stdin is not None:
            with suppress(BrokenPipeError):
                self._reaper.stdin.close()
            self._reaper.wait()
            self._reaper = None

    def _find(self, name: str) -> Process:
        if name not in self.processes:
            raise SupervisorError(f"There is no process {name}; there are: {', '.join(self.processes) or 'none'}.")
        return self.processes[name]

    def _spawn(self, name: str, argv: Sequence[str | Path], env: Mapping[str, str], cwd: Path | None) -> Process:
        self._start_reaper()
        self.log_dir.mkdir(parents=True, exist_ok=True)
        log = self.log_dir / f"{name}.log"
        with log.open("ab") as output:
            log_start = output.tell()
            try:
                popen = subprocess.Popen(  # nosec B603  # what the stack and the demo name; nothing from outside
                    [str(argument) for argument in argv],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
                    cwd=cwd,
                    start_new_session=True,
                )
            except OSError as error:
                raise SupervisorError(f"{name} cannot be started: {error}") from error
        self._tell_reaper(f"+{popen.pid}")
        return Process(name, log, popen, log_start, self._ended)

    def _wait_until_ready(self, process: Process, ready: Ready | None, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while ready is not None:
            if not process.running:
                raise SupervisorError(
                    f"{process.name} ended with code {process.returncode} before it was ready. "
                    f"The end of {process.log}:\n{process.tail()}"
                )
            if ready(process.output()):
                return
            if time.monotonic() > deadline:
                raise SupervisorError(
                    f"{process.name} was not ready within {timeout:g} s. The end of {process.log}:\n{process.tail()}"
                )
            time.sleep(POLL_SECONDS)

    def _ended(self, group: int) -> None:
        reaper.send(group, signal.SIGKILL)
        self._tell_reaper(f"-{group}")

    def _start_reaper(self) -> None:
        if self._reaper is None:
            self._reaper = subprocess.Popen(  # nosec B603  # a module of ours, by this interpreter
                [sys.executable, "-I", "-S", reaper.__file__, str(self.grace)],
                stdin=subprocess.PIPE,
                start_new_session=True,
            )

    def _tell_reaper(self, line: str) -> None:
        if self._reaper is not None and self._reaper.stdin is not None:
            with suppress(BrokenPipeError):  # somebody killed it; an orderly stop must work all the same
                self._reaper.stdin.write(f"{line}\n".encode())
                self._reaper.stdin.flush()


def _exit_on_signal(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
