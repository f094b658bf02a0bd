"""Where the services of this checkout keep their data, and on which ports they listen."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from scripts.services.errors import ServicesError

CHECKOUT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"

PREFERRED_PORTS = {
    "postgres": 25432,
    "mariadb": 23306,
    "redis": 26379,
    "registry": 28081,
    "kafka-1": 29092,
    "kafka-2": 29192,
    "kafka-3": 29292,
    "kafka-1-controller": 29093,
    "kafka-2-controller": 29193,
    "kafka-3-controller": 29293,
}
"""Below the range that Linux hands out to outgoing connections, so that a stopped service finds its port free again."""

ANOTHER_TRY, TRIES = 10, 8  # the next port to look at, for a second checkout on the same machine


@dataclass(frozen=True)
class Place:
    """A directory for everything the services write, the ports they have, and the password of the databases."""

    directory: Path
    ports: dict[str, int]
    password: str

    def port(self, name: str) -> int:
        return self.ports[name]

    def data(self, name: str) -> Path:
        return self.directory / "data" / name

    def log(self, name: str) -> Path:
        return self.directory / "log" / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        return self.directory / "run" / f"{name}.pid"


def directory() -> Path:
    """
    ``.services/`` of the checkout; root gets one below ``/var/tmp`` when the checkout is not open to other users.

    The database servers refuse to run as root, and the users they run as instead must reach their data.
    """
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in (CHECKOUT, *CHECKOUT.parents)):
        return CHECKOUT / ".services"
    digest = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:12]
    return Path("/var/tmp") / f"openedx-badges-services-{digest}"  # noqa: S108 its owner is checked below


def open_place() -> Place:
    """The place of this checkout, made on the first call. Raises ``ServicesError`` when it belongs to somebody else."""
    root = directory()
    for part in ("", "data", "log", "run"):
        (root / part).mkdir(mode=0o755, exist_ok=True)
    if root.stat().st_uid != os.geteuid():
        raise ServicesError(f"{root} belongs to another user; remove it or have it removed.")
    password = root / "password"
    if not password.exists():
        password.touch(mode=0o600)
    if not password.read_text():
        password.write_text(secrets.token_hex(16))
    ports_file = root / "ports.json"
    ports = {**PREFERRED_PORTS, **(json.loads(ports_file.read_text()) if ports_file.exists() else {})}
    return Place(root, ports, password.read_text())


def free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def settle_ports(place: Place, names: Collection[str]) -> None:
    """
    Give each port in ``names`` a number that nothing listens on, and remember all of them.

    Only for services that don't run. Raises ``ServicesError`` when there is none to be had.
    """
    for name in names:
        candidates = [place.ports[name], *(PREFERRED_PORTS[name] + ANOTHER_TRY * n for n in range(TRIES))]
        port = next(filter(free, candidates), None)
        if port is None:
            raise ServicesError(f"No port for {name}: {', '.join(map(str, candidates))} are all in use on {HOST}.")
        place.ports[name] = port
    (place.directory / "ports.json").write_text(json.dumps(place.ports, indent=2) + "\n")
