"""Processes are started, waited for, stopped in order, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from credentials_settings.sandbox.readiness import (
    AddressTaken,
    Ready,
    file_written,
    free_port,
    log_contains,
    port_open,
    url_answers,
)
from credentials_settings.sandbox.supervisor import Supervisor, SupervisorError
from tests.sandbox.conftest import ROOT

SLEEP = "import time; print('up'); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
PARENT = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]).pid); {SLEEP}"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def gone(pid: int, seconds: float = 10) -> bool:
    """The process ends within that time; a zombie has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_it_waits_for_a_line_in_the_log(supervisor: Supervisor) -> None:
    process = supervisor.start("late", python(f"import time; time.sleep(0.3); {SLEEP}"), ready=log_contains("up\n"))
    assert process.running
    assert process.output() == "up\n"
    assert process.log == supervisor.log_dir / "late.log"


def http_server(port: int) -> list[str]:
    serve = f"h.test(h.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
    return python(f"import http.server as h, time; time.sleep(0.3); {serve}")


def missing_page_answers(port: int) -> Ready:
    return url_answers(f"http://127.0.0.1:{port}/missing")


@pytest.mark.parametrize("ready", [port_open, missing_page_answers])
def test_it_waits_for_a_port_or_a_url(supervisor: Supervisor, ready: Callable[[int], Ready]) -> None:
    port = free_port()
    supervisor.start("web", http_server(port), ready=ready(port))
    assert port_open_now(port)


def port_open_now(port: int) -> bool:
    try:
        port_open(port)
    except AddressTaken:
        return True
    return False


def test_an_answer_of_somebody_else_is_not_taken_for_readiness(supervisor: Supervisor) -> None:
    port = free_port()
    supervisor.start("web", http_server(port), ready=port_open(port))
    for make in (port_open, missing_page_answers):
        with pytest.raises(AddressTaken, match=f"127.0.0.1:{port}"):
            make(port)


def test_a_file_that_an_earlier_process_left_is_not_taken_for_readiness(supervisor: Supervisor, tmp_path: Path) -> None:
    path = tmp_path / "ready"
    path.write_text("left over")
    with pytest.raises(SupervisorError):
        supervisor.start("silent", python(SLEEP), ready=file_written(path), timeout=0.3)
    write = f"open({str(path)!r}, 'w').write('ready')"
    supervisor.start("writer", python(f"{write}; {SLEEP}"), ready=file_written(path))


def test_a_process_that_ends_early_is_an_error_with_the_end_of_its_log(supervisor: Supervisor) -> None:
    code = "print('\\n'.join(f'line {n}' for n in range(100))); raise SystemExit(3)"
    with pytest.raises(SupervisorError) as caught:
        supervisor.start("broken", python(code), ready=log_contains("up"))
    assert "broken ended with code 3" in str(caught.value)
    assert "line 99" in str(caught.value)
    assert "line 69\n" not in str(caught.value)


def test_a_process_that_is_not_ready_in_time_is_stopped(supervisor: Supervisor) -> None:
    with pytest.raises(SupervisorError, match=r"slow was not ready within 0\.3 s") as caught:
        supervisor.start("slow", python(SLEEP), ready=log_contains("never"), timeout=0.3)
    assert str(supervisor.log_dir / "slow.log") in str(caught.value)
    assert supervisor.processes["slow"].returncode == -signal.SIGTERM


def test_a_program_that_does_not_exist_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(SupervisorError, match=r"ghost cannot be started: .*no-such-program"):
        supervisor.start("ghost", ["no-such-program"])


def test_all_stop_in_reverse_order(tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = """import signal, sys, time
def end(*_):
    print(sys.argv[1], file=open(sys.argv[2], "a"))
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("up")
time.sleep(60)"""
    with Supervisor(tmp_path / "logs") as supervisor:
        for name in ("first", "second", "third"):
            supervisor.start(name, [*python(code), name, order], ready=log_contains("up"))
    assert order.read_text().split() == ["third", "second", "first"]
    assert [process.returncode for process in supervisor.processes.values()] == [0, 0, 0]


def test_a_name_can_be_used_again_after_a_kill(supervisor: Supervisor) -> None:
    first = supervisor.start("worker", python(SLEEP), ready=log_contains("up"))
    with pytest.raises(SupervisorError, match="worker is already running"):
        supervisor.start("worker", python(SLEEP))
    supervisor.kill("worker")
    assert first.returncode == -signal.SIGKILL
    # Of the earlier process's log nothing counts as readiness of the second.
    second = supervisor.start("worker", python(f"print('second'); {SLEEP}"), ready=log_contains("up"))
    assert second.output() == "second\nup\n"
    assert second.log.read_text() == "up\nsecond\nup\n"
    assert f"worker pid={second.pid} returncode=None" in repr(second)


def test_an_unknown_name_is_an_error_that_tells_the_known_ones(supervisor: Supervisor) -> None:
    supervisor.start("known", python(SLEEP))
    for action in (supervisor.stop, supervisor.kill):
        with pytest.raises(SupervisorError, match="no process other; there are: known"):
            action("other")


def test_the_environment_is_added_to(supervisor: Supervisor, tmp_path: Path) -> None:
    code = "import os; print(os.environ['BADGES_X'], 'PATH' in os.environ, os.getcwd())"
    process = supervisor.start("env", python(code), env={"BADGES_X": "1"}, cwd=tmp_path)
    assert process.wait(10) == 0
    assert process.output() == f"1 True {tmp_path}\n"


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_nothing_that_a_process_started_outlives_it(supervisor: Supervisor, end: str) -> None:
    parent = supervisor.start("parent", python(PARENT), ready=log_contains("up"))
    child = int(parent.output().split()[0])
    assert psutil.pid_exists(child)
    getattr(supervisor, end)("parent")
    assert gone(child)


def test_what_ignores_the_request_to_stop_is_killed(tmp_path: Path) -> None:
    with Supervisor(tmp_path, grace=0.3) as supervisor:
        process = supervisor.start("stubborn", python(STUBBORN), ready=log_contains("up"))
    assert process.returncode == -signal.SIGKILL


# --- the end of the supervisor itself ------------------------------------------------------------------------

OWNER = f"""
import sys, time
from pathlib import Path
from credentials_settings.sandbox.readiness import log_contains
from credentials_settings.sandbox.supervisor import Supervisor
with Supervisor(Path(sys.argv[1]), grace=0.5) as supervisor:
    for name, code in (("polite", {SLEEP!r}), ("stubborn", {STUBBORN!r}), ("parent", {PARENT!r})):
        process = supervisor.start(name, [sys.executable, "-c", code], ready=log_contains("up\\n"))
        print(process.pid, *[line for line in process.output().split() if line.isdigit()])
    print("all up", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_the_end_of_the_supervisor_leaves_no_orphans(tmp_path: Path, end: signal.Signals) -> None:
    with subprocess.Popen(
        [*python(OWNER), tmp_path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as owner:
        assert owner.stdout is not None
        pids: list[int] = []
        for line in owner.stdout:
            if line == "all up\n":
                break
            pids += [int(number) for number in line.split()]
        assert len(pids) == 4
        assert not any(gone(pid, 0.1) for pid in pids)
        os.kill(owner.pid, end)
        owner.wait(10)
        assert all(gone(pid) for pid in pids)


def test_a_killed_reaper_does_not_hinder_an_orderly_stop(supervisor: Supervisor) -> None:
    # Another test's servers, which last for the whole run, may have a reaper in this process too.
    before = psutil.Process().children()
    process = supervisor.start("polite", python(SLEEP), ready=log_contains("up"))
    (reaper,) = [child for child in psutil.Process().children() if child not in before and child.pid != process.pid]
    assert "reaper.py" in " ".join(reaper.cmdline())
    reaper.kill()
    reaper.wait(10)
    supervisor.stop_all()
    assert process.returncode == -signal.SIGTERM
