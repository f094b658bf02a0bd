"""How ``make services`` finds out what is missing, what is its own, and where it may listen."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts.services import addresses, debian, kafka
from scripts.services.daemon import Daemon, running, send, start, stop, wait_until_healthy
from scripts.services.debian import Need
from scripts.services.errors import ServicesError
from scripts.services.place import HOST, PREFERRED_PORTS, Place, settle_ports


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for part in ("data", "log", "run"):
        (tmp_path / part).mkdir()
    return Place(tmp_path, dict(PREFERRED_PORTS), "secret")


def sleeper(place: Place, *, lives: bool = True) -> Daemon:
    """A server that only sleeps, or ends at once with an error."""
    marker = place.data("sleeper")
    code = "import sys, time; print('ready', flush=True); time.sleep(60)" if lives else "raise SystemExit('no licence')"
    return Daemon(
        name="sleeper",
        command=[sys.executable, "-c", code, marker],
        marker=str(marker),
        prepare=lambda: None,
        healthy=lambda: "ready" in place.log("sleeper").read_text(),
    )


def test_only_what_is_missing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "SERVERS", {"one": Need(("a", "b"), lambda: False), "two": Need(("c",), lambda: False)})
    monkeypatch.setattr(debian, "DRIVERS", (Need(("d",), lambda: True), Need(("b", "e"), lambda: False)))
    assert debian.missing(["one"]) == ["a", "b", "e"]


def test_a_bare_machine_misses_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(debian.postgres, "DEBIAN_BINARIES", tmp_path)
    monkeypatch.setattr(debian.mariadb, "program", lambda name: None)
    monkeypatch.setattr(debian, "python_headers", lambda: True)
    assert debian.missing(debian.SERVERS) == [
        *("default-jre-headless", "gcc", "libc6-dev", "libmariadb-dev", "mariadb-server", "maven"),
        *("pkg-config", "postgresql", "redis-server"),
    ]


def test_without_apt_the_error_names_the_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServicesError, match="missing: redis-server"):
        debian.install(["redis-server"])


def test_a_taken_port_is_left_alone_and_remembered_as_moved(place: Place) -> None:
    with socket.create_server((HOST, 0)) as somebody:
        taken = somebody.getsockname()[1]
        place.ports["redis"] = taken
        settle_ports(place, ["redis"])
        assert place.port("redis") != taken
        assert f'"redis": {place.port("redis")}' in (place.directory / "ports.json").read_text()


def test_a_process_runs_until_it_is_stopped(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.services.daemon.REAP_SECONDS", 0)  # here it is a child of ours: nobody else reaps it
    daemon = sleeper(place)
    process = start(place, daemon)
    wait_until_healthy(place, daemon, process)
    assert running(place, daemon) == process.pid
    assert stop(place, daemon) is True
    assert running(place, daemon) is None
    assert process.wait() == -signal.SIGTERM
    assert stop(place, daemon) is False


def test_a_paused_process_stands_still_and_goes_on(place: Place) -> None:
    daemon = sleeper(place)
    with pytest.raises(ServicesError, match="sleeper does not run"):
        send(place, daemon, signal.SIGSTOP)
    process = start(place, daemon)
    wait_until_healthy(place, daemon, process)  # before, /proc may not have its command line yet
    send(place, daemon, signal.SIGSTOP)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    send(place, daemon, signal.SIGCONT)
    _, status = os.waitpid(process.pid, os.WCONTINUED)
    assert os.WIFCONTINUED(status)
    process.kill()
    process.wait()


def test_a_process_that_ends_while_starting_tells_its_last_words(place: Place) -> None:
    daemon = sleeper(place, lives=False)
    with pytest.raises(ServicesError, match=r"ended with 1; the end of .*\nno licence"):
        wait_until_healthy(place, daemon, start(place, daemon))


def test_another_process_with_the_same_number_is_not_ours(place: Place) -> None:
    place.pid_file("sleeper").write_text(str(os.getpid()))
    daemon = sleeper(place)
    assert running(place, daemon) is None
    assert stop(place, daemon) is False  # and this test goes on


def test_brokers_know_each_other_and_make_no_topic_by_themselves(place: Place) -> None:
    place.ports["kafka-2-controller"] = 1234
    lines = kafka.settings(place, 1, Path("/somewhere")).splitlines()
    assert "controller.quorum.voters=1@127.0.0.1:29093,2@127.0.0.1:1234,3@127.0.0.1:29293" in lines
    assert "auto.create.topics.enable=false" in lines


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(addresses, "FILE", tmp_path / "addresses.env")
    for variable in addresses.SERVICES_OF:
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "addresses.env"


def test_addresses_are_kept_for_their_owner_only(file: Path) -> None:
    addresses.write({"REDIS_URL": "redis://:a=b@127.0.0.1:1/0"})
    assert addresses.read() == {"REDIS_URL": "redis://:a=b@127.0.0.1:1/0"}
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_address_in_the_environment_wins(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("REDIS_URL=redis://file/0\nMARIADB_URL=mysql://file/badges\n")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
    assert addresses.known() == {"REDIS_URL": "redis://elsewhere/0", "MARIADB_URL": "mysql://file/badges"}


def test_a_server_of_somebody_else_is_not_started_and_our_own_is(
    file: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
    monkeypatch.setenv("POSTGRES_URL", addresses.ours(place)["POSTGRES_URL"])
    assert addresses.given(place) == {"REDIS_URL": "redis://elsewhere/0"}


def test_brokers_that_get_ready_together_agree_on_the_cluster(place: Place) -> None:
    start_line = threading.Barrier(8)

    def get_ready(_: int) -> str:
        start_line.wait()
        return kafka.cluster_id(place)

    with ThreadPoolExecutor(max_workers=8) as pool:
        chosen = set(pool.map(get_ready, range(8)))
    assert len(chosen) == 1
    assert chosen == {kafka.cluster_id(place)}
    assert [file.name for file in (place.directory / "data").iterdir()] == ["kafka-cluster-id"]
