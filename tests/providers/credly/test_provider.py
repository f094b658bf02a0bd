from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from pytest_django import Settings

from badges import clock
from badges.data import AccountAccess, ProviderBadgeState
from badges.exceptions import NotFound, PermanentError
from badges.providers.credly import CredlyProvider
from credentials_settings.sandbox.credly import (
    DEMO_KEY,
    DEMO_ORGANIZATION,
    DEMO_TEMPLATE,
    RunningCredly,
    running_credly,
)
from tests.providers.examples import issue_request
from tests.providers.provider_cases import Backend, Fault, Operation, ProviderCases

MATCHES = {"issue": "POST /badges", "revoke": "PUT /revoke", "look up": "GET /badges$"}
MODES = {"unavailable": "500", "throttled": "429", "lost answer": "drop_after_commit"}


@pytest.fixture(scope="module")
def credly() -> Iterator[RunningCredly]:
    with running_credly() as running:
        yield running


class CredlyBackend(Backend):
    provider_class = CredlyProvider
    account_name = "Demo University"
    template = DEMO_TEMPLATE
    other_template = DEMO_TEMPLATE[:-1] + "2"
    archived_template = DEMO_TEMPLATE[:-1] + "3"

    def __init__(self, credly: RunningCredly) -> None:
        self._credly = credly
        self.access = AccountAccess("credly", DEMO_ORGANIZATION, credly.url, DEMO_KEY)
        self.control("reset")

    def control(self, path: str, **body: object) -> dict:
        answer = requests.post(self._credly.control_url + path, json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def fail(self, operation: Operation, fault: Fault) -> None:
        self.control("faults", match=MATCHES[operation], mode=MODES[fault])

    def set_state(self, external_id: str, state: ProviderBadgeState) -> None:
        self.control(f"badges/{external_id}/state", state=state)

    def delete(self, external_id: str) -> None:
        url = f"{self._credly.url}organizations/{DEMO_ORGANIZATION}/badges/{external_id}"
        requests.delete(url, auth=(DEMO_KEY, ""), timeout=10).raise_for_status()

    def add_template(self, external_id: str, name: str) -> None:
        self.control("templates", templates=[{"uuid": external_id, "name": name}])

    def issue_requests(self) -> int:
        seen = requests.get(self._credly.control_url + "badges", timeout=10).json()
        return sum(learner["posts"] for learner in seen["posts"])


@pytest.fixture
def backend(credly: RunningCredly) -> CredlyBackend:
    return CredlyBackend(credly)


class TestCredlyProvider(ProviderCases):
    @pytest.fixture
    def backend(self, credly: RunningCredly) -> CredlyBackend:
        return CredlyBackend(credly)


@pytest.mark.parametrize(
    ("badges", "url"),
    [
        ({}, "https://api.credly.com/v1/"),
        ({"CREDLY_SANDBOX": True}, "https://sandbox-api.credly.com/v1/"),
        ({"CREDLY_API_BASE_URL": "http://127.0.0.1:8090/v1/", "CREDLY_SANDBOX": True}, "http://127.0.0.1:8090/v1/"),
        ({"CREDLY_API_BASE_URL": "http://127.0.0.1:8090/v1"}, "http://127.0.0.1:8090/v1/"),
    ],
)
def test_the_address_follows_the_settings(settings: Settings, badges: dict[str, object], url: str) -> None:
    settings.BADGES = badges
    assert CredlyProvider.base_url() == url


def test_gone_is_not_believed_of_an_organization_that_is_unknown_itself(backend: CredlyBackend) -> None:  # S31
    unknown = "11111111-2222-3333-4444-555555555555"
    with pytest.raises(PermanentError, match="Correct the account's id") as caught:
        backend.provider(external_id=unknown).revoke(unknown, reason="A penalty applied.")
    assert not isinstance(caught.value, NotFound)


def test_an_id_that_is_none_is_the_accounts_mistake_and_not_sent(backend: CredlyBackend) -> None:
    with pytest.raises(PermanentError, match="Correct the account's id") as caught:
        backend.provider(external_id="../organizations").fetch_account()
    assert not isinstance(caught.value, NotFound)


def test_a_refused_revocation_of_a_live_badge_fails_with_credlys_reason(backend: CredlyBackend) -> None:  # S29
    provider = backend.provider()
    badge = provider.issue(issue_request(backend.template))
    with pytest.raises(PermanentError, match="Reason can't be blank") as caught:
        provider.revoke(badge.external_id, reason=" ")
    assert caught.value.status == 422
    assert provider.get_badge(badge.external_id).is_live


def test_an_event_names_the_badge_it_is_about(backend: CredlyBackend) -> None:
    provider = CredlyProvider(backend.access, deadline=clock.monotonic() + 60)
    badge = provider.issue(issue_request(backend.template))
    sent = backend.control("webhook", event_type="badge.created", url="http://127.0.0.1:9/")["event"]

    event = provider.fetch_event(sent["id"])

    assert (event.id, event.type, event.badge_id) == (sent["id"], "badge.created", badge.external_id)
    assert (event.account_id, event.template_id) == (DEMO_ORGANIZATION, "")


@pytest.mark.parametrize("event_id", ["../../organizations", "%2e%2e", "a/b", "11111111-2222-3333-4444-555555555555"])
def test_an_event_that_credly_does_not_know_is_not_found(backend: CredlyBackend, event_id: str) -> None:
    provider = CredlyProvider(backend.access, deadline=clock.monotonic() + 60)
    with pytest.raises(NotFound):
        provider.fetch_event(event_id)
