"""PostgreSQL: a cluster of its own, not the distribution's."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from pathlib import Path

from scripts.services.daemon import Daemon, give, initialise, own_directory, plain_environment
from scripts.services.place import HOST, Place

USER = "postgres"
DEBIAN_BINARIES = Path("/usr/lib/postgresql")


def binaries() -> Path | None:
    """The directory of the newest server installed; Debian keeps it away from PATH."""
    found = [path.parent for path in DEBIAN_BINARIES.glob("*/bin/postgres")]
    if found:
        return max(found, key=lambda path: [int(number) for number in re.findall(r"\d+", path.parent.name)])
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path and shutil.which("postgres") else None


def address(place: Place) -> str:
    return f"postgres://badges:{place.password}@{HOST}:{place.port('postgres')}/badges"


def daemon(place: Place) -> Daemon:
    programs = binaries() or Path()
    data = place.data("postgres") / "cluster"

    def prepare() -> None:
        ready = data / "ready"
        if ready.exists():
            return
        own_directory(data.parent, USER)
        shutil.rmtree(data, ignore_errors=True)  # an initdb that was interrupted
        password = data.parent / "password"
        password.write_text(place.password)
        give(password, USER)
        initialise(
            *(programs / "initdb", "--pgdata", data, "--username", "badges", "--pwfile", password),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions"),
            user=USER,
        )
        password.unlink()
        single_user = (programs / "postgres", "--single", "-D", data, "postgres")
        initialise(*single_user, user=USER, text="CREATE DATABASE badges\n")
        ready.touch()

    def healthy() -> bool:
        asked = subprocess.run(
            [programs / "pg_isready", "--quiet", "--host", HOST, "--port", str(place.port("postgres"))],
            check=False,
            env=plain_environment(),
        )
        return asked.returncode == 0

    return Daemon(
        name="postgres",
        # Durability stays as it comes: what the tests kill must find its data again.
        command=[
            *(programs / "postgres", "-D", data, "-p", str(place.port("postgres")), "-c", f"listen_addresses={HOST}"),
            *("-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "shared_buffers=64MB"),
        ],
        marker=str(data),
        prepare=prepare,
        healthy=healthy,
        user=USER,
        stop_signal=signal.SIGINT,  # fast shutdown: connected clients don't delay it
    )
