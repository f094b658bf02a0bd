"""After an error of the database's, the next statement goes over a connection that is well."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from badges.services import connecting


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Errors that looking at the connection raises, one after the other."""
    left: list[Exception] = []

    def look() -> None:
        raise left.pop()

    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", look)
    return left


@pytest.mark.parametrize("error", [OperationalError("gone"), connection.Database.Error("gone")])  # type: ignore[attr-defined]
def test_a_connection_that_cannot_even_be_looked_at_keeps_nobody(looks: list[Exception], error: Exception) -> None:
    looks.append(error)
    connecting.renew_connection()
    assert not looks


def test_anything_else_is_a_mistake_and_raised(looks: list[Exception]) -> None:
    looks.append(TypeError())
    with pytest.raises(TypeError):
        connecting.renew_connection()


@pytest.mark.django_db
def test_a_transaction_keeps_its_connection(looks: list[Exception]) -> None:
    looks.append(OperationalError("gone"))
    connecting.renew_connection()
    assert looks
