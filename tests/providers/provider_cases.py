"""
What every badge provider has to do, as tests.

A provider's own test class inherits ``ProviderCases`` and gives the fixture ``backend``: the other side, which can be
looked at and made to fail; see ``docs/how-tos/add_a_provider.rst``.
"""

from __future__ import annotations

import abc
import dataclasses
from typing import Literal

import pytest

from badges import clock
from badges.data import AccountAccess, ProviderBadgeState
from badges.exceptions import (
    AmbiguousError,
    CredentialsRefused,
    DuplicateBadge,
    NotFound,
    PermanentError,
    TransientError,
)
from badges.providers.base import Provider
from tests.providers.examples import issue_request, query

Operation = Literal["issue", "revoke", "look up"]
Fault = Literal["unavailable", "throttled", "lost answer"]


class Backend(abc.ABC):
    """The provider's side of a test: one account that holds at least one active and one archived template."""

    provider_class: type[Provider]
    access: AccountAccess
    account_name: str
    template: str
    other_template: str
    archived_template: str

    def provider(self, *, seconds: float = 60, **access: str) -> Provider:
        changed = dataclasses.replace(self.access, **access)
        return self.provider_class(changed, deadline=clock.monotonic() + seconds)

    @abc.abstractmethod
    def fail(self, operation: Operation, fault: Fault) -> None:
        """Let the next such request go wrong; with "lost answer" it is carried out, and nobody is told."""

    @abc.abstractmethod
    def set_state(self, external_id: str, state: ProviderBadgeState) -> None:
        """What the learner or the provider's staff does to a badge."""

    @abc.abstractmethod
    def delete(self, external_id: str) -> None:
        """The badge is gone."""

    @abc.abstractmethod
    def add_template(self, external_id: str, name: str) -> None:
        """Another active template."""

    @abc.abstractmethod
    def issue_requests(self) -> int:
        """How many requests to issue have arrived, whatever became of them."""


class ProviderCases:
    """Inherit, and give the fixture ``backend``."""

    @pytest.fixture
    def backend(self) -> Backend:
        raise NotImplementedError

    @pytest.fixture
    def provider(self, backend: Backend) -> Provider:
        return backend.provider()

    # --- issuing ---

    def test_an_issued_badge_is_live_and_can_be_read(self, backend: Backend, provider: Provider) -> None:  # S22
        badge = provider.issue(issue_request(backend.template))
        assert badge.is_live
        assert provider.get_badge(badge.external_id) == badge

    @pytest.mark.parametrize(
        "again",
        [{}, {"email": "other@example.com"}, {"earner_id": "1012"}, {"email": "LEARNER1+badges@example.com"}],
        ids=["the same", "the same learner id", "the same address", "the same address, written differently"],
    )
    def test_a_second_live_badge_of_a_learner_is_refused_as_a_duplicate(
        self, backend: Backend, provider: Provider, again: dict[str, str]
    ) -> None:  # S31
        provider.issue(issue_request(backend.template))
        with pytest.raises(DuplicateBadge):
            provider.issue(issue_request(backend.template, **again))

    def test_an_archived_template_is_a_permanent_failure_but_no_duplicate(
        self, backend: Backend, provider: Provider
    ) -> None:  # S29
        with pytest.raises(PermanentError) as caught:
            provider.issue(issue_request(backend.archived_template))
        assert not isinstance(caught.value, DuplicateBadge)

    def test_a_learner_can_hold_badges_of_two_templates(self, backend: Backend, provider: Provider) -> None:
        one = provider.issue(issue_request(backend.template))
        other = provider.issue(issue_request(backend.other_template))
        assert one.external_id != other.external_id

    # --- revoking ---

    def test_a_revoked_badge_is_revoked(self, backend: Backend, provider: Provider) -> None:  # S24
        badge = provider.issue(issue_request(backend.template))
        revoked = provider.revoke(badge.external_id, reason="A penalty applied.")
        assert revoked is not None
        assert (revoked.external_id, revoked.state) == (badge.external_id, "revoked")
        assert provider.get_badge(badge.external_id) == revoked

    def test_revoking_twice_counts_as_revoked(self, backend: Backend, provider: Provider) -> None:  # S31
        badge = provider.issue(issue_request(backend.template))
        first = provider.revoke(badge.external_id, reason="A penalty applied.")
        assert provider.revoke(badge.external_id, reason="A penalty applied.") == first

    def test_revoking_what_is_gone_counts_as_revoked(self, backend: Backend, provider: Provider) -> None:  # S31
        badge = provider.issue(issue_request(backend.template))
        backend.delete(badge.external_id)
        assert provider.revoke(badge.external_id, reason="A penalty applied.") is None

    def test_a_revoked_badge_can_be_issued_anew(self, backend: Backend, provider: Provider) -> None:  # S25
        first = provider.issue(issue_request(backend.template))
        provider.revoke(first.external_id, reason="A penalty applied.")
        second = provider.issue(issue_request(backend.template))
        assert second.is_live
        assert second.external_id != first.external_id

    # --- looking up ---

    def test_badges_are_found_by_the_stable_id_whatever_their_address(
        self, backend: Backend, provider: Provider
    ) -> None:  # S31
        badge = provider.issue(issue_request(backend.template))
        assert provider.find_badges(query(backend.template, email="new@example.com")) == [badge]

    def test_a_badge_without_a_stable_id_is_found_by_its_address(self, backend: Backend, provider: Provider) -> None:
        # S31
        badge = provider.issue(issue_request(backend.template, earner_id=""))
        assert provider.find_badges(query(backend.template)) == [badge]

    def test_another_learners_badge_is_not_found_by_the_address(self, backend: Backend, provider: Provider) -> None:
        # S31
        provider.issue(issue_request(backend.template, earner_id="1012"))
        assert provider.find_badges(query(backend.template, earner_id="1011")) == []

    def test_badges_of_other_templates_and_learners_are_not_found(self, backend: Backend, provider: Provider) -> None:
        provider.issue(issue_request(backend.other_template))
        provider.issue(issue_request(backend.template, earner_id="1012", email="learner2@example.com"))
        assert provider.find_badges(query(backend.template)) == []

    def test_a_query_without_address_and_id_finds_nothing(self, backend: Backend, provider: Provider) -> None:
        provider.issue(issue_request(backend.template, earner_id=""))
        assert provider.find_badges(query(backend.template, earner_id="", email="")) == []

    def test_badges_are_found_in_every_state_newest_first_on_all_pages(
        self, backend: Backend, provider: Provider
    ) -> None:  # S31
        issued: list[str] = []
        for _ in range(53):
            badge = provider.issue(issue_request(backend.template))
            backend.set_state(badge.external_id, "rejected" if len(issued) % 2 else "revoked")
            issued.append(badge.external_id)
        issued.append(provider.issue(issue_request(backend.template)).external_id)

        found = provider.find_badges(query(backend.template))

        assert [badge.external_id for badge in found] == issued[::-1]
        assert {badge.state for badge in found[1:]} == {"rejected", "revoked"}
        assert [badge.is_live for badge in found] == [True] + [False] * 53

    @pytest.mark.parametrize(
        "earner_id", ["a|b", "a,b", "state::revoked", "a:", "ünïcode", "a+b&c=d#e", "50%", '"a"', "a b"]
    )
    def test_ids_with_special_characters_find_their_own_badge_only(
        self, backend: Backend, provider: Provider, earner_id: str
    ) -> None:
        own = provider.issue(issue_request(backend.template, earner_id=earner_id))
        provider.issue(issue_request(backend.template, earner_id="a", email="a@example.com"))
        provider.issue(issue_request(backend.template, earner_id="b", email="b@example.com"))
        assert provider.find_badges(query(backend.template, earner_id=earner_id, email="none@example.com")) == [own]

    @pytest.mark.parametrize("email", ["a|b@example.com", "a,b@example.com", "o'brien@example.com", "a+b@example.com"])
    def test_addresses_with_special_characters_find_their_own_badge_only(
        self, backend: Backend, provider: Provider, email: str
    ) -> None:
        own = provider.issue(issue_request(backend.template, earner_id="", email=email))
        provider.issue(issue_request(backend.template, earner_id="", email="b@example.com"))
        assert provider.find_badges(query(backend.template, email=email)) == [own]

    def test_a_change_at_the_provider_is_seen(self, backend: Backend, provider: Provider) -> None:
        badge = provider.issue(issue_request(backend.template))
        backend.set_state(badge.external_id, "accepted")
        assert provider.get_badge(badge.external_id).state == "accepted"

    @pytest.mark.parametrize("external_id", ["11111111-2222-3333-4444-555555555555", "../../organizations", "..", ""])
    def test_an_unknown_badge_is_not_found(self, provider: Provider, external_id: str) -> None:
        with pytest.raises(NotFound):
            provider.get_badge(external_id)

    # --- the account ---

    def test_the_account_tells_its_name(self, backend: Backend, provider: Provider) -> None:
        account = provider.fetch_account()
        assert (account.external_id, account.name) == (backend.access.external_id, backend.account_name)

    def test_templates_of_all_states_and_pages_are_fetched_once_each(
        self, backend: Backend, provider: Provider
    ) -> None:
        added = {f"00000000-0000-0000-0000-{number:012}": f"Template {number}" for number in range(120)}
        for external_id, name in added.items():
            backend.add_template(external_id, name)

        templates = list(provider.fetch_templates())

        names = {template.external_id: template.name for template in templates}
        states = {template.external_id: template.state for template in templates}
        assert len(templates) == len(names)
        assert added.items() <= names.items()
        assert (states[backend.template], states[backend.archived_template]) == ("active", "archived")

    # --- failures ---

    def test_a_refused_key_is_told_apart_from_every_other_failure(self, backend: Backend) -> None:  # S30
        provider = backend.provider(api_key="an-old-key")
        unknown = "11111111-2222-3333-4444-555555555555"
        for call in (
            lambda: provider.issue(issue_request(backend.template)),
            lambda: provider.revoke(unknown, reason="A penalty applied."),
            lambda: provider.find_badges(query(backend.template)),
            lambda: provider.get_badge(unknown),
            provider.fetch_account,
            lambda: list(provider.fetch_templates()),
        ):
            with pytest.raises(CredentialsRefused) as caught:
                call()
            assert "an-old-key" not in str(caught.value)

    def test_a_throttled_request_was_not_carried_out_and_says_when_to_come_back(
        self, backend: Backend, provider: Provider
    ) -> None:  # S28
        backend.fail("issue", "throttled")
        with pytest.raises(TransientError) as caught:
            provider.issue(issue_request(backend.template))
        assert not isinstance(caught.value, AmbiguousError)
        assert caught.value.retry_after is not None
        assert provider.find_badges(query(backend.template)) == []

    def test_a_lost_answer_is_ambiguous_and_the_badge_is_found(self, backend: Backend, provider: Provider) -> None:
        # S31
        backend.fail("issue", "lost answer")
        with pytest.raises(AmbiguousError):
            provider.issue(issue_request(backend.template))
        assert [badge.is_live for badge in provider.find_badges(query(backend.template))] == [True]

    def test_an_unavailable_provider_is_ambiguous_to_one_who_issues(self, backend: Backend, provider: Provider) -> None:
        # S31
        backend.fail("issue", "unavailable")
        with pytest.raises(AmbiguousError):
            provider.issue(issue_request(backend.template))

    def test_a_revocation_whose_answer_is_lost_can_be_repeated(self, backend: Backend, provider: Provider) -> None:
        # S31
        badge = provider.issue(issue_request(backend.template))
        backend.fail("revoke", "lost answer")
        with pytest.raises(AmbiguousError):
            provider.revoke(badge.external_id, reason="A penalty applied.")
        revoked = provider.revoke(badge.external_id, reason="A penalty applied.")
        assert revoked is not None
        assert revoked.state == "revoked"

    def test_a_failed_look_up_is_an_error_and_never_an_empty_answer(self, backend: Backend, provider: Provider) -> None:
        # S31
        provider.issue(issue_request(backend.template))
        backend.fail("look up", "unavailable")
        with pytest.raises(TransientError) as caught:
            provider.find_badges(query(backend.template))
        assert not isinstance(caught.value, AmbiguousError)

    def test_a_request_goes_out_once(self, backend: Backend, provider: Provider) -> None:
        backend.fail("issue", "unavailable")
        with pytest.raises(TransientError):
            provider.issue(issue_request(backend.template))
        assert backend.issue_requests() == 1

    def test_nothing_is_sent_after_the_deadline(self, backend: Backend) -> None:  # S39
        late = backend.provider(seconds=0)
        with pytest.raises(TransientError) as caught:
            late.issue(issue_request(backend.template))
        assert not isinstance(caught.value, AmbiguousError)
        assert backend.issue_requests() == 0

    def test_no_message_tells_keys_addresses_or_names(self, backend: Backend, provider: Provider) -> None:  # S36
        request = issue_request(backend.template, first_name="Adalbert", last_name="Onestone")
        provider.issue(request)
        messages = []
        for fault in (None, "unavailable", "throttled"):
            if fault:
                backend.fail("issue", fault)
            with pytest.raises((DuplicateBadge, TransientError)) as caught:
                provider.issue(request)
            messages += [str(caught.value), repr(caught.value), repr(request), repr(provider.access)]
        told = " ".join(messages)
        for private in ("Adalbert", "Onestone", request.recipient.email, backend.access.api_key):
            assert private not in told
