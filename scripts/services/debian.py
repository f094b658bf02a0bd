"""What the services, and the database drivers' build, need of the system; what is missing is installed by apt."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from scripts.services import mariadb, postgres
from scripts.services.errors import ServicesError

OLDEST_JAVA = 17
OPTIONS = ("-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0")
CLIENT_MODULES = ("libmariadb", "mariadb", "mysqlclient")
"""Names under which pkg-config may know the client library that mysqlclient is built with."""


@dataclass(frozen=True)
class Need:
    """Debian packages, and whether what they bring is there already, wherever it came from."""

    packages: tuple[str, ...]
    met: Callable[[], bool]


def on_path(*programs: str) -> bool:
    return all(map(shutil.which, programs))


def java_version() -> int | None:
    """The major version of the Java on PATH."""
    if not shutil.which("java"):
        return None
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found.group(1)) if found else None


def client_library() -> bool:
    return on_path("pkg-config") and any(
        subprocess.run(["pkg-config", "--exists", module], check=False).returncode == 0 for module in CLIENT_MODULES
    )


def python_headers() -> bool:
    return Path(sysconfig.get_path("include"), "Python.h").exists()


SERVERS = {
    "postgres": Need(("postgresql",), lambda: postgres.binaries() is not None),
    "mariadb": Need(("mariadb-server",), mariadb.installed),
    "redis": Need(("redis-server",), lambda: on_path("redis-server")),
    "kafka": Need(("default-jre-headless", "maven"), lambda: java_version() is not None and on_path("mvn")),
    "registry": Need(("default-jre-headless", "maven"), lambda: java_version() is not None and on_path("mvn")),
}

DRIVERS = (
    Need(("libmariadb-dev", "pkg-config"), client_library),
    Need(("gcc", "libc6-dev"), lambda: on_path("gcc")),
    Need((f"python{sys.version_info.major}.{sys.version_info.minor}-dev",), python_headers),
)


def missing(servers: Collection[str]) -> list[str]:
    """The packages to install before ``servers`` can be started and their drivers built."""
    needs = [*(SERVERS[name] for name in SERVERS if name in servers), *DRIVERS]
    return sorted({package for need in needs if not need.met() for package in need.packages})


def as_root() -> list[str]:
    """What makes a command run as root. Raises ``ServicesError`` when nothing does."""
    if os.geteuid() == 0:
        return []
    if on_path("sudo"):
        if sys.stdin.isatty():
            return ["sudo"]
        if subprocess.run(["sudo", "--non-interactive", "true"], check=False, capture_output=True).returncode == 0:
            return ["sudo", "--non-interactive"]
    raise ServicesError("Only root may install them, and sudo does not work here")


def install(packages: Collection[str]) -> None:
    """Install Debian packages. Raises ``ServicesError`` with the command to type where that can't be done from here."""
    if not packages:
        return
    need = f"These Debian packages are missing: {' '.join(packages)}. "
    by_hand = f"Install them: apt-get install {' '.join(packages)}"
    if not on_path("apt-get"):
        raise ServicesError(
            f"{need}This is no Debian: install what they contain, or set the addresses of other servers."
        )
    try:
        prefix = [*as_root(), "env", "DEBIAN_FRONTEND=noninteractive"]
    except ServicesError as error:
        raise ServicesError(f"{need}{error}. {by_hand}") from None
    for command in (["update"], ["install", "--no-install-recommends", *packages]):
        line = [*prefix, "apt-get", "--yes", "--quiet=2", *OPTIONS, *command]
        print("+", *line, flush=True)
        done = subprocess.run(line, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise ServicesError(f"apt-get {command[0]} ended with {done.returncode}; see above. {by_hand}")


def provide(servers: Collection[str]) -> None:
    """Install what is missing. Raises ``ServicesError`` when that fails, or when the Java here is too old for Kafka."""
    install(missing(servers))
    version = java_version()
    if {"kafka", "registry"} & set(servers) and (version is None or version < OLDEST_JAVA):
        raise ServicesError(f"Kafka needs Java {OLDEST_JAVA} or newer; the java on PATH is {version or 'unreadable'}.")
