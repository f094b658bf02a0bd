from __future__ import annotations

import pytest

from badges.data import AccountAccess, ProviderBadgeState, ProviderTemplate
from badges.exceptions import AmbiguousError, TransientError
from badges.providers.memory import MemoryAccount, MemoryProvider
from tests.providers.examples import issue_request, query
from tests.providers.provider_cases import Backend, Fault, Operation, ProviderCases

ACCESS = AccountAccess("memory", "account-1", MemoryProvider.base_url(), "a-good-key")
OPERATIONS = {"issue": "issue", "revoke": "revoke", "look up": "badges_by_earner_id"}


class MemoryBackend(Backend):
    provider_class = MemoryProvider
    access = ACCESS
    account_name = "In memory"
    template, other_template, archived_template = "active-1", "active-2", "archived-1"

    def __init__(self) -> None:
        self.account = MemoryProvider.account(self.access.external_id)
        self.account.api_key = self.access.api_key
        self.add_template(self.template, "Two courses")
        self.add_template(self.other_template, "First steps")
        self.account.add_template(ProviderTemplate(self.archived_template, "Retired badge", state="archived"))

    def fail(self, operation: Operation, fault: Fault) -> None:
        if fault == "throttled":
            self.account.fail(OPERATIONS[operation], TransientError("Wait.", status=429, retry_after=1))
            return
        error = TransientError("Down.") if operation == "look up" else AmbiguousError("Down.")
        self.account.fail(OPERATIONS[operation], error, after=fault == "lost answer")

    def set_state(self, external_id: str, state: ProviderBadgeState) -> None:
        self.account.badges[external_id].state = state

    def delete(self, external_id: str) -> None:
        del self.account.badges[external_id]

    def add_template(self, external_id: str, name: str) -> None:
        self.account.add_template(ProviderTemplate(external_id, name))

    def issue_requests(self) -> int:
        return self.account.count("issue")


class TestMemoryProvider(ProviderCases):
    @pytest.fixture
    def backend(self, memory: type[MemoryProvider]) -> MemoryBackend:
        return MemoryBackend()


@pytest.fixture
def account(memory: type[MemoryProvider]) -> MemoryAccount:
    return memory.account("account-1")


def provider(account: MemoryAccount) -> MemoryProvider:
    access = AccountAccess("memory", account.external_id, MemoryProvider.base_url(), "any")
    return MemoryProvider(access, deadline=float("inf"))


def test_an_account_without_templates_and_key_takes_everything(account: MemoryAccount) -> None:
    assert provider(account).issue(issue_request("anything")).is_live


def test_accounts_know_nothing_of_each_other(account: MemoryAccount, memory: type[MemoryProvider]) -> None:
    provider(account).issue(issue_request())
    assert provider(memory.account("account-2")).find_badges(query()) == []


def test_reset_forgets_badges_calls_and_faults(account: MemoryAccount, memory: type[MemoryProvider]) -> None:
    account.fail("issue", TransientError())
    provider(account).fetch_account()
    memory.reset()
    fresh = memory.account("account-1")
    assert fresh.calls == []
    assert provider(fresh).issue(issue_request()).is_live


def test_a_fault_takes_effect_as_often_as_asked_for(account: MemoryAccount) -> None:
    account.fail("issue", TransientError(), times=2)
    for _ in range(2):
        with pytest.raises(TransientError):
            provider(account).issue(issue_request())
    provider(account).issue(issue_request())
    assert account.count("issue") == 3


def test_what_a_badge_was_issued_with_and_revoked_for_can_be_looked_at(account: MemoryAccount) -> None:
    request = issue_request()
    badge = provider(account).issue(request)
    provider(account).revoke(badge.external_id, reason="A penalty applied.")
    kept = account.badges[badge.external_id]
    assert (kept.request, kept.state, kept.reason) == (request, "revoked", "A penalty applied.")
    assert [(call.operation, call.argument) for call in account.calls] == [
        ("issue", request),
        ("revoke", badge.external_id),
    ]


def test_a_fault_for_an_operation_that_does_not_exist_is_refused(account: MemoryAccount) -> None:
    with pytest.raises(ValueError, match="isue"):
        account.fail("isue", TransientError())
