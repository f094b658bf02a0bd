"""The sandbox Credly answers as Credly's Web Service API v1 does."""

from __future__ import annotations

import base64
import http.client
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import pytest
import requests

from credentials_settings.sandbox.credly import DEMO_KEY, DEMO_ORGANIZATION, DEMO_TEMPLATE, running_credly
from credentials_settings.sandbox.credly.records import Organization
from tests.sandbox.credly_client import CredlyClient, issue_body

OTHER_ORGANIZATION = "4a1d1a0e-52a8-4f0c-8f5e-0d6a9a1c0b22"
SECOND_TEMPLATE = DEMO_TEMPLATE[:-1] + "2"
ARCHIVED_TEMPLATE = DEMO_TEMPLATE[:-1] + "3"
DRAFT_TEMPLATE = DEMO_TEMPLATE[:-1] + "4"


def message(answer: requests.Response) -> str:
    body = answer.json()
    assert set(body) == {"data", "metadata"} and body["metadata"] is None
    text: str = body["data"]["message"]
    return text


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        basic("wrong-key:"),
        basic(f"{DEMO_KEY}:password"),
        basic(DEMO_KEY),
        "Basic ***",
        f"Bearer {DEMO_KEY}",
    ],
)
def test_a_request_without_the_key_and_an_empty_password_is_refused(
    client: CredlyClient, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = requests.get(f"{client.server.url}organizations/{DEMO_ORGANIZATION}", headers=headers, timeout=10)
    assert answer.status_code == 401
    assert "token" in message(answer)


def test_an_organization_sees_itself_only() -> None:
    organizations = [
        Organization(id=DEMO_ORGANIZATION, key="first-key", name="Demo University"),
        Organization(id=OTHER_ORGANIZATION, key="second-key", name="Other University"),
    ]
    with running_credly(organizations=organizations) as server:
        own = CredlyClient(server, OTHER_ORGANIZATION, "second-key")
        foreign = CredlyClient(server, OTHER_ORGANIZATION, "first-key")
        unknown = CredlyClient(server, "00000000-0000-4000-8000-000000000000", "first-key")
        with own.session, foreign.session, unknown.session:
            assert own.api("GET").json()["data"]["name"] == "Other University"
            listed = own.session.get(f"{server.url}organizations", timeout=10).json()
            assert [row["id"] for row in listed["data"]] == [OTHER_ORGANIZATION]
            assert foreign.api("GET").status_code == 401
            assert unknown.api("GET").status_code == 404
            assert own.api("GET", f"/badge_templates/{DEMO_TEMPLATE}").status_code == 404
            assert own.issue().status_code == 422


def test_unknown_paths_and_methods_answer_in_the_envelope(client: CredlyClient) -> None:
    assert message(client.api("GET", "/nothing")) == "Not Found"
    assert message(client.api("PATCH", "/badges")) == "Method Not Allowed"


def test_a_connection_is_kept_alive(client: CredlyClient) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.server.port, timeout=10)
    for _ in range(2):
        connection.request("GET", "/v1/organizations", headers={"Authorization": basic(f"{DEMO_KEY}:")})
        first_socket = connection.sock
        answer = connection.getresponse()
        assert (answer.version, answer.status) == (11, 200)
        answer.read()
        assert connection.sock is first_socket is not None
    connection.close()


# --- lists ---------------------------------------------------------------------------------------------------


def add_templates(client: CredlyClient, count: int) -> None:
    rows = [{"uuid": f"template-{number:03d}", "name": f"Template {number:03d}"} for number in range(count)]
    assert client.control("POST", "templates", {"templates": rows}).status_code == 201


def test_lists_have_fifty_rows_a_page(client: CredlyClient) -> None:
    add_templates(client, 101)
    query = {"filter": "query::Template", "sort": "-name"}
    pages = [client.api("GET", "/badge_templates", params={**query, "page": page}).json() for page in (1, 2, 3, 4)]
    names = [[row["name"] for row in page["data"]] for page in pages]
    assert [len(page) for page in names] == [50, 50, 1, 0]
    assert list(chain.from_iterable(names)) == [f"Template {number:03d}" for number in reversed(range(101))]
    list_url = f"{client.server.url}organizations/{DEMO_ORGANIZATION}/badge_templates"
    assert pages[1]["metadata"] == {
        "count": 50,
        "current_page": 2,
        "total_count": 101,
        "total_pages": 3,
        "per": 50,
        # Credly leaves filter and sort out: a client that follows these sees everything.
        "previous_page_url": f"{list_url}?page=1",
        "next_page_url": f"{list_url}?page=3",
    }
    assert pages[0]["metadata"]["previous_page_url"] is None
    assert pages[2]["metadata"]["next_page_url"] is None


@pytest.mark.parametrize("page", ["0", "-1", "x", ""])
def test_a_page_that_is_no_number_is_the_first(client: CredlyClient, page: str) -> None:
    assert client.api("GET", "/badge_templates", params={"page": page}).json()["metadata"]["current_page"] == 1


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("state::active", ["First steps", "Two courses"]),
        ("state::draft,archived", ["Badge in the making", "Hidden", "Retired badge"]),
        ("state::active|query::passed BOTH", ["Two courses"]),
        ("name::first steps", ["First steps"]),
        ("public::false", ["Hidden"]),
        ("reporting_tags::spring,summer", ["Hidden"]),
        ("skills::welding", ["Hidden"]),
        ("owner_id::nobody", []),
        ("created_at_min::2100-01-01T00:00:00.000Z", []),
        ("updated_at_max::2000-01-01T00:00:00.000Z", []),
        ("created_at_max::2100-01-01|updated_at_min::2000-01-01|state::draft", ["Badge in the making"]),
    ],
)
def test_templates_are_filtered(client: CredlyClient, condition: str, names: list[str]) -> None:
    hidden = {"uuid": "h", "name": "Hidden", "state": "archived", "public": False}
    hidden |= {"reporting_tags": ["spring"], "skills": ["Welding"]}
    client.control("POST", "templates", {"templates": [hidden]})
    found = client.api("GET", "/badge_templates", params={"filter": condition}).json()["data"]
    assert [row["name"] for row in found] == names


@pytest.mark.parametrize(
    ("condition", "learners"),
    [
        ("state::pending", ["learner2@example.com"]),
        ("state::pending,accepted", ["learner2@example.com", "learner1+a@example.com"]),
        ("recipient_email::Learner1+a@example.com", ["learner1+a@example.com"]),
        ("recipient_email_all::learner2@example.com", ["learner2@example.com"]),
        (f"issuer_earner_id::11|badge_template_id::{SECOND_TEMPLATE}", ["learner3@example.com"]),
        ("public::true", ["learner1+a@example.com"]),
        ("query::first steps", ["learner3@example.com"]),
        ("badge_templates[reporting_tags]::none", []),
    ],
)
def test_badges_are_filtered(client: CredlyClient, condition: str, learners: list[str]) -> None:
    first = client.issued(recipient_email="learner1+a@example.com", issuer_earner_id="11")
    client.issued(recipient_email="learner2@example.com", issuer_earner_id="12")
    third = client.issued(
        recipient_email="learner3@example.com", issuer_earner_id="11", badge_template_id=SECOND_TEMPLATE
    )
    client.set_state(first["id"], "accepted")
    client.set_state(third["id"], "rejected")
    found = client.api("GET", "/badges", params={"filter": condition}).json()["data"]
    assert [row["recipient_email"] for row in found] == learners


def test_badges_come_newest_first_unless_sorted(client: CredlyClient) -> None:
    for number, day in ((1, 3), (2, 1), (3, 2)):
        client.issued(
            recipient_email=f"learner{number}@example.com",
            issuer_earner_id=str(number),
            issued_at=f"2026-05-0{day}T10:00:00Z",
        )

    def earners(**query: str) -> list[str]:
        return [row["issuer_earner_id"] for row in client.api("GET", "/badges", params=query).json()["data"]]

    assert earners() == ["3", "2", "1"]
    assert earners(sort="issued_at") == ["2", "3", "1"]
    assert earners(sort="-issued_at") == ["1", "3", "2"]
    assert earners(sort="state|-recipient_email") == ["3", "2", "1"]


@pytest.mark.parametrize("query", [{"filter": "stat::active"}, {"filter": "active"}, {"sort": "size"}])
def test_a_misspelt_filter_or_sort_is_refused(client: CredlyClient, query: dict[str, str]) -> None:
    assert "known are" in message(client.api("GET", "/badge_templates", params=query))


# --- issuing -------------------------------------------------------------------------------------------------


def test_an_issued_badge_is_pending_and_can_be_read_again(client: CredlyClient) -> None:
    evidence = [{"type": "UrlEvidence", "name": "Course", "value": "https://example.com/a"}]
    badge = client.issued(
        issued_at="2014-04-01 09:41:00 -0500", issued_to_middle_name="Middle", locale="fr", evidence=evidence
    )
    assert badge["state"] == "pending"
    assert badge["user"] == {}
    assert badge["issued_to"] == "Learner Middle One"
    assert badge["issued_at"] == "2014-04-01T14:41:00.000Z"
    assert (badge["locale"], badge["evidence"], badge["expires_at"]) == ("fr", evidence, None)
    assert badge["badge_template"]["id"] == DEMO_TEMPLATE
    assert badge["badge_template"]["owner"]["id"] == DEMO_ORGANIZATION
    assert badge["accept_badge_url"].endswith(f"/badges/{badge['id']}/accept")
    assert client.api("GET", f"/badges/{badge['id']}").json() == {"data": badge, "metadata": {}}
    template = client.api("GET", f"/badge_templates/{DEMO_TEMPLATE}").json()["data"]
    assert template["badges_count"] == 1
    assert requests.get(template["image_url"], timeout=10).headers["Content-Type"].startswith("image/svg+xml")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"recipient_email": None}, "Recipient email can't be blank"),
        ({"recipient_email": "learner1"}, "Recipient email is invalid"),
        ({"issued_to_first_name": " "}, "Issued to first name can't be blank"),
        ({"issued_to_last_name": 1}, "Issued to last name can't be blank"),
        ({"badge_template_id": None}, "Invalid or missing Badge Template ID: "),
        ({"badge_template_id": "unknown"}, "Invalid or missing Badge Template ID: unknown"),
        ({"badge_template_id": ARCHIVED_TEMPLATE}, "Badge template is archived and cannot be issued"),
        ({"badge_template_id": DRAFT_TEMPLATE}, "Badge template is draft and cannot be issued"),
        ({"issued_at": None}, "Issued at can't be blank"),
        ({"issued_at": "yesterday"}, "Issued at is invalid"),
        ({"issued_at": "2026-05-01T10:00:00"}, "Issued at is invalid"),
        ({"expires_at": "never"}, "Expires at is invalid"),
        ({"locale": "tlh"}, "Locale is not included in the list"),
        ({"issuer_earner_id": ["11"]}, "Issuer earner id is invalid"),
        (
            {"suppress_badge_notification_email": "yes"},
            "Suppress badge notification email must be true or false",
        ),
        ({"evidence": "none"}, "Evidence is invalid"),
        ({"evidence": [{"type": "UrlEvidence", "name": "Course"}]}, "Evidence is invalid"),
    ],
)
def test_an_incomplete_or_wrong_request_to_issue_is_refused_with_the_reason(
    client: CredlyClient, fields: dict[str, Any], reason: str
) -> None:
    answer = client.issue(**fields)
    assert answer.status_code == 422
    assert message(answer) == reason
    assert client.api("GET", "/badges").json()["data"] == []


def test_a_body_that_is_no_json_object_is_refused(client: CredlyClient) -> None:
    assert client.api("POST", "/badges", data="<badge/>").status_code == 400
    assert client.api("POST", "/badges", json=[issue_body()]).status_code == 422


@pytest.mark.parametrize(
    "fields",
    [
        {"issuer_earner_id": "12"},
        {"issuer_earner_id": None, "recipient_email": "LEARNER1@example.com"},
        {"recipient_email": "learner2@example.com"},
    ],
)
def test_the_same_email_or_the_same_earner_id_is_a_duplicate(client: CredlyClient, fields: dict[str, Any]) -> None:
    client.issued()
    answer = client.issue(**fields)
    assert answer.status_code == 422
    assert "already has this badge" in message(answer)
    client.issued(**{**fields, "badge_template_id": SECOND_TEMPLATE})


@pytest.mark.parametrize("state", ["revoked", "rejected"])
def test_a_revoked_or_rejected_badge_is_no_duplicate(client: CredlyClient, state: str) -> None:
    client.set_state(client.issued()["id"], state)
    client.issued()
    assert client.issue().status_code == 422


def test_a_template_can_allow_duplicates(client: CredlyClient) -> None:
    many = {"uuid": "many", "name": "As often as you like", "allow_duplicate_badges": True}
    client.control("POST", "templates", {"templates": [many]})
    assert client.issued(badge_template_id="many")["id"] != client.issued(badge_template_id="many")["id"]


def test_of_requests_at_the_same_time_one_is_issued(client: CredlyClient) -> None:
    def post(_number: int) -> int:
        url = f"{client.server.url}organizations/{DEMO_ORGANIZATION}/badges"
        return requests.post(url, json=issue_body(), auth=(DEMO_KEY, ""), timeout=10).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(post, range(16))) == [201] + [422] * 15


# --- after issuing -------------------------------------------------------------------------------------------


def test_the_links_follow_the_state(client: CredlyClient) -> None:
    badge_id = client.issued()["id"]

    def links() -> set[str]:
        return {"badge_url", "accept_badge_url"} & set(client.api("GET", f"/badges/{badge_id}").json()["data"])

    assert links() == {"accept_badge_url"}
    client.set_state(badge_id, "accepted")
    assert links() == {"badge_url"}
    assert client.api("GET", f"/badges/{badge_id}").json()["data"]["user"]["email"] == "learner1@example.com"
    client.set_state(badge_id, "rejected")
    assert links() == set()


def test_a_badge_is_revoked_with_a_reason(client: CredlyClient) -> None:
    badge = client.issued()
    path = f"/badges/{badge['id']}/revoke"
    for body in ({}, {"reason": " "}, ["reason"]):
        refused = client.api("PUT", path, json=body)
        assert (refused.status_code, message(refused)) == (422, "Reason can't be blank")
    revoked = client.api("PUT", path, json={"reason": "Grade changed", "suppress_revoke_notification_email": True})
    assert revoked.status_code == 200
    data = revoked.json()["data"]
    assert (data["state"], data["revocation_reason"]) == ("revoked", "Grade changed")
    assert "accept_badge_url" not in data
    again = client.api("PUT", path, json={"reason": "Grade changed"})
    assert (again.status_code, message(again)) == (422, "Badge has already been revoked")


def test_a_deleted_or_unknown_badge_is_not_found(client: CredlyClient) -> None:
    path = f"/badges/{client.issued()['id']}"
    assert client.api("DELETE", path).status_code == 204
    assert client.api("GET", path).status_code == 404
    assert client.api("PUT", f"{path}/revoke", json={"reason": "Gone"}).status_code == 404
    assert client.api("DELETE", path).status_code == 404
    client.issued()
