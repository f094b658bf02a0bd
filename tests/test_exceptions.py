"""What our errors, and a database's, say."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from django.db import OperationalError

from badges.exceptions import database_said


class WithState(Exception):
    sqlstate = "53100"


class WithNumber(Exception):
    """As MySQL's driver raises them."""


def raised(cause: BaseException | None) -> OperationalError:
    error = OperationalError("a text that may quote a row")
    error.__cause__ = cause
    return error


def full_disk() -> sqlite3.OperationalError:
    with closing(sqlite3.connect(":memory:")) as file:
        file.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as error:
            file.executescript("CREATE TABLE one (a); CREATE TABLE two (a);")
        return error.value


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (full_disk(), "OperationalError SQLITE_FULL"),
        (WithState(), "OperationalError 53100"),
        (WithNumber(1290, "a text"), "OperationalError 1290"),
        (WithNumber("a text"), "OperationalError"),
        (WithNumber(), "OperationalError"),
        (None, "OperationalError"),
    ],
)
def test_a_databases_error_is_told_by_its_code(cause: BaseException | None, told: str) -> None:  # S36
    assert database_said(raised(cause)) == told
