"""Credly as a :class:`Provider`."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from badges.conf import conf
from badges.data import (
    AccountAccess,
    BadgeQuery,
    IssueRequest,
    ProviderAccountInfo,
    ProviderBadge,
    ProviderEvent,
    ProviderTemplate,
)
from badges.exceptions import PermanentError
from badges.providers.base import Provider
from badges.providers.credly import payloads
from badges.providers.credly.client import CredlyClient
from badges.providers.reading import Unreadable

PRODUCTION = "https://api.credly.com/v1/"
SANDBOX = "https://sandbox-api.credly.com/v1/"


class CredlyProvider(Provider):
    """
    An organization at Credly.

    Credly knows no idempotency key. What it does know is ``issuer_earner_id``, our stable id of the learner: it refuses
    a second badge of a template for the same one, and can be asked for the badges of one.
    """

    name = "credly"
    label = "Credly"
    badge_model = "badges.CredlyBadge"

    def __init__(self, access: AccountAccess, *, deadline: float) -> None:
        super().__init__(access, deadline=deadline)
        self._client = CredlyClient(access, deadline=deadline)

    @classmethod
    def account_id(cls, given: str) -> str:
        """Credly's organizations have UUIDs."""
        try:
            return str(uuid.UUID(given))
        except ValueError:
            raise ValueError(
                "it must be the organization's UUID, such as 6f3c8f6e-8c1b-4c58-9b0a-3a4f1f0f6f11"
            ) from None

    @classmethod
    def base_url(cls) -> str:
        chosen = conf.credly_api_base_url or (SANDBOX if conf.credly_sandbox else PRODUCTION)
        return chosen.rstrip("/") + "/"

    def issue(self, request: IssueRequest) -> ProviderBadge:
        return self._client.issue(request)

    def send_revoke(self, external_id: str, *, reason: str) -> ProviderBadge:
        return self._client.revoke(external_id, reason)

    def badges_by_earner_id(self, query: BadgeQuery) -> list[ProviderBadge]:
        return self._look_up(
            query, "issuer_earner_id", query.earner_id, lambda record: record.earner_id == query.earner_id
        )

    def badges_by_email(self, query: BadgeQuery) -> list[ProviderBadge]:
        # The filter compares all addresses of the earner's Credly account, the answer shows only one: where the filter
        # could be used, the address is not compared again.
        filtered = not payloads.SEPARATORS & set(query.email)

        def is_wanted(record: payloads.BadgeRecord) -> bool:
            has_address = filtered or record.email.casefold() == query.email.casefold()
            return has_address and record.earner_id in ("", query.earner_id)

        return self._look_up(query, "recipient_email_all", query.email, is_wanted)

    def get_badge(self, external_id: str) -> ProviderBadge:
        return self._client.badge(external_id)

    def fetch_account(self) -> ProviderAccountInfo:
        return self._client.organization()

    def fetch_templates(self) -> Iterator[ProviderTemplate]:
        return self._client.templates()

    @classmethod
    def read_webhook(cls, body: Mapping[str, Any]) -> ProviderEvent:
        if not isinstance(body.get("organization_id"), str | None):
            raise Unreadable("the event's organization_id is not a text")
        return payloads.event(body)

    def fetch_event(self, event_id: str) -> ProviderEvent:
        return self._client.event(event_id)

    def _look_up(
        self, query: BadgeQuery, key: str, value: str, is_wanted: Callable[[payloads.BadgeRecord], bool]
    ) -> list[ProviderBadge]:
        try:
            chosen = payloads.badge_filter(query.template_external_id, key, value)
        except ValueError as error:
            raise PermanentError(f"Credly has no template {query.template_external_id!r}: {error}.") from None
        found = [
            record
            for record in self._client.badges(chosen, private=[value])
            if record.template_id.casefold() == query.template_external_id.casefold() and is_wanted(record)
        ]
        found.sort(key=lambda record: record.created_at, reverse=True)
        return [record.badge for record in found]
