"""
What providers send by themselves: stored at once, looked into later.

A webhook is a hint, and whoever knows its address can send one. So of it only the id is used: the event is fetched with
the account's own key, and what the event names is fetched, too, because webhooks come late and in any order.
"""

from __future__ import annotations

import datetime
import hmac
import json
import logging
import re
import uuid
from typing import Any

from django.db.models import F, Q

from badges import clock
from badges.clock import DatabaseNow
from badges.conf import conf
from badges.data import ProviderEvent
from badges.exceptions import (
    BadgesError,
    ConfigurationError,
    CredentialsRefused,
    NotFound,
    PermanentError,
    TransientError,
    UnknownWebhook,
    UnreadableWebhook,
)
from badges.models import BadgeTemplate, CredlyBadge, ProviderAccount, WebhookEvent
from badges.providers.base import Provider
from badges.providers.reading import Unreadable
from badges.providers.registry import get_provider, get_provider_class
from badges.services import syncing
from badges.services.claims import unusable_accounts

logger = logging.getLogger(__name__)

TYPE = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)

AT_THE_PROVIDER = (
    CredlyBadge.State.PENDING,
    CredlyBadge.State.ACCEPTED,
    CredlyBadge.State.REJECTED,
    CredlyBadge.State.REVOKED,
)
"""The states that a provider's news may change; the others are about a delivery that is still to be done."""


def receive(provider_name: str, token: str, body: bytes) -> int | None:
    """
    Store one webhook; the id of its row while there is something to do about it, None when it came before.

    Raises :class:`UnknownWebhook` for an address that is no account's, :class:`UnreadableWebhook` for a body that is
    no JSON object with the id of an event of that account.
    """
    account = _account(provider_name, token)
    event = _read(account, body)
    row, _ = WebhookEvent.objects.get_or_create(
        account=account,
        event_id=uuid.UUID(event.id),
        defaults={
            "event_type": event.type,
            "occurred_at": _storable(event.occurred_at),
            "received_at": DatabaseNow(),  # on the clock that tells when it is due
        },
    )
    return row.pk if row.state == WebhookEvent.State.RECEIVED else None


def _account(provider_name: str, token: str) -> ProviderAccount:
    """Compares with every token there is, each in constant time, so that the time tells nothing of any of them."""
    found = None
    accounts = ProviderAccount.objects.filter(provider=provider_name) if provider_name in conf.providers else []
    for account in accounts:
        for known in account.webhook_tokens:
            if hmac.compare_digest(known.encode(), token.encode(errors="replace")):
                found = account
    if found is None:
        raise UnknownWebhook("No account has this webhook address. Copy it from the account's page once more.")
    return found


def _read(account: ProviderAccount, body: bytes) -> ProviderEvent:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):  # not UTF-8, not JSON, a number of thousands of digits, thousands of brackets
        raise UnreadableWebhook("The body is not JSON.") from None
    if not isinstance(content, dict):
        raise UnreadableWebhook("The body is not a JSON object.")
    try:
        event = get_provider_class(account.provider).read_webhook(content)
    except Unreadable as error:
        raise UnreadableWebhook(f"The body cannot be used: {error}.") from None
    if not UUID.fullmatch(event.id):
        raise UnreadableWebhook("The event's id is not a UUID.")
    if not TYPE.fullmatch(event.type):
        raise UnreadableWebhook("The event's type is not a name.")
    if event.account_id and event.account_id.casefold() != account.external_id.casefold():
        raise UnreadableWebhook("The event is another account's.")
    return event


def _storable(moment: datetime.datetime | None) -> datetime.datetime | None:
    """``moment``, or None if it is one that databases have trouble with; it is for information only."""
    if moment is None or not 1970 < moment.year < 9999:
        return None
    return moment.astimezone(datetime.UTC)


# --- looking into it -----------------------------------------------------------------------------------------


def due(*, grace: float) -> list[int]:
    """
    The ids of webhooks to look into, the oldest first, at most ``SWEEP_BATCH``.

    New ones count ``grace`` seconds after they came in; those that were tried wait twice as long after each attempt,
    and at the most ``BACKOFF_CAP`` longer.
    """
    ready = Q(attempts=0, received_at__lte=_ago(grace))
    waited = conf.backoff_base
    for attempts in range(1, conf.delivery_attempts):
        waited += min(waited, conf.backoff_cap)
        ready |= Q(attempts=attempts, received_at__lte=_ago(waited))
    rows = WebhookEvent.objects.filter(ready, state=WebhookEvent.State.RECEIVED)
    rows = rows.exclude(account__in=unusable_accounts()).order_by("received_at", "pk")
    return list(rows.values_list("pk", flat=True)[: conf.sweep_batch])


def _ago(seconds: float) -> Any:
    return DatabaseNow() - datetime.timedelta(seconds=seconds)


def process(webhook_id: int) -> str:
    """
    Ask the provider what a webhook is about, and take over the state of that badge or the templates; the row's state.

    Done twice it does no harm. Nothing here decides anything about a learner: what is awarded and revoked follows from
    the platform's events alone. Never raises a provider's error.
    """
    row = WebhookEvent.objects.select_related("account").filter(pk=webhook_id).first()
    if row is None or row.state != WebhookEvent.State.RECEIVED:
        return row.state if row else ""
    account = row.account
    try:
        access = syncing.access(account)
        state = _take_over(row, get_provider(access, deadline=clock.monotonic() + conf.request_deadline))
    except CredentialsRefused as error:
        account.pause(access.api_key, str(error))
        return row.state
    except ConfigurationError:
        return row.state  # waits for a key, as the account's deliveries do
    except PermanentError as error:
        return _end(row, WebhookEvent.State.FAILED, str(error))
    except BadgesError as error:
        if row.attempts + 1 >= conf.delivery_attempts:
            return _end(row, WebhookEvent.State.FAILED, str(error))
        return _end(row, WebhookEvent.State.RECEIVED, str(error))
    return _end(row, state)


def _take_over(row: WebhookEvent, provider: Provider) -> WebhookEvent.State:
    event = provider.fetch_event(str(row.event_id))
    if event.badge_id and UUID.fullmatch(event.badge_id):
        try:
            state = provider.get_badge(event.badge_id).state
        except NotFound:  # deleted; the account has answered, so it is believed
            state = "revoked"
        CredlyBadge.objects.filter(
            external_uuid=event.badge_id,
            state__in=AT_THE_PROVIDER,
            badge_progress__template__account=row.account_id,
        ).update(state=state)
        return WebhookEvent.State.DONE
    if event.template_id:
        for report in syncing.sync_templates([row.account.external_id]):
            if report.error:
                raise TransientError(report.error)
        if event.type.replace("_", ".").casefold() == "badge.template.deleted":
            BadgeTemplate.objects.filter(account=row.account_id, external_id=event.template_id).update(
                state=BadgeTemplate.State.ARCHIVED
            )
        return WebhookEvent.State.DONE
    return WebhookEvent.State.IGNORED


def _end(row: WebhookEvent, state: WebhookEvent.State, error: str = "") -> str:
    changes: dict[str, Any] = {"state": state, "error": error, "attempts": F("attempts") + 1}
    WebhookEvent.objects.filter(pk=row.pk, state=WebhookEvent.State.RECEIVED).update(**changes)
    if error:
        logger.warning(
            "Webhook %s could not be looked into (now %s): %s",
            row.pk,
            state,
            error,
            extra={"action": "webhook_failed", "event_id": str(row.event_id)},
        )
    return state
