from __future__ import annotations

import datetime
from typing import Any

import pytest

from badges.data import ProviderAccountInfo, ProviderBadge, ProviderTemplate
from badges.providers.credly import payloads
from badges.providers.reading import Unreadable
from tests.providers.examples import TEMPLATE, issue_request

BADGE_ID = "b5d3f5b2-7a60-4f39-a7d4-5f4f4a1f0001"
BADGE: dict[str, Any] = {
    "id": BADGE_ID,
    "state": "pending",
    "badge_template": {"id": TEMPLATE},
    "issuer_earner_id": "1011",
    "recipient_email": "learner1@example.com",
    "created_at": "2026-05-01T10:00:00.000Z",
}
PLAIN_TEMPLATE: dict[str, Any] = {"id": TEMPLATE, "name": "Two courses", "state": "active"}


# --- to Credly -----------------------------------------------------------------------------------------------


def test_a_badge_is_issued_with_exactly_the_documented_fields() -> None:  # S22
    assert payloads.issue_body(issue_request(email="learner1@example.com")) == {
        "badge_template_id": TEMPLATE,
        "recipient_email": "learner1@example.com",
        "issued_to_first_name": "Ada",
        "issued_to_last_name": "One",
        "issuer_earner_id": "1011",
        "issued_at": "2026-05-01 10:00:00 +0000",
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1011", f"issuer_earner_id::1011|badge_template_id::{TEMPLATE}"),
        ("a b+c", f"issuer_earner_id::a b+c|badge_template_id::{TEMPLATE}"),
        ("a|state::revoked", f"badge_template_id::{TEMPLATE}"),
        ("a,b", f"badge_template_id::{TEMPLATE}"),
        ("a:", f"badge_template_id::{TEMPLATE}"),
    ],
)
def test_a_value_with_a_separator_never_gets_into_a_filter(value: str, expected: str) -> None:
    assert payloads.badge_filter(TEMPLATE, "issuer_earner_id", value) == expected


def test_a_template_id_with_a_separator_is_refused() -> None:
    with pytest.raises(ValueError, match="separator"):
        payloads.badge_filter("a|state::revoked", "issuer_earner_id", "1011")


# --- badges --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("pending", "pending"),
        ("accepted", "accepted"),
        ("rejected", "rejected"),
        ("revoked", "revoked"),
        ("Revoked", "revoked"),
        ("replaced", "pending"),
        ("expired", "pending"),
    ],
)
def test_an_unknown_state_counts_as_a_badge_that_is_there(state: str, expected: str) -> None:  # S31
    badge = payloads.badge(BADGE | {"state": state})
    assert (badge.external_id, badge.state) == (BADGE_ID, expected)


def test_the_id_of_a_badge_is_always_written_in_the_same_way() -> None:
    assert payloads.badge(BADGE | {"id": BADGE_ID.upper()}).external_id == BADGE_ID


def test_a_record_tells_whose_badge_it_is() -> None:
    record = payloads.badge_record(BADGE | {"a_new_key": 1})
    assert record == payloads.BadgeRecord(
        ProviderBadge(BADGE_ID, "pending"),
        TEMPLATE,
        "1011",
        "learner1@example.com",
        datetime.datetime(2026, 5, 1, 10, tzinfo=datetime.UTC),
    )
    assert "learner1" not in repr(record)


@pytest.mark.parametrize(
    ("created_at", "expected"),
    [
        ("2026-05-01T12:00:00+02:00", datetime.datetime(2026, 5, 1, 10, tzinfo=datetime.UTC)),
        ("2026-05-01T10:00:00", datetime.datetime(2026, 5, 1, 10, tzinfo=datetime.UTC)),
        ("yesterday", datetime.datetime.min.replace(tzinfo=datetime.UTC)),
        (None, datetime.datetime.min.replace(tzinfo=datetime.UTC)),
    ],
)
def test_a_moment_that_cannot_be_read_is_the_oldest(created_at: object, expected: datetime.datetime) -> None:
    assert payloads.badge_record(BADGE | {"created_at": created_at}).created_at == expected


def test_a_badge_without_learner_id_and_address_is_nobodys() -> None:
    record = payloads.badge_record(BADGE | {"issuer_earner_id": None, "recipient_email": None})
    assert (record.earner_id, record.email) == ("", "")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"id": None}, "the badge has no id"),
        ({"id": "7"}, "not a UUID"),
        ({"id": 7}, "the badge has no id"),
        ({"state": None}, "the badge has no state"),
        ({"badge_template": None}, "the badge's template is not an object"),
        ({"badge_template": {}}, "the badge's template has no id"),
    ],
)
def test_a_badge_that_lacks_what_is_needed_is_unreadable(changed: dict[str, Any], told: str) -> None:  # S31
    with pytest.raises(Unreadable, match=told):
        payloads.badge_record(BADGE | changed)


# --- templates, organizations, events ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ProviderTemplate(TEMPLATE, "Two courses", "", "", "active")),
        ({"description": "Both"}, ProviderTemplate(TEMPLATE, "Two courses", "Both", "", "active")),
        ({"image_url": "https://x/1"}, ProviderTemplate(TEMPLATE, "Two courses", "", "https://x/1", "active")),
        ({"image": {"url": "https://x/2"}}, ProviderTemplate(TEMPLATE, "Two courses", "", "https://x/2", "active")),
        ({"description": None, "image": None}, ProviderTemplate(TEMPLATE, "Two courses", "", "", "active")),
        ({"state": "draft"}, ProviderTemplate(TEMPLATE, "Two courses", "", "", "draft")),
        ({"state": "archived"}, ProviderTemplate(TEMPLATE, "Two courses", "", "", "archived")),
        ({"state": "sunset"}, ProviderTemplate(TEMPLATE, "Two courses", "", "", "archived")),
    ],
)
def test_a_template_is_read(changed: dict[str, Any], expected: ProviderTemplate) -> None:  # S10
    assert payloads.template(PLAIN_TEMPLATE | changed) == expected


@pytest.mark.parametrize("key", ["id", "name", "state"])
def test_a_template_that_lacks_what_is_needed_is_unreadable(key: str) -> None:
    with pytest.raises(Unreadable, match=f"the badge template has no {key}"):
        payloads.template({**PLAIN_TEMPLATE, key: ""})


def test_an_organization_is_read() -> None:
    assert payloads.account({"id": "o", "name": "Demo University"}) == ProviderAccountInfo("o", "Demo University")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ("", "", "")),
        ({"organization_id": "o", "badge": {"id": "b"}}, ("o", "b", "")),
        ({"badge_template": {"id": "t"}}, ("", "", "t")),
        ({"badge": None, "badge_template": []}, ("", "", "")),
    ],
)
def test_an_event_names_what_it_is_about(changed: dict[str, Any], expected: tuple[str, str, str]) -> None:
    event = payloads.event({"id": "e", "event_type": "badge.created"} | changed)
    assert (event.id, event.type) == ("e", "badge.created")
    assert (event.account_id, event.badge_id, event.template_id) == expected


# --- envelopes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [[], None, {}, {"data": []}, {"data": None}])
def test_an_answer_without_its_envelope_is_unreadable(body: object) -> None:  # S31
    with pytest.raises(Unreadable):
        payloads.data(body)


@pytest.mark.parametrize(
    ("data", "metadata", "is_last"),
    [
        ([{}], {"next_page_url": None}, True),
        ([{}], {"next_page_url": "https://api.credly.com/?page=3"}, False),
        ([{}], {"next_page_url": "https://api.credly.com/?page=3", "current_page": 2}, False),
        ([], {"next_page_url": "https://api.credly.com/?page=3"}, True),
        ([{}], {"total_pages": 3}, False),
        ([{}], {"total_pages": 2}, True),
        ([], {"total_pages": 3}, True),
    ],
)
def test_a_page_tells_whether_it_is_the_last(data: list[Any], metadata: dict[str, Any], is_last: bool) -> None:
    assert payloads.page({"data": data, "metadata": metadata}, 2) == (data, is_last)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"data": {}, "metadata": {"next_page_url": None}},
        {"data": [1], "metadata": {"next_page_url": None}},
        {"data": [], "metadata": None},
        {"data": [], "metadata": {}},
        {"data": [], "metadata": {"total_pages": "3"}},
        {"data": [], "metadata": {"next_page_url": None, "current_page": 1}},
    ],
)
def test_a_page_that_may_not_be_all_is_unreadable(body: object) -> None:  # S31
    with pytest.raises(Unreadable):
        payloads.page(body, 2)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"data": {"message": "User already has this badge"}, "metadata": None}, "User already has this badge"),
        ({"errors": [{"field": "issued_at", "message": "is invalid"}, {"message": "No"}]}, "issued_at is invalid; No"),
        ({"data": {"message": 7}, "errors": ["No", {}]}, ""),
        ({"data": [], "errors": "No"}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_what_credly_says_is_found_in_either_form(body: object, expected: str) -> None:  # S29
    assert payloads.message(body) == expected
