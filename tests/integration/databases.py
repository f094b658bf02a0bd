"""Databases of a test's own, on the real servers, and SQLite to compare."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import MySQLdb
import psycopg


def is_postgres(url: str) -> bool:
    return url.startswith("postgres")


def is_sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def run(url: str, statement: str) -> list[tuple[Any, ...]]:
    """
    Run one statement outside any transaction; the rows that it returns.

    ``url`` is an address as in ``DATABASE_URL``; options behind a question mark are Django's and don't matter here.
    """
    parts = urlsplit(url)
    if is_sqlite(url):
        with closing(sqlite3.connect(_file(url), isolation_level=None)) as file:
            return file.execute(statement).fetchall()
    if is_postgres(url):
        with psycopg.connect(urlunsplit(parts._replace(query="")), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []
    with closing(
        MySQLdb.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=parts.username,
            password=parts.password,
            database=parts.path[1:],
            autocommit=True,
        )
    ) as connection:
        cursor = connection.cursor()
        cursor.execute(statement)
        return list(cursor.fetchall())


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """
    The address of an empty database, next to the one that ``server`` names and with the same options; dropped at the
    end. ``sqlite:///directory`` stands for files in a directory.
    """
    name = f"badges_{uuid.uuid4().hex}"
    if is_sqlite(server):
        yield f"{server}/{name}"
        _file(f"{server}/{name}").unlink()
        return
    run(server, f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        run(server, f"DROP DATABASE {name}{' WITH (FORCE)' if is_postgres(server) else ''}")


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))
