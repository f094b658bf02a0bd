"""The endpoints of Credly's Web Service API v1 that the app uses: https://www.credly.com/docs."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from badges.data import IssueRequest, ProviderAccountInfo, ProviderBadge, ProviderEvent, ProviderTemplate
from badges.exceptions import NotFound, PermanentError
from badges.providers.credly import payloads
from badges.providers.http import HttpClient

Item = TypeVar("Item")

_ID = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class CredlyClient(HttpClient):
    """One organization at Credly."""

    label = "Credly"
    address_setting = "BADGES['CREDLY_API_BASE_URL']"
    # Credly's wording is not contractual; this part of "User already has this badge" is what every client looks for.
    duplicate_marker = "already has this badge"

    @property
    def authorization(self) -> str:
        """Basic authentication: the key is the user name, the password is empty."""
        return "Basic " + base64.b64encode(f"{self.access.api_key}:".encode()).decode()

    @property
    def account_path(self) -> str:
        organization_id = self.access.external_id
        if not _ID.fullmatch(organization_id):
            raise PermanentError(f"{organization_id!r} is not the id of an organization. Correct the account's id.")
        return f"organizations/{organization_id}"

    def message_of(self, body: Any) -> str:
        return payloads.message(body)

    def organization(self) -> ProviderAccountInfo:
        return self.get(self.account_path, lambda body: payloads.account(payloads.data(body)))

    def templates(self) -> Iterator[ProviderTemplate]:
        """Every state; by name, so that the pages don't shift while they are read."""
        return self._all("badge_templates", payloads.template, {"sort": "name"})

    def badges(self, chosen: str, *, private: Sequence[str]) -> Iterator[payloads.BadgeRecord]:
        """The badges that the filter ``chosen`` lets through."""
        return self._all("badges", payloads.badge_record, {"filter": chosen, "sort": "-issued_at"}, private)

    def badge(self, badge_id: str) -> ProviderBadge:
        return self.get(self._path("badges", badge_id), lambda body: payloads.badge(payloads.data(body)))

    def issue(self, request: IssueRequest) -> ProviderBadge:
        recipient = request.recipient
        return self.send(
            "POST",
            self._path("badges"),
            lambda body: payloads.badge(payloads.data(body)),
            body=payloads.issue_body(request),
            # The stable id, too: it is the username of a learner who has no LMS user id.
            private=[recipient.email, recipient.first_name, recipient.last_name, recipient.earner_id],
        )

    def revoke(self, badge_id: str, reason: str) -> ProviderBadge:
        return self.send(
            "PUT",
            self._path("badges", badge_id) + "/revoke",
            lambda body: payloads.badge(payloads.data(body)),
            body={"reason": reason},
        )

    def event(self, event_id: str) -> ProviderEvent:
        return self.get(self._path("events", event_id), lambda body: payloads.event(payloads.data(body)))

    def _path(self, *parts: str) -> str:
        """Ids come from webhooks, too: one such as ``../../x`` would send the key to another endpoint."""
        for part in parts:
            if not _ID.fullmatch(part):
                raise NotFound(f"Credly has no object with the id {part!r}.")
        return "/".join((self.account_path, *parts))

    def _all(
        self,
        endpoint: str,
        read_item: Callable[[Mapping[str, Any]], Item],
        query: Mapping[str, str],
        private: Sequence[str] = (),
    ) -> Iterator[Item]:
        """All pages. Their addresses are built here: Credly's ``next_page_url`` has neither filter nor order in it."""
        number, is_last = 0, False
        while not is_last:
            number += 1

            def read(body: Any, number: int = number) -> tuple[list[Item], bool]:
                found, is_last = payloads.page(body, number)
                return [read_item(item) for item in found], is_last

            items, is_last = self.get(self._path(endpoint), read, query={**query, "page": number}, private=private)
            yield from items
