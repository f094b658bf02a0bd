"""``python -m scripts.services up|down|start|stop|kill|pause|resume|status``; see ``--help``."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from scripts.services import addresses, debian, kafka, mariadb, maven, postgres, redis, registry
from scripts.services.daemon import Daemon, running, send, start, stop, wait_until_healthy
from scripts.services.errors import ServicesError
from scripts.services.place import Place, open_place, settle_ports

STANDSTILL = {"pause": signal.SIGSTOP, "resume": signal.SIGCONT}
NAMES = ("postgres", "mariadb", "redis", *kafka.NAMES, "registry")


def daemons(place: Place) -> dict[str, Daemon]:
    """All of them, on the ports that ``place`` has now."""
    brokers = [kafka.daemon(place, number, place.directory / "kafka-jars") for number in kafka.BROKERS]
    others = [postgres.daemon(place), mariadb.daemon(place), redis.daemon(place)]
    every = [*others, *brokers, registry.daemon(place, place.directory / "registry-jars")]
    return {daemon.name: daemon for daemon in every}


def say(name: str, text: str) -> None:
    print(f"{name:10} {text}", flush=True)


def together(action: Callable[[Daemon], None], chosen: Sequence[Daemon]) -> None:
    """Do it to all at the same time. Raises ``ServicesError`` with every failure, after all have ended."""
    failures = []
    with ThreadPoolExecutor(max_workers=len(NAMES)) as pool:
        for future in [pool.submit(action, daemon) for daemon in chosen]:
            try:
                future.result()
            except ServicesError as error:
                failures.append(str(error))
    if failures:
        raise ServicesError("\n".join(failures))


def install(place: Place, names: Sequence[str]) -> None:
    """Fetch what ``names`` consist of: Debian packages, Java programs."""
    debian.provide({name.partition("-")[0] for name in names})
    if set(kafka.NAMES) & set(names):
        maven.kafka(place.directory)
    if "registry" in names:
        maven.registry(place.directory)


def choose_ports(place: Place) -> None:
    """
    New ports for what doesn't run, where something else has taken the old ones.

    The brokers know each other's ports: all of them get new ones, or none.
    """
    idle = {name for name, daemon in daemons(place).items() if running(place, daemon) is None}
    alone = [name for name in NAMES if name in idle and name not in kafka.NAMES]
    settle_ports(place, [*alone, *(kafka.PORTS if idle.issuperset(kafka.NAMES) else ())])


def bring_up(place: Place, daemon: Daemon) -> None:
    pid = running(place, daemon)
    if pid is not None:
        if daemon.healthy():
            say(daemon.name, f"runs already (process {pid})")
            return
        say(daemon.name, f"runs (process {pid}) but does not answer; starting it anew")
        stop(place, daemon)
    began = time.monotonic()
    daemon.prepare()
    process = start(place, daemon)
    wait_until_healthy(place, daemon, process)
    say(daemon.name, f"up after {time.monotonic() - began:.1f} s (process {process.pid})")


def up(place: Place, names: Sequence[str]) -> None:
    """Start ``names``, except where the environment names a server of somebody else."""
    external = addresses.given(place)
    left_alone = {name for variable in external for name in addresses.SERVICES_OF[variable]}
    for variable in external:
        print(f"{variable} is set in the environment: that server is used, none is started", flush=True)
    wanted = [name for name in names if name not in left_alone]
    install(place, wanted)
    choose_ports(place)
    known = daemons(place)
    together(lambda daemon: bring_up(place, daemon), [known[name] for name in wanted])
    addresses.write({**addresses.ours(place), **external})
    print(f"addresses in {addresses.FILE.name}, logs in {place.directory / 'log'}", flush=True)


def end(place: Place, daemon: Daemon, with_signal: signal.Signals | None = None) -> None:
    say(daemon.name, "stopped" if stop(place, daemon, with_signal) else "did not run")


def down(place: Place) -> None:
    """End all of them and remove their data; what was downloaded stays, and so do the logs."""
    # Brokers that lose their quorum one after the other wait for it; their data goes anyway.
    together(
        lambda daemon: end(place, daemon, signal.SIGKILL if daemon.name in kafka.NAMES else None),
        list(daemons(place).values()),
    )
    shutil.rmtree(place.directory / "data")
    (place.directory / "ports.json").unlink(missing_ok=True)
    addresses.FILE.unlink(missing_ok=True)


def status(place: Place) -> bool:
    """Print what runs; True when all of them do."""
    states = {}
    for name, daemon in daemons(place).items():
        pid = running(place, daemon)
        states[name] = "down" if pid is None else "up" if daemon.healthy() else "does not answer"
        say(name, f"{states[name]:16} port {place.port(name)}  process {pid or '-'}")
    return set(states.values()) == {"up"}


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """One of these at a time in a checkout."""
    handle = os.open(place.directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.services", description="Servers for tests, on loopback.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("up", help="install and start all of them; what runs already is left alone")
    actions.add_parser("down", help="end all of them and remove their data")
    actions.add_parser("status", help="tell what runs; ends 1 unless everything does")
    for action, text in (
        ("start", "start these, on the data they have"),
        ("stop", "stop these in an orderly way; their data stays"),
        ("kill", "kill these at once (SIGKILL); their data stays"),
        ("pause", "let these stand still (SIGSTOP): they accept connections and do not answer"),
        ("resume", "let these go on (SIGCONT)"),
    ):
        actions.add_parser(action, help=text).add_argument("names", nargs="+", choices=NAMES, metavar="NAME")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = parse(arguments)
    try:
        place = open_place()
        with alone(place):
            if chosen.action == "up":
                up(place, NAMES)
            elif chosen.action == "down":
                down(place)
            elif chosen.action == "status":
                return 0 if status(place) else 1
            elif chosen.action == "start":
                up(place, chosen.names)
            elif chosen.action in STANDSTILL:
                for name in chosen.names:
                    send(place, daemons(place)[name], STANDSTILL[chosen.action])
                    say(name, f"{chosen.action}d")
            else:
                how = signal.SIGKILL if chosen.action == "kill" else None
                together(lambda daemon: end(place, daemon, how), [daemons(place)[name] for name in chosen.names])
    except ServicesError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
