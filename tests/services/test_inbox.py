"""Looking into webhooks, with Credly's own API on the other side."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from badges import api, clock, tasks
from badges.clock import DatabaseNow
from badges.models import BadgeTemplate, CredlyBadge, ProviderAccount, WebhookEvent
from badges.services import inbox
from credentials_settings.sandbox.credly import DEMO_KEY, DEMO_ORGANIZATION, DEMO_TEMPLATE, running_credly
from credentials_settings.sandbox.credly.server import RunningCredly
from tests.builders import event, template

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def credly() -> Iterator[RunningCredly]:
    with running_credly() as running:
        yield running


class Sandbox:
    """Credly's side."""

    def __init__(self, credly: RunningCredly) -> None:
        self._credly = credly
        self.control("reset")

    def control(self, path: str, **body: object) -> Any:
        answer = requests.post(self._credly.control_url + path, json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def webhook(self, event_type: str, **subject: str) -> dict[str, Any]:
        """Let something have happened; the body of its webhook."""
        sent = self.control("webhook", event_type=event_type, url="http://127.0.0.1:9/", **subject)
        body: dict[str, Any] = sent["event"]
        return body

    def delete(self, external_id: str) -> None:
        url = f"{self._credly.url}organizations/{DEMO_ORGANIZATION}/badges/{external_id}"
        requests.delete(url, auth=(DEMO_KEY, ""), timeout=10).raise_for_status()


@pytest.fixture
def sandbox(credly: RunningCredly, settings: Any) -> Sandbox:
    settings.BADGES = {
        **settings.BADGES,
        "PROVIDERS": {"credly": "badges.providers.credly.CredlyProvider"},
        "CREDLY_API_BASE_URL": credly.url,
        "FUTURE_TOLERANCE": 10**9,
    }
    return Sandbox(credly)


@pytest.fixture
def account(sandbox: Sandbox) -> ProviderAccount:
    made = ProviderAccount(external_id=DEMO_ORGANIZATION, name="Demo University")
    made.set_api_key(DEMO_KEY)
    made.save()
    return made


@pytest.fixture
def badge(account: ProviderAccount) -> CredlyBadge:
    """A badge that has been issued."""
    template("A", uuid=uuid.UUID(DEMO_TEMPLATE), account=account)
    assert api.receive_event(event=event("A")).matched
    api.deliver_due()
    issued = CredlyBadge.objects.get()
    assert issued.state == "pending"
    return issued


@pytest.fixture
def receive(account: ProviderAccount) -> Callable[[dict[str, Any]], WebhookEvent]:
    """Receive a webhook as the view does; its row, not looked into yet."""

    def store(body: dict[str, Any]) -> WebhookEvent:
        api.receive_webhook(provider="credly", token=account.webhook_token, body=json.dumps(body).encode())
        return WebhookEvent.objects.get(event_id=body["id"])

    return store


def looked_into(row: WebhookEvent) -> WebhookEvent:
    assert inbox.process(row.pk) == WebhookEvent.objects.get(pk=row.pk).state
    row.refresh_from_db()
    return row


Receive = Callable[[dict[str, Any]], WebhookEvent]


# --- badges --------------------------------------------------------------------------------------------------


def test_the_badge_is_as_credly_has_it_now(sandbox: Sandbox, badge: CredlyBadge, receive: Receive) -> None:
    row = receive(sandbox.webhook("badge.state.changed", badge_id=str(badge.external_uuid)))
    sandbox.control(f"badges/{badge.external_uuid}/state", state="accepted")  # after the webhook: the truth is fetched

    assert looked_into(row).state == "done"

    badge.refresh_from_db()
    assert (badge.state, badge.status) == ("accepted", "awarded")


def test_a_badge_that_was_deleted_there_is_revoked(sandbox: Sandbox, badge: CredlyBadge, receive: Receive) -> None:
    row = receive(sandbox.webhook("badge.deleted", badge_id=str(badge.external_uuid)))
    sandbox.delete(str(badge.external_uuid))

    assert looked_into(row).state == "done"

    badge.refresh_from_db()
    assert (badge.state, badge.status) == ("revoked", "awarded")


@pytest.mark.parametrize("state", ["error", "created"])
def test_what_a_delivery_waits_for_is_not_overwritten(
    sandbox: Sandbox, badge: CredlyBadge, receive: Receive, state: str
) -> None:  # S28
    row = receive(sandbox.webhook("badge.state.changed", badge_id=str(badge.external_uuid)))
    CredlyBadge.objects.update(state=state)
    looked_into(row)
    assert CredlyBadge.objects.get().state == state


def test_a_webhook_that_comes_again_after_a_purge_does_no_harm(
    sandbox: Sandbox, badge: CredlyBadge, receive: Receive, settings: Any
) -> None:
    settings.BADGES = {**settings.BADGES, "FINISHED_DAYS": 30}
    sent = sandbox.webhook("badge.state.changed", badge_id=str(badge.external_uuid))
    sandbox.control(f"badges/{badge.external_uuid}/state", state="accepted")
    for _ in range(2):
        assert looked_into(receive(sent)).state == "done"
        WebhookEvent.objects.update(received_at=clock.now() - datetime.timedelta(days=31))
        assert api.purge().webhooks == 1

    badge.refresh_from_db()
    assert (badge.state, badge.status) == ("accepted", "awarded")
    assert not WebhookEvent.objects.exists()


# --- templates -----------------------------------------------------------------------------------------------


def test_templates_follow(sandbox: Sandbox, badge: CredlyBadge, receive: Receive) -> None:
    row = receive(sandbox.webhook("badge_template.changed", template_id=DEMO_TEMPLATE))
    assert looked_into(row).state == "done"
    assert BadgeTemplate.objects.get(uuid=DEMO_TEMPLATE).name == "Two courses"


def test_a_template_that_was_deleted_is_archived(sandbox: Sandbox, badge: CredlyBadge, receive: Receive) -> None:
    row = receive(sandbox.webhook("badge_template.deleted", template_id=DEMO_TEMPLATE))
    assert looked_into(row).state == "done"
    assert BadgeTemplate.objects.get(uuid=DEMO_TEMPLATE).state == "archived"


# --- what goes wrong -----------------------------------------------------------------------------------------


def test_an_event_that_credly_does_not_know_fails(account: ProviderAccount, receive: Receive) -> None:
    row = receive({"id": str(uuid.uuid4()), "event_type": "badge.created"})
    assert looked_into(row).state == "failed"
    assert row.error and row.attempts == 1
    assert inbox.due(grace=0) == []


def test_while_credly_is_away_it_is_tried_again_and_then_fails(
    sandbox: Sandbox, badge: CredlyBadge, receive: Receive, settings: Any
) -> None:
    settings.BADGES = {**settings.BADGES, "DELIVERY_ATTEMPTS": 2}
    row = receive(sandbox.webhook("badge.created", badge_id=str(badge.external_uuid)))
    sandbox.control("faults", match="GET /events", mode="500", times=2)

    assert looked_into(row).state == "received" and row.error
    assert looked_into(row).state == "failed" and row.attempts == 2


def test_templates_that_cannot_be_fetched_are_tried_again(
    sandbox: Sandbox, badge: CredlyBadge, receive: Receive
) -> None:
    row = receive(sandbox.webhook("badge_template.changed", template_id=DEMO_TEMPLATE))
    sandbox.control("faults", match="GET /badge_templates", mode="500", times=1)
    assert looked_into(row).state == "received"
    assert looked_into(row).state == "done"


def test_a_refused_key_pauses_the_account_and_the_webhook_waits(
    sandbox: Sandbox, badge: CredlyBadge, account: ProviderAccount, receive: Receive
) -> None:  # S30
    row = receive(sandbox.webhook("badge.created", badge_id=str(badge.external_uuid)))
    account.set_api_key("wrong")
    account.save()

    assert looked_into(row).state == "received" and row.attempts == 0

    account.refresh_from_db()
    assert account.is_paused and inbox.due(grace=0) == []
    account.set_api_key(DEMO_KEY)
    account.save()
    assert inbox.due(grace=0) == [row.pk]


def test_without_a_key_the_webhook_waits(account: ProviderAccount, receive: Receive) -> None:
    row = receive({"id": str(uuid.uuid4()), "event_type": "badge.created"})
    ProviderAccount.objects.update(encrypted_key="")
    assert looked_into(row).state == "received" and row.attempts == 0


def test_what_is_done_or_gone_is_left_alone(account: ProviderAccount, receive: Receive) -> None:
    row = receive({"id": str(uuid.uuid4()), "event_type": "badge.created"})
    WebhookEvent.objects.update(state="done")
    assert inbox.process(row.pk) == "done"
    assert WebhookEvent.objects.get().attempts == 0
    assert inbox.process(row.pk + 1) == ""


# --- when ----------------------------------------------------------------------------------------------------


def test_the_sweep_finds_webhooks_that_were_left(
    account: ProviderAccount, receive: Receive, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:  # S33
    row = receive({"id": str(uuid.uuid4()), "event_type": "badge.created"})
    sent: list[int] = []
    monkeypatch.setattr(tasks, "enqueue_webhooks", sent.extend)
    tasks.sweep()
    assert sent == []  # it was handed over a moment ago
    settings.BADGES = {**settings.BADGES, "ENQUEUE_GRACE": 0}
    tasks.sweep()
    assert sent == [row.pk]


def test_each_attempt_waits_longer_than_the_one_before(
    account: ProviderAccount, receive: Receive, settings: Any
) -> None:
    settings.BADGES = {**settings.BADGES, "BACKOFF_BASE": 10, "BACKOFF_CAP": 3600}
    row = receive({"id": str(uuid.uuid4()), "event_type": "badge.created"})
    for attempts, wait in [(1, 20), (2, 40), (5, 320)]:
        WebhookEvent.objects.update(attempts=attempts)
        for seconds, found in [(wait - 1, []), (wait + 1, [row.pk])]:
            ago = datetime.timedelta(seconds=seconds)
            WebhookEvent.objects.update(received_at=DatabaseNow() - ago)
            assert inbox.due(grace=0) == found


def test_however_many_attempts_the_next_one_comes_within_the_cap(
    account: ProviderAccount, receive: Receive, settings: Any
) -> None:
    settings.BADGES = {**settings.BADGES, "BACKOFF_BASE": 10, "BACKOFF_CAP": 40, "DELIVERY_ATTEMPTS": 200}
    row = receive({"id": str(uuid.uuid4()), "event_type": "badge.created"})
    for attempts, wait in [(2, 40), (3, 80), (4, 120), (199, 7920)]:
        WebhookEvent.objects.update(attempts=attempts)
        for seconds, found in [(wait - 1, []), (wait + 1, [row.pk])]:
            ago = datetime.timedelta(seconds=seconds)
            WebhookEvent.objects.update(received_at=DatabaseNow() - ago)
            assert inbox.due(grace=0) == found


def test_without_celery_deliver_badges_looks_into_webhooks(
    sandbox: Sandbox, badge: CredlyBadge, receive: Receive
) -> None:
    row = receive(sandbox.webhook("badge.created", badge_id=str(badge.external_uuid)))
    api.deliver_due()
    row.refresh_from_db()
    assert row.state == "done"


def test_the_task_looks_into_one_webhook(sandbox: Sandbox, badge: CredlyBadge, receive: Receive) -> None:
    row = receive(sandbox.webhook("badge.created", badge_id=str(badge.external_uuid)))
    tasks.process_webhook(row.pk)
    row.refresh_from_db()
    assert row.state == "done"
