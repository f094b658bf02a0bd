"""What goes over the wire to Credly, and answers that its sandbox does not give."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from badges import clock
from badges.data import AccountAccess
from badges.exceptions import AmbiguousError, DuplicateBadge, PermanentError, TransientError
from badges.providers.credly import CredlyProvider
from tests.providers.credly.test_payloads import BADGE, BADGE_ID
from tests.providers.examples import TEMPLATE, issue_request, query

ORGANIZATION = "6f3c8f6e-8c1b-4c58-9b0a-3a4f1f0f6f11"
BADGES = f"/v1/organizations/{ORGANIZATION}/badges"


@pytest.fixture
def credly(httpserver: HTTPServer) -> CredlyProvider:
    access = AccountAccess("credly", ORGANIZATION, httpserver.url_for("/v1/"), "a-key")
    return CredlyProvider(access, deadline=clock.monotonic() + 60)


def one_page(*badges: dict[str, Any]) -> dict[str, Any]:
    return {"data": list(badges), "metadata": {"current_page": 1, "next_page_url": None}}


def another(number: int, **changed: Any) -> dict[str, Any]:
    return BADGE | {"id": f"00000000-0000-0000-0000-{number:012}"} | changed


def ids(found: list[Any]) -> list[int]:
    return [int(badge.external_id[-12:]) for badge in found]


def test_the_key_is_the_user_name_and_the_password_is_empty(httpserver: HTTPServer, credly: CredlyProvider) -> None:
    httpserver.expect_request(f"{BADGES}/{BADGE_ID}").respond_with_json({"data": BADGE})
    credly.get_badge(BADGE_ID)
    assert httpserver.log[0][0].headers["Authorization"] == "Basic YS1rZXk6"  # base64 of "a-key:"


def test_issuing_posts_once_with_every_field(httpserver: HTTPServer, credly: CredlyProvider) -> None:  # S22
    httpserver.expect_request(BADGES, method="POST").respond_with_json({"data": BADGE}, status=201)
    assert credly.issue(issue_request()).external_id == BADGE_ID
    (request, _), *rest = httpserver.log
    assert not rest
    assert request.get_json() == {
        "badge_template_id": TEMPLATE,
        "recipient_email": "learner1+badges@example.com",
        "issued_to_first_name": "Ada",
        "issued_to_last_name": "One",
        "issuer_earner_id": "1011",
        "issued_at": "2026-05-01 10:00:00 +0000",
    }


def test_revoking_puts_the_reason_and_nothing_else(httpserver: HTTPServer, credly: CredlyProvider) -> None:  # S24
    httpserver.expect_request(f"{BADGES}/{BADGE_ID}/revoke", method="PUT").respond_with_json(
        {"data": BADGE | {"state": "revoked"}}, status=201
    )
    credly.revoke(BADGE_ID, reason="A penalty applied.")
    assert httpserver.log[0][0].get_json() == {"reason": "A penalty applied."}


def test_a_look_up_asks_by_learner_id_then_by_address(httpserver: HTTPServer, credly: CredlyProvider) -> None:  # S31
    httpserver.expect_request(BADGES).respond_with_json(one_page())
    assert credly.find_badges(query()) == []
    assert [dict(request.args) for request, _ in httpserver.log] == [
        {"filter": f"issuer_earner_id::1011|badge_template_id::{TEMPLATE}", "sort": "-issued_at", "page": "1"},
        {
            "filter": f"recipient_email_all::learner1+badges@example.com|badge_template_id::{TEMPLATE}",
            "sort": "-issued_at",
            "page": "1",
        },
    ]


def test_the_filter_goes_with_every_page(httpserver: HTTPServer, credly: CredlyProvider) -> None:  # S31
    def answer(request: Request) -> Response:
        number = int(request.args["page"])
        following = None if number == 2 else f"{request.base_url}?page=2"
        metadata = {"current_page": number, "next_page_url": following}
        return Response(json.dumps({"data": [another(number)], "metadata": metadata}))

    httpserver.expect_request(BADGES).respond_with_handler(answer)
    assert sorted(ids(credly.find_badges(query()))) == [1, 2]
    first, second = (dict(request.args) for request, _ in httpserver.log)
    assert second == first | {"page": "2"}


def test_found_badges_are_the_templates_and_the_learners_newest_first(
    httpserver: HTTPServer, credly: CredlyProvider
) -> None:  # S31
    httpserver.expect_request(BADGES).respond_with_json(
        one_page(
            another(1, created_at="2026-05-01T10:00:00.000Z"),
            another(2, badge_template={"id": "another"}),
            another(3, issuer_earner_id="1012"),
            another(4, created_at="2026-05-03T10:00:00.000Z"),
            another(5, badge_template={"id": TEMPLATE.upper()}, created_at="2026-05-02T10:00:00.000Z"),
        )
    )
    assert ids(credly.find_badges(query())) == [4, 5, 1]


def test_by_address_an_account_with_another_address_counts_but_not_another_learner(
    httpserver: HTTPServer, credly: CredlyProvider
) -> None:  # S31
    httpserver.expect_request(BADGES).respond_with_json(
        one_page(
            another(1, issuer_earner_id=None, recipient_email="second.address@example.com"),
            another(2, issuer_earner_id="1012", recipient_email="learner1+badges@example.com"),
        )
    )
    assert ids(credly.find_badges(query())) == [1]


def test_an_address_that_cannot_be_filtered_for_is_compared_here(
    httpserver: HTTPServer, credly: CredlyProvider
) -> None:  # S31
    httpserver.expect_request(BADGES).respond_with_json(
        one_page(
            another(1, issuer_earner_id=None, recipient_email="A|B@example.com"),
            another(2, issuer_earner_id=None, recipient_email="b@example.com"),
        )
    )
    assert ids(credly.find_badges(query(email="a|b@example.com"))) == [1]
    assert httpserver.log[-1][0].args["filter"] == f"badge_template_id::{TEMPLATE}"


def test_a_template_id_that_cannot_be_filtered_for_is_refused(credly: CredlyProvider) -> None:
    with pytest.raises(PermanentError, match="separator"):
        credly.find_badges(query("a|b"))


@pytest.mark.parametrize(
    "page",
    [
        {"data": [another(1) | {"badge_template": {}}], "metadata": {"next_page_url": None}},
        {"data": [], "metadata": {"current_page": 2, "next_page_url": None}},
        {"data": []},
    ],
)
def test_a_look_up_that_may_have_missed_something_is_an_error(
    httpserver: HTTPServer, credly: CredlyProvider, page: dict[str, Any]
) -> None:  # S31
    httpserver.expect_request(BADGES).respond_with_json(page)
    with pytest.raises(TransientError):
        credly.find_badges(query())


def test_an_issued_badge_without_a_state_may_be_there(httpserver: HTTPServer, credly: CredlyProvider) -> None:  # S31
    httpserver.expect_request(BADGES).respond_with_json({"data": {"id": BADGE_ID}}, status=201)
    with pytest.raises(AmbiguousError, match="the badge has no state"):
        credly.issue(issue_request())


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("User already has this badge", DuplicateBadge),
        ("Sorry, the earner ALREADY HAS THIS BADGE.", DuplicateBadge),
        ("Invalid or missing Badge Template ID: 7", PermanentError),
    ],
)
def test_a_422_is_a_duplicate_only_if_it_says_so(
    httpserver: HTTPServer, credly: CredlyProvider, said: str, expected: type[PermanentError]
) -> None:  # S31
    httpserver.expect_request(BADGES).respond_with_json({"data": {"message": said}, "metadata": None}, status=422)
    with pytest.raises(PermanentError) as caught:
        credly.issue(issue_request())
    assert type(caught.value) is expected


def test_a_refusal_repeats_neither_key_nor_learner(httpserver: HTTPServer, credly: CredlyProvider) -> None:  # S36
    said = "learner-x is Ada One <learner1+badges@example.com> YS1rZXk6 a-key"
    httpserver.expect_request(BADGES).respond_with_json({"data": {"message": said}}, status=422)
    with pytest.raises(PermanentError) as caught:
        credly.issue(issue_request(earner_id="learner-x"))
    assert str(caught.value) == (
        f"Credly refused the request (POST {BADGES[4:]}: 422): "
        "[removed] is [removed] [removed] <[removed]> [removed] [removed]."
    )


def test_a_revocation_refused_for_lack_of_permission_is_no_refused_key(
    httpserver: HTTPServer, credly: CredlyProvider
) -> None:  # S29 S30
    httpserver.expect_request(f"{BADGES}/{BADGE_ID}/revoke").respond_with_json({}, status=403)
    httpserver.expect_request(f"{BADGES}/{BADGE_ID}").respond_with_json({"data": BADGE})
    httpserver.expect_request(f"/v1/organizations/{ORGANIZATION}").respond_with_json(
        {"data": {"id": ORGANIZATION, "name": "Demo University"}}
    )
    with pytest.raises(PermanentError, match="Check its permissions") as caught:
        credly.revoke(BADGE_ID, reason="A penalty applied.")
    assert caught.value.status == 403
