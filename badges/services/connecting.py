"""Trouble with the database, and how to go on after it."""

from __future__ import annotations

import contextlib

from django.db import Error, InterfaceError, OperationalError, connection

DATABASE_TROUBLE = (Error, connection.Database.Error)  # type: ignore[attr-defined]
"""What the database raises. The driver's own is among them: Django lets it through when a cursor is closed."""

TRANSIENT_DATABASE_ERRORS = (
    OperationalError,
    InterfaceError,
    connection.Database.OperationalError,  # type: ignore[attr-defined]
    connection.Database.InterfaceError,  # type: ignore[attr-defined]
)
"""Errors of the database, Django's and the driver's own, that may be gone at the next attempt."""


def renew_connection() -> None:
    """After such an error: what comes next goes over a connection that is well. A transaction keeps the one it has."""
    if connection.in_atomic_block:
        return
    with contextlib.suppress(*DATABASE_TROUBLE):
        connection.close_if_unusable_or_obsolete()
