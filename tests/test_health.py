"""The health page."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from badges import api
from badges.models import Delivery, ProviderAccount
from tests.builders import account

PAGE = "/badges/health/"


@pytest.mark.django_db
def test_all_is_well(client: Client) -> None:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    assert answer.json() == {
        "ok": True,
        "problems": [],
        "oldest_due": None,
        "deliveries": {kind: {"pending": 0, "claimed": 0, "failed": 0} for kind in Delivery.Kind.values},
        "failed_deliveries": 0,
        "webhooks": {"received": 0, "failed": 0},
        "failed_events": 0,
        "failed_events_waiting": 0,
        "paused_accounts": [],
        "resting_accounts": [],
        "rulebook_version": answer.json()["rulebook_version"],
        "consumers": [],
    }
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_something_needs_a_person(client: Client) -> None:  # S30
    paused = account()
    ProviderAccount.objects.update(encrypted_key="")
    answer = client.get(PAGE)
    assert answer.status_code == 503
    assert (answer.json()["ok"], answer.json()["paused_accounts"]) == (False, [paused.external_id])


def test_a_database_that_is_away_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise OperationalError("connection to 192.0.2.1 refused")

    monkeypatch.setattr(api, "health", away)
    answer = client.get(PAGE)
    assert answer.status_code == 503
    assert answer.json() == {"ok": False, "problems": ["The database cannot be used (OperationalError)."]}


def test_it_is_only_looked_at(client: Client) -> None:
    assert client.post(PAGE).status_code == 405
