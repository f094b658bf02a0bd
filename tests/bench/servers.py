"""The servers that can be reached, and an empty database on each."""

from __future__ import annotations

import importlib
import socket
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NAMES = {"POSTGRES_URL": "PostgreSQL", "MARIADB_URL": "MariaDB"}
SQLITE = "sqlite://"
PATIENCE = 2.0


def reachable(known: Mapping[str, str]) -> dict[str, str]:
    """Those of the ``known`` addresses at which somebody answers; of several in one, the first."""
    return {name: address for name, address in known.items() if _answers(address)}


def _answers(address: str) -> bool:
    place = urlsplit(address if "://" in address else f"//{address.partition(',')[0]}")
    try:
        socket.create_connection((place.hostname, place.port), PATIENCE).close()
    except OSError:
        return False
    return True


def databases(reachable: Mapping[str, str]) -> dict[str, str]:
    """Name -> address: SQLite always, and the servers whose addresses are known."""
    return {"SQLite": SQLITE, **{name: reachable[key] for key, name in NAMES.items() if key in reachable}}


@contextmanager
def fresh(url: str, directory: Path) -> Iterator[str]:
    """The address of an empty database there, dropped at the end."""
    if url == SQLITE:
        file = directory / f"{uuid.uuid4().hex}.sqlite3"
        yield f"sqlite:///{file}"
        for part in directory.glob(f"{file.name}*"):
            part.unlink()
        return
    with _on_servers().fresh_database(url) as database:
        yield database


def version(url: str) -> str:
    """Of the database's own."""
    if url == SQLITE:
        return sqlite3.sqlite_version
    ((text,),) = _on_servers().run(url, "SELECT version()")
    return str(text).removeprefix("PostgreSQL ").split()[0]


def _on_servers() -> Any:
    """It needs the servers' drivers, which are not installed where there are no servers."""
    return importlib.import_module("tests.integration.databases")
