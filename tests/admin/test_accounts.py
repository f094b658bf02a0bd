"""Adding an organization, its key, and pulling its templates."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from badges.data import ProviderTemplate
from badges.exceptions import CredentialsRefused, TransientError
from badges.models import BadgeTemplate, ProviderAccount
from badges.providers.memory import MemoryProvider
from tests import builders
from tests.admin.pages import act, adding, deleting, listing, messages, page, text

ORGANIZATION = "6f3c8f6e-8c1b-4c58-9b0a-3a4f1f0f6f11"
OTHER = "11111111-1111-4111-8111-111111111111"
KEY = "a-key-that-nobody-may-see"


def add(client: Client, **fields: str) -> Any:
    data = {"provider": "credly", "external_id": ORGANIZATION, "name": "", "api_key": KEY, **fields}
    return client.post(adding("provideraccount"), data, follow=True)


@pytest.fixture
def organization() -> ProviderAccount:
    account = ProviderAccount(external_id=ORGANIZATION, name="Demo University")
    account.set_api_key(KEY)
    account.save()
    return account


def test_an_organization_is_added_with_its_key_encrypted(admin_client: Client) -> None:
    response = add(admin_client)
    account = ProviderAccount.objects.get()
    assert (account.external_id, account.api_key) == (ORGANIZATION, KEY)
    assert KEY not in account.encrypted_key
    assert any("Sync templates" in message for message in messages(response))


def test_an_organization_is_added_once(admin_client: Client) -> None:
    add(admin_client)
    response = add(admin_client)
    assert "This account is here already." in text(response)
    response = add(admin_client, external_id=ORGANIZATION.upper())
    assert "This account is here already." in text(response)
    assert ProviderAccount.objects.count() == 1


@pytest.fixture
def real_credly(settings: Any) -> None:
    settings.BADGES = {key: value for key, value in settings.BADGES.items() if key != "PROVIDERS"}


@pytest.mark.usefixtures("real_credly")
def test_an_id_is_stored_in_the_providers_form(admin_client: Client) -> None:
    add(admin_client, external_id=f" {ORGANIZATION.upper()} ")
    assert ProviderAccount.objects.get().external_id == ORGANIZATION


@pytest.mark.usefixtures("real_credly")
def test_what_is_no_id_of_an_organization_is_refused(admin_client: Client) -> None:
    response = add(admin_client, external_id="demo-university")
    assert "it must be the organization" in text(response)
    assert not ProviderAccount.objects.exists()


def test_a_key_of_the_settings_is_found_in_any_case(settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "ACCOUNT_KEYS": {ORGANIZATION.upper(): KEY}}
    assert ProviderAccount(external_id=ORGANIZATION).api_key == KEY


def test_an_unknown_provider_is_refused(admin_client: Client) -> None:
    response = add(admin_client, provider="nobody")
    assert "Select a valid choice" in text(response)
    assert not ProviderAccount.objects.exists()


def test_the_key_is_never_shown(
    admin_client: Client, organization: ProviderAccount, caplog: pytest.LogCaptureFixture
) -> None:
    """S36: not on the list, not on its page, not on a form with a mistake, not in the log."""
    caplog.set_level(logging.DEBUG)
    shown = [
        admin_client.get(listing("provideraccount")),
        admin_client.get(page(organization)),
        add(admin_client, external_id=""),
        admin_client.post(page(organization), {"name": "x" * 300, "api_key": KEY}),
        admin_client.get(page(organization) + "../history/"),
    ]
    for response in shown:
        assert KEY not in response.content.decode()
        assert organization.encrypted_key not in response.content.decode()
    assert KEY not in caplog.text


def test_an_empty_key_keeps_the_stored_one(admin_client: Client, organization: ProviderAccount) -> None:
    admin_client.post(page(organization), {"name": "New name", "api_key": ""})
    organization.refresh_from_db()
    assert (organization.name, organization.api_key) == ("New name", KEY)


def test_a_new_key_replaces_the_stored_one(admin_client: Client, organization: ProviderAccount) -> None:
    old = organization.fingerprint
    admin_client.post(page(organization), {"name": "", "api_key": "another"})
    organization.refresh_from_db()
    assert organization.api_key == "another"
    shown = text(admin_client.get(page(organization)))
    assert organization.fingerprint in shown and old not in shown
    assert "stored, encrypted" in shown


def test_a_new_key_resumes_a_paused_account(admin_client: Client, organization: ProviderAccount) -> None:
    # S30
    organization.refused_fingerprint = organization.fingerprint
    organization.paused_reason = "Credly refused the key."
    organization.save()
    assert "paused: Credly refused the key." in text(admin_client.get(listing("provideraccount")))
    admin_client.post(page(organization), {"name": "", "api_key": "another"})
    organization.refresh_from_db()
    assert not organization.is_paused
    assert "paused" not in text(admin_client.get(listing("provideraccount")))


def test_an_edit_leaves_alone_what_a_worker_wrote_meanwhile(
    admin_client: Client, organization: ProviderAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    # S30: the account is paused between the reading of the form's row and its writing
    saved = ProviderAccount.save

    def paused_first(self: ProviderAccount, **kwargs: Any) -> None:
        ProviderAccount.objects.update(paused_reason="Refused.", paused_at=timezone.now())
        saved(self, **kwargs)

    monkeypatch.setattr(ProviderAccount, "save", paused_first)
    admin_client.post(page(organization), {"name": "New name", "api_key": ""})
    organization.refresh_from_db()
    assert (organization.name, organization.paused_reason) == ("New name", "Refused.")


def test_a_key_from_the_settings_cannot_be_changed_here(
    admin_client: Client, organization: ProviderAccount, settings: Any
) -> None:
    settings.BADGES = {**settings.BADGES, "ACCOUNT_KEYS": {ORGANIZATION: "from-the-settings"}}
    shown = admin_client.get(page(organization))
    assert "from the settings" in text(shown) and "can only be changed there" in text(shown)
    assert shown.context["adminform"].form.fields["api_key"].disabled
    admin_client.post(page(organization), {"name": "", "api_key": "another"})
    del settings.BADGES["ACCOUNT_KEYS"]
    organization.refresh_from_db()
    assert organization.api_key == KEY


def test_an_account_with_a_key_in_the_settings_is_added_without_one(admin_client: Client, settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "ACCOUNT_KEYS": {ORGANIZATION: "from-the-settings"}}
    assert "Leave this empty" in text(add(admin_client))
    add(admin_client, api_key="")
    assert ProviderAccount.objects.get().api_key == "from-the-settings"


def test_keys_that_cannot_be_stored_or_read_are_told(
    admin_client: Client, organization: ProviderAccount, settings: Any
) -> None:
    settings.BADGES = {**settings.BADGES, "SECRET_KEYS": ("not a Fernet key",)}
    response = add(admin_client, external_id=OTHER)
    assert "not a Fernet key" in text(response)
    settings.BADGES = {**settings.BADGES, "SECRET_KEYS": ("u2JrTVvMPGzLSlxXlfpI1YAGJhrnKCdvAkjjBrt7KXk=",)}
    for address in (listing("provideraccount"), page(organization)):
        assert "cannot be decrypted" in text(admin_client.get(address))


def test_what_identifies_an_account_stays(admin_client: Client, organization: ProviderAccount) -> None:
    admin_client.post(page(organization), {"name": "", "provider": "memory", "external_id": OTHER})
    organization.refresh_from_db()
    assert (organization.provider, organization.external_id) == ("credly", ORGANIZATION)


def test_an_account_with_templates_is_not_deleted(admin_client: Client, organization: ProviderAccount) -> None:
    builders.template("A", account=organization)
    assert "protected" in text(admin_client.post(deleting(organization), {"post": "yes"}))
    assert ProviderAccount.objects.exists()


def test_an_account_without_a_key_says_so(admin_client: Client) -> None:
    add(admin_client, api_key="")
    assert "no API key" in text(admin_client.get(listing("provideraccount")))


class TestSyncing:
    def test_templates_are_pulled_and_counted(
        self, admin_client: Client, organization: ProviderAccount, memory: type[MemoryProvider]
    ) -> None:
        there = memory.account(ORGANIZATION)
        there.add_template(ProviderTemplate(OTHER, "Two courses"))
        response = act(admin_client, "provideraccount", "sync_templates", organization)
        assert messages(response) == ["Demo University: 1 created, 0 updated, 0 unchanged."]
        assert BadgeTemplate.objects.get().name == "Two courses"
        there.add_template(ProviderTemplate(OTHER, "Three courses"))
        response = act(admin_client, "provideraccount", "sync_templates", organization)
        assert messages(response) == ["Demo University: 0 created, 1 updated, 0 unchanged."]

    def test_one_account_that_fails_does_not_stop_the_others(
        self, admin_client: Client, organization: ProviderAccount, memory: type[MemoryProvider]
    ) -> None:
        other = builders.account(external_id=OTHER, name="Other College")
        memory.account(ORGANIZATION).fail("fetch_account", TransientError("The provider is away."))
        response = act(admin_client, "provideraccount", "sync_templates", organization, other)
        assert messages(response) == [
            "Demo University: The provider is away.",
            "Other College: 0 created, 0 updated, 0 unchanged.",
        ]

    def test_a_template_that_cannot_be_stored_is_told_beside_what_was_done(
        self, admin_client: Client, organization: ProviderAccount, memory: type[MemoryProvider]
    ) -> None:
        memory.account(ORGANIZATION).add_template(ProviderTemplate("4711", "N" * 256))
        response = act(admin_client, "provideraccount", "sync_templates", organization)
        assert messages(response) == [
            "Demo University: 0 created, 0 updated, 0 unchanged.",
            "Demo University: Template 4711: its name has 256 characters, 255 can be stored. "
            "Shorten it at the provider and synchronize again.",
        ]

    def test_a_refused_key_is_told_and_pauses_the_account(
        self, admin_client: Client, organization: ProviderAccount, memory: type[MemoryProvider]
    ) -> None:
        memory.account(ORGANIZATION).fail("fetch_account", CredentialsRefused("The key was refused (401)."))
        response = act(admin_client, "provideraccount", "sync_templates", organization)
        assert messages(response) == ["Demo University: The key was refused (401)."]
        assert "paused: The key was refused (401)." in text(response)

    def test_it_happens_in_no_transaction_even_where_requests_are_in_one(
        self,
        admin_client: Client,
        organization: ProviderAccount,
        memory: type[MemoryProvider],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # S27
        before = len(connection.savepoint_ids)
        seen = []
        fetch = memory.fetch_account

        def watched(self: MemoryProvider) -> Any:
            seen.append(len(connection.savepoint_ids))
            return fetch(self)

        monkeypatch.setattr(memory, "fetch_account", watched)
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        act(admin_client, "provideraccount", "sync_templates", organization)
        assert seen == [before]

    def test_too_many_accounts_are_left_to_the_command(
        self, admin_client: Client, memory: type[MemoryProvider], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("badges.admin.base.ACTED_ON", 1)
        accounts = [builders.account(), builders.account()]
        response = act(admin_client, "provideraccount", "sync_templates", *accounts)
        assert messages(response) == [
            "Nothing was done: select at most 1 rows at once. For more, run: manage.py sync_badge_templates"
        ]
        assert not memory.account(accounts[0].external_id).calls

    def test_an_account_that_is_gone_meanwhile_is_told(
        self, admin_client: Client, organization: ProviderAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        picked = "badges.admin.accounts.ProviderAccountAdmin.picked"
        monkeypatch.setattr(picked, lambda *_, **__: [ProviderAccount(external_id=OTHER)])
        response = act(admin_client, "provideraccount", "sync_templates", organization)
        assert messages(response) == [f"There is no account {OTHER} here. Add it first, or correct the id."]

    def test_who_may_only_look_cannot_do_it(
        self, staff: Callable[..., Client], organization: ProviderAccount, memory: type[MemoryProvider]
    ) -> None:
        client = staff("view_provideraccount")
        assert "Sync templates" not in text(client.get(listing("provideraccount")))
        act(client, "provideraccount", "sync_templates", organization)
        assert not memory.account(ORGANIZATION).calls


def test_who_may_only_look_sees_no_field_for_the_key(
    staff: Callable[..., Client], organization: ProviderAccount
) -> None:
    client = staff("view_provideraccount")
    shown = client.get(page(organization))
    assert 'name="api_key"' not in shown.content.decode()
    assert organization.fingerprint in text(shown)
    assert client.post(page(organization), {"name": "", "api_key": "another"}).status_code == 403
    organization.refresh_from_db()
    assert organization.api_key == KEY


class TestResting:
    def test_an_account_that_rests_says_so_and_can_be_resumed(
        self, admin_client: Client, organization: ProviderAccount
    ) -> None:
        # S28
        ProviderAccount.objects.update(rests_until=timezone.now() + datetime.timedelta(hours=1))
        assert "as the provider asked" in text(admin_client.get(listing("provideraccount")))
        response = act(admin_client, "provideraccount", "resume", organization)
        assert messages(response) == ["Demo University: what is due is sent again."]
        assert "ready" in text(response)
        response = act(admin_client, "provideraccount", "resume", organization)
        assert messages(response) == ["Demo University does not rest."]

    def test_an_account_that_fails_again_and_again_says_so(
        self, admin_client: Client, organization: ProviderAccount
    ) -> None:
        # S28
        ProviderAccount.objects.update(failures=7)
        assert "7 failures in a row" in text(admin_client.get(page(organization)))

    def test_who_may_only_look_cannot_resume_it(
        self, staff: Callable[..., Client], organization: ProviderAccount
    ) -> None:
        ProviderAccount.objects.update(rests_until=timezone.now() + datetime.timedelta(hours=1))
        act(staff("view_provideraccount"), "provideraccount", "resume", organization)
        organization.refresh_from_db()
        assert organization.rests_until is not None
