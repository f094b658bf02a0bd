"""The token of the monitoring pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from badges.conf import conf

PAGES = ["/badges/health/", "/badges/metrics/"]
TOKEN = "a-token_of.the~tests"


@pytest.fixture(autouse=True)
def _token(settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "HEALTH_TOKEN": TOKEN}


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("sent", [f"Bearer {TOKEN}", f"bearer  {TOKEN} "])
def test_who_sends_the_token_is_answered(client: Client, page: str, sent: str) -> None:
    assert client.get(page, headers={"Authorization": sent}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer x {TOKEN}",
        "Bearer ünïcode\udcff",
    ],
)
def test_who_does_not_is_told_nothing_and_costs_nothing(client: Client, page: str, sent: str | None) -> None:
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(page, headers={} if sent is None else {"Authorization": sent})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.content.decode() == "Send the token: Authorization: Bearer …\n"
    assert "no-store" in answer["Cache-Control"]
    assert not queries


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("unset", ["", None])
def test_without_a_token_the_pages_are_open(client: Client, settings: Any, page: str, unset: str | None) -> None:
    settings.BADGES = {**settings.BADGES, "HEALTH_TOKEN": unset}
    assert client.get(page).status_code == 200
    assert client.get(page, headers={"Authorization": "Bearer None"}).status_code == 200


def test_a_token_of_any_letters_can_be_compared(client: Client, settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "HEALTH_TOKEN": "schlüssel"}
    assert conf.health_token == "schlüssel"
    assert client.get(PAGES[0], headers={"Authorization": "Bearer schlussel"}).status_code == 401
