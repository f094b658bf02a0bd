"""The control plane of the sandbox Credly: what tests and demos ask of the server beside the API."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests

from credentials_settings.sandbox.credly import DEMO_ORGANIZATION, DEMO_TEMPLATE
from credentials_settings.sandbox.readiness import free_port
from tests.sandbox.credly_client import CredlyClient


def test_requests_to_issue_are_counted_for_each_learner_and_template(client: CredlyClient) -> None:
    client.fault(match="POST /badges", mode="500")
    client.issue()
    client.issued()
    client.issue()
    second = {"recipient_email": "learner2@example.com", "issuer_earner_id": None}
    client.set_state(client.issued(**second)["id"], "revoked")
    client.issued(**second)
    client.api("POST", "/badges", data="no JSON")
    common = {"badge_template_id": DEMO_TEMPLATE}
    learner1 = {"issuer_earner_id": "11", "recipient_email": "learner1@example.com"}
    assert client.posts() == [
        common | learner1 | {"posts": 3, "created": 1, "live": 1},
        common | second | {"posts": 2, "created": 2, "live": 1},
    ]
    badges = client.control("GET", "badges").json()["badges"]
    assert [badge["state"] for badge in badges] == ["pending", "revoked", "pending"]
    assert {badge["organization_id"] for badge in badges} == {DEMO_ORGANIZATION}


def test_requests_and_connections_are_counted(client: CredlyClient) -> None:
    def traffic() -> dict[str, Any]:
        counted: dict[str, Any] = client.control("GET", "traffic").json()
        return counted

    begin = time.time()
    for _ in range(3):
        client.api("GET")
    assert requests.get(client.server.url, timeout=10).status_code == 404  # on a connection of its own
    counted = traffic()
    assert (counted["active"], counted["peak"], counted["connections"]) == (0, 1, 2)
    assert len(counted["arrivals"]) == 4
    assert begin <= counted["arrivals"][0] <= counted["arrivals"][-1] <= time.time()
    client.control("DELETE", "traffic")
    assert traffic() == {"active": 0, "peak": 0, "connections": 0, "arrivals": []}


def test_a_new_key_ends_the_old_one(client: CredlyClient) -> None:
    answer = client.control("POST", "keys", {"organization_id": DEMO_ORGANIZATION, "key": "rotated"})
    assert answer.status_code == 200
    assert client.api("GET").status_code == 401
    client.session.auth = ("rotated", "")
    assert client.api("GET").status_code == 200


def test_templates_are_added_and_replaced(client: CredlyClient) -> None:
    row = {"uuid": "late", "name": "Latecomer", "state": "draft"}
    client.control("POST", "templates", {"templates": [row]})
    first = client.api("GET", "/badge_templates/late").json()["data"]
    client.control("POST", "templates", {"templates": [row | {"state": "active", "name": "Renamed"}]})
    second = client.api("GET", "/badge_templates/late").json()["data"]
    assert (first["state"], second["state"], second["name"]) == ("draft", "active", "Renamed")
    assert second["created_at"] == first["created_at"]
    client.issued(badge_template_id="late")


def test_a_reset_goes_back_to_the_start(client: CredlyClient) -> None:
    client.issued()
    client.fault(match="/", mode="500", times=None)
    client.control("POST", "keys", {"organization_id": DEMO_ORGANIZATION, "key": "rotated"})
    client.control("POST", "templates", {"templates": [{"uuid": "late", "name": "Latecomer"}]})
    assert client.control("POST", "reset").status_code == 200
    assert client.control("GET", "badges").json() == {"badges": [], "posts": []}
    assert client.control("GET", "faults").json() == {"faults": [], "injected": 0}
    assert client.api("GET", "/badge_templates/late").status_code == 404
    client.issued()


@pytest.mark.parametrize(
    ("path", "body", "status", "problem"),
    [
        ("keys", {"organization_id": "nobody", "key": "k"}, 404, "nobody"),
        ("keys", {"organization_id": DEMO_ORGANIZATION}, 400, "key"),
        ("keys", ["k"], 400, "JSON object"),
        ("templates", {"uuid": "x"}, 400, "templates"),
        ("templates", {"templates": ["x"]}, 400, "uuid"),
        ("templates", {"templates": [{"uuid": "x"}]}, 400, "name"),
        ("templates", {"templates": [{"uuid": "x", "name": "X", "state": "new"}]}, 400, "draft, active"),
        ("templates", {"templates": [{"uuid": "x", "name": "X", "account": "y"}]}, 400, "--organization y"),
        ("badges/unknown/state", {"state": "accepted"}, 404, "badge"),
        ("webhook", {"url": "http://127.0.0.1:1/"}, 400, "event_type"),
        ("webhook", {"url": "http://127.0.0.1:1/", "event_type": "badge.created"}, 404, "issue one first"),
        ("webhook", {"url": "http://127.0.0.1:1/", "event_type": "x", "event_id": "y"}, 404, "event"),
    ],
)
def test_a_wrong_order_is_refused_with_the_reason(
    client: CredlyClient, path: str, body: Any, status: int, problem: str
) -> None:
    answer = client.control("POST", path, body)
    assert answer.status_code == status
    assert problem in answer.json()["error"]


def test_a_badge_takes_no_unknown_state(client: CredlyClient) -> None:
    answer = client.control("POST", f"badges/{client.issued()['id']}/state", {"state": "lost"})
    assert (answer.status_code, "pending, accepted" in answer.json()["error"]) == (400, True)


# --- webhooks ------------------------------------------------------------------------------------------------


@contextmanager
def webhook_receiver(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its URL, and the bodies that arrived."""
    received: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/hook/", received
        finally:
            server.shutdown()
            thread.join()


def test_a_webhook_is_small_and_its_event_is_fetched(client: CredlyClient) -> None:
    badge = client.issued()
    with webhook_receiver() as (url, received):
        sent = client.control("POST", "webhook", {"event_type": "badge.created", "url": url}).json()
    assert (sent["status"], received) == (200, [sent["event"]])
    assert set(sent["event"]) == {"id", "organization_id", "event_type", "occurred_at"}
    fetched = client.api("GET", f"/events/{sent['event']['id']}").json()
    assert fetched == {"data": sent["event"] | {"badge": badge}, "metadata": {}}


def test_a_template_webhook_carries_the_template(client: CredlyClient) -> None:
    template = client.api("GET", f"/badge_templates/{DEMO_TEMPLATE}").json()["data"]
    order = {"event_type": "badge_template.changed", "badge_template_id": DEMO_TEMPLATE}
    with webhook_receiver(status=500) as (url, _):
        sent = client.control("POST", "webhook", order | {"url": url}).json()
    assert sent["status"] == 500
    assert client.api("GET", f"/events/{sent['event']['id']}").json()["data"]["badge_template"] == template


def test_an_event_can_be_sent_again_and_keeps_what_was_true_then(client: CredlyClient) -> None:
    badge = client.issued()
    with webhook_receiver() as (url, received):
        order = {"event_type": "badge.created", "badge_id": badge["id"], "url": url}
        first = client.control("POST", "webhook", order).json()
        client.set_state(badge["id"], "accepted")
        client.control("POST", "webhook", {"event_id": first["event"]["id"], "url": url})
    assert received == [first["event"], first["event"]]
    event = client.api("GET", f"/events/{first['event']['id']}").json()["data"]
    assert event["badge"]["state"] == "pending"


def test_an_event_of_another_organization_is_not_found(client: CredlyClient) -> None:
    order = {"event_type": "badge_template.created", "organization_id": "somebody-else"}
    sent = client.control("POST", "webhook", order | {"url": f"http://127.0.0.1:{free_port()}/"}).json()
    assert sent["status"] is None
    assert sent["event"]["organization_id"] == "somebody-else"
    assert client.api("GET", f"/events/{sent['event']['id']}").status_code == 404


@pytest.mark.parametrize("url", [None, "", "https://example.com/", "http://10.0.0.1/", "ftp://127.0.0.1/", "http://["])
def test_webhooks_stay_on_this_machine(client: CredlyClient, url: str | None) -> None:
    answer = client.control("POST", "webhook", {"event_type": "badge_template.created", "url": url})
    assert answer.status_code == 400
    assert "127.0.0.1" in answer.json()["error"]
