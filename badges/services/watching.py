"""
The version of the rules, asked for over a connection of its own.

The stock consumers ask an open connection of Django's with every message whether it is well. So a process that handles
nothing but events that mean nothing keeps that one closed, and this one, which nobody else knows of, open.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from badges import clock
from badges.models import RulebookVersion

MAX_AGE: Final = 30.0
"""Seconds after which the connection is made anew, so that it does not stay with a server that another one replaced."""


class _Own(threading.local):
    connection: BaseDatabaseWrapper | None = None
    opened = 0.0
    question: tuple[str, tuple[Any, ...]] = ("", ())


_own = _Own()


def version() -> int | None:
    """
    The version in force, 0 before the first write. None where the database does not tell it: the caller asks over
    Django's connection, and meets there what is the matter.
    """
    if clock.monotonic() - _own.opened > MAX_AGE:
        close()
    if _own.connection is None:
        _own.connection, _own.opened = _make(), clock.monotonic()
        _own.question = RulebookVersion.objects.filter(pk=1).values_list("version").query.sql_with_params()
    try:
        with _own.connection.cursor() as cursor:
            cursor.execute(*_own.question)
            row = cursor.fetchone()
    except Error:
        close()
        return None
    return row[0] if row else 0


def _make() -> BaseDatabaseWrapper:
    """Not out of a pool, which may have no second one; and no transaction that would see one version for ever."""
    made = connections.create_connection(DEFAULT_DB_ALIAS)
    options = {name: value for name, value in made.settings_dict["OPTIONS"].items() if name != "pool"}
    made.settings_dict = {**made.settings_dict, "AUTOCOMMIT": True, "OPTIONS": options}
    return made


def close() -> None:
    """Close this thread's connection; the next look opens one."""
    own, _own.connection = _own.connection, None
    if own is not None:
        with contextlib.suppress(Error):
            own.close()
