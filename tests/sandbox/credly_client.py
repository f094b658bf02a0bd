"""A client that speaks to the sandbox Credly as an organization would, and to its control plane."""

from __future__ import annotations

from typing import Any

import requests

from credentials_settings.sandbox.credly import DEMO_KEY, DEMO_ORGANIZATION, DEMO_TEMPLATE, RunningCredly


class CredlyClient:
    """Paths are relative to the organization, or to the control plane for ``control``."""

    def __init__(self, server: RunningCredly, organization: str = DEMO_ORGANIZATION, key: str = DEMO_KEY) -> None:
        self.server = server
        self.organization = organization
        self.session = requests.Session()
        self.session.auth = (key, "")

    def api(self, method: str, path: str = "", **options: Any) -> requests.Response:
        url = f"{self.server.url}organizations/{self.organization}{path}"
        return self.session.request(method, url, **{"timeout": 10, **options})

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, self.server.control_url + path, json=body, timeout=10)

    def issue(self, **fields: Any) -> requests.Response:
        return self.api("POST", "/badges", json=issue_body(**fields))

    def issued(self, **fields: Any) -> dict[str, Any]:
        answer = self.issue(**fields)
        assert answer.status_code == 201, answer.text
        badge: dict[str, Any] = answer.json()["data"]
        return badge

    def set_state(self, badge_id: str, state: str) -> None:
        assert self.control("POST", f"badges/{badge_id}/state", {"state": state}).status_code == 200

    def fault(self, **order: Any) -> None:
        answer = self.control("POST", "faults", order)
        assert answer.status_code == 201, answer.text

    def injected(self) -> int:
        count: int = self.control("GET", "faults").json()["injected"]
        return count

    def posts(self) -> list[dict[str, Any]]:
        counts: list[dict[str, Any]] = self.control("GET", "badges").json()["posts"]
        return counts


def issue_body(**fields: Any) -> dict[str, Any]:
    """A complete request to issue; a field given as None is left out."""
    body = {
        "recipient_email": "learner1@example.com",
        "issued_to_first_name": "Learner",
        "issued_to_last_name": "One",
        "badge_template_id": DEMO_TEMPLATE,
        "issued_at": "2026-05-01 10:00:00 +0000",
        "issuer_earner_id": "11",
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}
