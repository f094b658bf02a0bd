"""Each fault of the sandbox Credly does what it says, as often as it was ordered, and nothing else."""

from __future__ import annotations

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from credentials_settings.sandbox.credly import DEMO_KEY, DEMO_ORGANIZATION, running_credly
from tests.sandbox.credly_client import CredlyClient, issue_body

BADGES = f"/v1/organizations/{DEMO_ORGANIZATION}/badges"


def badges_in(client: CredlyClient) -> int:
    return len(client.control("GET", "badges").json()["badges"])


@pytest.mark.parametrize(("mode", "status"), [("500", 500), (503, 503), ("401", 401), ("422", 422), ("599", 599)])
def test_a_status_is_answered_as_often_as_ordered_and_nothing_is_done(
    client: CredlyClient, mode: str | int, status: int
) -> None:
    client.fault(match="POST /badges", mode=mode, times=2)
    assert [client.issue().status_code for _ in range(2)] == [status, status]
    assert badges_in(client) == 0
    assert client.issue().status_code == 201
    assert client.injected() == 2


def test_too_many_requests_tells_when_to_come_back(client: CredlyClient) -> None:
    client.fault(match="POST /badges", mode="429")
    client.fault(match="POST /badges", mode="429", retry_after=7)
    client.fault(match="POST /badges", mode="503")
    answers = [client.issue() for _ in range(3)]
    assert [answer.headers.get("Retry-After") for answer in answers] == ["1", "7", None]
    assert answers[0].json() == {"data": {"message": "Too Many Requests"}, "metadata": None}


def test_garbage_is_html_with_status_200(client: CredlyClient) -> None:
    client.fault(match="POST /badges", mode="garbage")
    answer = client.issue()
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert badges_in(client) == 0


def raw_post(client: CredlyClient) -> http.client.HTTPResponse:
    """Without a library that would translate the end of the connection."""
    connection = http.client.HTTPConnection("127.0.0.1", client.server.port, timeout=10)
    try:
        authorization = requests.auth._basic_auth_str(DEMO_KEY, "")
        body = json.dumps(issue_body())
        connection.request("POST", BADGES, body, {"Authorization": authorization, "Content-Type": "application/json"})
        return connection.getresponse()
    finally:
        connection.close()


def test_a_reset_is_a_tcp_reset_before_anything_is_done(client: CredlyClient) -> None:
    client.fault(match="POST /badges", mode="reset")
    with pytest.raises(ConnectionResetError) as caught:
        raw_post(client)
    # RemoteDisconnected, an orderly end, is a ConnectionResetError too.
    assert not isinstance(caught.value, http.client.RemoteDisconnected)
    assert badges_in(client) == 0


def test_dropped_after_commit_the_badge_exists_and_the_answer_never_comes(client: CredlyClient) -> None:
    client.fault(match="POST /badges", mode="drop_after_commit")
    with pytest.raises(http.client.RemoteDisconnected):
        raw_post(client)
    assert badges_in(client) == 1
    assert client.issue().status_code == 422


def test_a_revoke_can_be_dropped_after_commit_too(client: CredlyClient) -> None:
    badge = client.issued()
    client.fault(match="PUT /revoke$", mode="drop_after_commit")
    with pytest.raises(requests.ConnectionError):
        client.api("PUT", f"/badges/{badge['id']}/revoke", json={"reason": "Grade changed"})
    assert client.api("GET", f"/badges/{badge['id']}").json()["data"]["state"] == "revoked"


def test_a_timeout_holds_the_connection_without_acting(client: CredlyClient) -> None:
    client.fault(match="POST /badges", mode="timeout")
    with pytest.raises(requests.ReadTimeout):
        client.api("POST", "/badges", json=issue_body(), timeout=0.2)
    assert badges_in(client) == 0


def test_a_held_connection_is_closed_after_the_hang_time() -> None:
    with running_credly(hang_seconds=0.1) as server:
        client = CredlyClient(server)
        with client.session:
            client.fault(match="POST /badges", mode="timeout")
            with pytest.raises(requests.ConnectionError):
                client.issue()
            assert badges_in(client) == 0


def test_a_server_that_holds_a_connection_stops_all_the_same() -> None:
    with running_credly(hang_seconds=3600) as server:
        client = CredlyClient(server)
        with client.session:
            client.fault(match="GET /badges", mode="timeout")
            with pytest.raises(requests.ReadTimeout):
                client.api("GET", "/badges", timeout=0.2)
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=10)


def test_a_late_request_is_carried_out_although_the_client_has_gone(client: CredlyClient) -> None:
    client.fault(match="POST /badges", mode="latency", latency_ms=400)
    with pytest.raises(requests.ReadTimeout):
        client.api("POST", "/badges", json=issue_body(), timeout=0.1)
    deadline = time.monotonic() + 10
    while badges_in(client) == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert badges_in(client) == 1


def test_what_is_held_is_carried_out_once_the_orders_are_cleared(client: CredlyClient) -> None:
    client.fault(match="POST /badges", mode="hold", times=None)
    with ThreadPoolExecutor(2) as pool:
        held = [pool.submit(client.issue, recipient_email=f"learner{n}@example.com", issuer_earner_id=n) for n in "12"]
        while client.control("GET", "traffic").json()["active"] < len(held):
            assert badges_in(client) == 0
        client.control("DELETE", "faults")
        assert [one.result().status_code for one in held] == [201, 201]
    client.issued(recipient_email="learner3@example.com", issuer_earner_id="3")


def test_what_is_on_its_way_to_being_held_is_let_go_too(client: CredlyClient) -> None:
    client.fault(match="POST /badges", mode="hold", latency_ms=300)
    with ThreadPoolExecutor(1) as pool:
        one = pool.submit(client.issue)
        while client.injected() == 0:
            pass
        client.control("DELETE", "faults")
        assert one.result().status_code == 201


def test_latency_of_the_whole_server_delays_every_request() -> None:
    with running_credly(latency_ms=500) as server:
        client = CredlyClient(server)
        with client.session:
            with pytest.raises(requests.ReadTimeout):
                client.api("GET", "/badges", timeout=0.1)
            assert client.api("GET", "/badges").status_code == 200


@pytest.mark.parametrize("mode", ["500", "garbage"])
def test_any_fault_can_follow_the_commit(client: CredlyClient, mode: str) -> None:
    client.fault(match="POST /badges", mode=mode, after_commit=True)
    assert client.issue().status_code in (500, 200)
    assert badges_in(client) == 1


def test_only_the_matching_requests_go_wrong(client: CredlyClient) -> None:
    client.fault(match="GET /badges$", mode="500", times=None)
    client.fault(match="/badge_templates", mode="503", times=None)
    badge = client.issued()
    assert client.api("GET", "/badges", params={"page": 1}).status_code == 500
    assert client.api("GET", f"/badges/{badge['id']}").status_code == 200
    assert client.api("GET", "/badge_templates").status_code == 503
    assert client.api("GET").status_code == 200
    assert client.control("GET", "badges").status_code == 200


def test_orders_take_effect_one_after_the_other_until_cleared(client: CredlyClient) -> None:
    client.fault(match="GET /badges", mode="500", times=1)
    client.fault(match="GET /badges", mode="503", times=None)
    assert [client.api("GET", "/badges").status_code for _ in range(3)] == [500, 503, 503]
    listed = client.control("GET", "faults").json()
    assert [(fault["mode"], fault["injected"], fault["remaining"]) for fault in listed["faults"]] == [
        ("500", 1, 0),
        ("503", 2, None),
    ]
    assert listed["injected"] == 3
    client.control("DELETE", "faults")
    assert client.api("GET", "/badges").status_code == 200


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ([], "JSON object"),
        ({"mode": "500"}, "match"),
        ({"match": "POST /badges"}, "mode"),
        ({"match": "POST /badges", "mode": "200"}, "400 to 599"),
        ({"match": "POST /badges", "mode": "explode"}, "drop_after_commit"),
        ({"match": "POST /badges", "mode": "500", "times": 0}, "times"),
        ({"match": "POST /badges", "mode": "500", "times": "often"}, "times"),
        ({"match": "POST /badges", "mode": "429", "retry_after": "soon"}, "retry_after"),
        ({"match": "POST /badges", "mode": "latency", "latency_ms": -1}, "latency_ms"),
        ({"match": "POST /badges", "mode": "500", "count": 3}, "count"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(client: CredlyClient, order: Any, problem: str) -> None:
    answer = client.control("POST", "faults", order)
    assert answer.status_code == 400
    assert problem in answer.json()["error"]
    assert client.control("GET", "faults").json()["faults"] == []
