"""The address that providers send their webhooks to: what is answered, and what is stored."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, UnreadablePostError
from django.test import Client, RequestFactory

from badges import api, celery, webhooks
from badges.exceptions import ConfigurationError
from badges.models import ProviderAccount, WebhookEvent
from badges.webhooks import LARGEST_BODY
from tests.builders import account

pytestmark = pytest.mark.django_db

ID = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What was handed to the task queue."""
    tasks: list[tuple[str, int]] = []
    monkeypatch.setattr(celery.app, "send_task", lambda name, args, **_: tasks.append((name, args[0])))
    monkeypatch.setattr("badges.tasks._queue_away_until", 0.0)
    return tasks


@pytest.fixture
def credly(sent: list[tuple[str, int]]) -> ProviderAccount:
    return account()


@pytest.fixture
def post(credly: ProviderAccount) -> Callable[..., HttpResponse]:
    """Send a body, bytes or what becomes JSON, to the account's address or another; CSRF is checked."""
    client = Client(enforce_csrf_checks=True)

    def send(body: Any, *, provider: str = "credly", token: str = credly.webhook_token) -> HttpResponse:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post(f"/badges/webhooks/{provider}/{token}/", content, content_type="application/json")

    return send


def webhook(**changes: Any) -> dict[str, Any]:
    known = {"id": ID, "event_type": "badge.created", "occurred_at": "2026-05-01T10:00:00.000Z"}
    return {name: value for name, value in {**known, **changes}.items() if value is not ...}


def test_a_webhook_is_stored_and_handed_to_a_worker(
    post: Callable[..., HttpResponse], credly: ProviderAccount, sent: list[tuple[str, int]]
) -> None:
    answer = post(webhook(organization_id=credly.external_id.upper(), something_new={"a": 1}))

    assert answer.status_code == 200
    row = WebhookEvent.objects.get()
    assert (row.account, row.event_id, row.event_type, row.state) == (
        credly,
        uuid.UUID(ID),
        "badge.created",
        "received",
    )
    assert row.occurred_at is not None and row.occurred_at.isoformat() == "2026-05-01T10:00:00+00:00"
    assert sent == [("badges.process_webhook", row.pk)]


def test_a_webhook_that_comes_again_is_stored_once_and_answered_the_same(
    post: Callable[..., HttpResponse], sent: list[tuple[str, int]]
) -> None:
    first = post(webhook())
    WebhookEvent.objects.update(state="done")
    again = post(webhook())
    assert (first.status_code, first.content) == (again.status_code, again.content) == (200, b"Received.\n")
    assert WebhookEvent.objects.count() == len(sent) == 1


def test_a_worker_is_asked_again_for_what_is_not_done_yet(
    post: Callable[..., HttpResponse], sent: list[tuple[str, int]]
) -> None:
    post(webhook())
    post(webhook())
    assert WebhookEvent.objects.count() == 1 and len(sent) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[" * 50_000,
        b"9" * 5_000,
        [],
        [webhook()],
        "text",
        None,
        1,
        {},
        webhook(id=...),
        webhook(id=7),
        webhook(id="../../organizations"),
        webhook(id=ID.replace("-", "")),
        webhook(id=f"{{{ID}}}"),
        webhook(id=ID + "\n"),
        webhook(id=ID.replace("1", "\u0661")),
        webhook(event_type=...),
        webhook(event_type={}),
        webhook(event_type="badge\u0000created"),
        webhook(event_type="\ud800"),
        webhook(event_type="b" * 101),
        webhook(organization_id="99999999-2222-4333-8444-555555555555"),
        webhook(organization_id="no uuid"),
        webhook(organization_id=5),
    ],
)
def test_what_is_no_webhook_of_the_account_is_refused(post: Callable[..., HttpResponse], body: Any) -> None:
    assert post(body).status_code == 400
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("told", [..., None, 5, "yesterday", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_that_cannot_be_read_is_no_reason_to_refuse(post: Callable[..., HttpResponse], told: Any) -> None:
    assert post(webhook(occurred_at=told)).status_code == 200
    assert WebhookEvent.objects.get().occurred_at is None


def test_a_body_may_be_so_long_and_no_longer(post: Callable[..., HttpResponse]) -> None:
    whole = json.dumps(webhook()).encode()
    assert post(whole.ljust(LARGEST_BODY)).status_code == 200
    assert post(whole.ljust(LARGEST_BODY + 1)).status_code == 413


@pytest.mark.parametrize(
    "address", [{"token": "x"}, {"token": "\u00e9"}, {"provider": "nobody"}, {"provider": "accredible"}]
)
def test_an_address_that_is_no_accounts_is_not_found(
    post: Callable[..., HttpResponse], address: dict[str, str]
) -> None:
    assert post(webhook(), **address).status_code == 404
    assert not WebhookEvent.objects.exists()


def test_each_account_has_an_address_of_its_own(post: Callable[..., HttpResponse], credly: ProviderAccount) -> None:
    other = account()
    assert other.webhook_token != credly.webhook_token
    post(webhook(), token=other.webhook_token)
    assert WebhookEvent.objects.get().account == other


def test_the_address_is_rotated_with_the_secret_keys(
    post: Callable[..., HttpResponse], credly: ProviderAccount, settings: Any
) -> None:
    old = credly.webhook_token
    settings.BADGES = {**settings.BADGES, "SECRET_KEYS": ("newest", "before")}
    newest, before = credly.webhook_tokens
    assert len({old, newest, before}) == 3 and credly.webhook_token == newest
    assert [post(webhook(), token=token).status_code for token in (newest, before, old)] == [200, 200, 404]


def test_only_post_is_answered(client: Client, credly: ProviderAccount) -> None:
    assert client.get(f"/badges/webhooks/credly/{credly.webhook_token}/").status_code == 405


def failing(trouble: Exception) -> Callable[..., None]:
    def fail(**_: Any) -> None:
        raise trouble

    return fail


@pytest.mark.parametrize("trouble", [OperationalError(), InterfaceError(), ConfigurationError("No such class.")])
def test_what_is_the_services_own_trouble_lets_the_webhook_come_again(
    post: Callable[..., HttpResponse], monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    monkeypatch.setattr(api, "receive_webhook", failing(trouble))
    assert post(webhook()).status_code == 503


def test_the_token_is_in_no_log(
    post: Callable[..., HttpResponse],
    client: Client,
    credly: ProviderAccount,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # S36
    address = f"/badges/webhooks/credly/{credly.webhook_token}/"
    client.get(address)
    post(b"no JSON")
    post(b"x" * (LARGEST_BODY + 1))
    post(webhook(), token=credly.webhook_token[1:])
    monkeypatch.setattr(api, "receive_webhook", failing(OperationalError()))
    post(webhook())

    assert caplog.messages == [
        f"A webhook of credly was answered with {status}." for status in (405, 400, 413, 404, 503)
    ]
    assert credly.webhook_token[1:] not in repr([vars(record) for record in caplog.records])


def test_a_body_that_breaks_off_is_refused(credly: ProviderAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    request = RequestFactory().post("/", b"{}", content_type="application/json")

    def break_off(size: int) -> bytes:
        raise UnreadablePostError

    monkeypatch.setattr(request, "read", break_off)
    assert webhooks.receive(request, "credly", credly.webhook_token).status_code == 400
