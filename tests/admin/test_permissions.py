"""Who may do what, for every action and every address of the admin: taken from its registry, so none is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from badges import api, urls
from badges.exceptions import PermanentError
from badges.models import FailedEvent, ProviderAccount, WebhookEvent
from badges.providers.memory import MemoryProvider
from tests import builders
from tests.admin.pages import listing, page

PAGES = {model: pages for model, pages in admin.site._registry.items() if model._meta.app_label == "badges"}
OWN_ACTIONS = [(model, action) for model, pages in PAGES.items() for action in pages.actions]


def named(value: Any) -> str:
    return str(value._meta.model_name) if isinstance(value, type) else str(value)


@pytest.fixture(autouse=True)
def _one_row_of_everything(memory: type[MemoryProvider]) -> None:
    """In a state in which each action would have something to do."""
    template = builders.template("AB", penalties="A", group="either")
    memory.account(template.account.external_id).fail("issue", PermanentError("No such template."))
    memory.account(template.account.external_id).templates.clear()
    api.receive_event(event=builders.event("A"))
    api.deliver_due()
    ProviderAccount.objects.update(failures=9, rests_until=timezone.now() + timezone.timedelta(days=1))
    FailedEvent.objects.create(
        event_id="1", event_type=builders.PASSING, event_time=timezone.now(), line="{}", error="deadlock"
    )
    WebhookEvent.objects.create(account=template.account, event_id=template.uuid, event_type="badge.created")
    assert apps.get_model("badges", "AnnouncementCount").objects.filter(sent=1).exists(), (
        "the announcement was added up"
    )


@pytest.fixture
def onlooker(staff: Callable[..., Client]) -> Client:
    """A member of staff who may look at everything."""
    return staff("view_*")


def stored() -> dict[str, list[Any]]:
    """All rows of the app and of the service's credentials."""
    tables = [*apps.get_app_config("badges").get_models(), *apps.get_app_config("credentials").get_models()]
    return {table._meta.label: list(table._default_manager.order_by("pk").values()) for table in tables}


def choose(client: Client, model: type[models.Model], action: str, **more: str) -> Any:
    """Choose an action for all rows, and say yes to whatever is asked."""
    rows = list(model._default_manager.values_list("pk", flat=True))
    agreed = {"confirmed": "yes", "post": "yes", "select_across": "1", "index": "0"}
    return client.post(listing(named(model)), {"action": action, ACTION_CHECKBOX_NAME: rows, **agreed, **more})


def addresses_of(model: type[models.Model]) -> list[str]:
    """All addresses of the model's pages; where they are a row's, the first one's."""
    row = model._default_manager.order_by("pk").values_list("pk", flat=True)[0]
    return [
        reverse(f"admin:{address.name}", args=[row for _ in address.pattern.converters])
        for address in PAGES[model].get_urls()
        if address.name
    ]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the actions that were let through; they do nothing else."""
    names: list[str] = []
    for model, action in OWN_ACTIONS:
        pages = type(PAGES[model])
        spy = _spy(getattr(pages, action), names)
        monkeypatch.setattr(pages, action, spy)
    return names


def _spy(action: Any, names: list[str]) -> Callable[..., None]:
    def spy(*_: object) -> None:
        names.append(action.__name__)

    spy.__dict__.update(vars(action))
    return spy


@pytest.mark.parametrize(("model", "action"), OWN_ACTIONS, ids=named)
class TestActions:
    def test_who_may_do_everything_is_let_through(
        self, admin_client: Client, called: list[str], model: type[models.Model], action: str
    ) -> None:
        choose(admin_client, model, action)
        assert called == [action]

    def test_who_may_only_look_is_not(
        self, onlooker: Client, called: list[str], model: type[models.Model], action: str
    ) -> None:
        choose(onlooker, model, action)
        assert called == []

    def test_who_may_change_something_else_is_not(
        self, staff: Callable[..., Client], called: list[str], model: type[models.Model], action: str
    ) -> None:
        others = [f"{what}_{named(other)}" for other in PAGES if other is not model for what in ("change", "delete")]
        choose(staff("view_*", *others), model, action)
        assert called == []


@pytest.mark.parametrize("model", PAGES, ids=named)
class TestPages:
    def test_no_action_of_who_may_only_look_changes_anything(
        self, onlooker: Client, memory: type[MemoryProvider], model: type[models.Model]
    ) -> None:
        provider = memory.account(ProviderAccount.objects.get().external_id)
        before, requests = stored(), len(provider.calls)
        for action in (*PAGES[model].actions, "delete_selected"):
            choose(onlooker, model, action)
        assert (stored(), len(provider.calls)) == (before, requests)

    def test_no_address_lets_who_may_only_look_change_anything(
        self, onlooker: Client, model: type[models.Model]
    ) -> None:
        before = stored()
        for address in addresses_of(model):
            onlooker.get(address)
            onlooker.post(address, {"post": "yes", "confirmed": "yes", "_save": "Save"})
        assert stored() == before

    def test_who_may_only_look_is_offered_no_button(self, onlooker: Client, model: type[models.Model]) -> None:
        for address in (listing(named(model)), page(model._default_manager.first())):
            shown = onlooker.get(address).content.decode()
            for button in ('name="action"', 'name="_save"', 'name="_continue"', "addlink", "deletelink"):
                assert button not in shown

    def test_without_signing_in_everything_leads_to_the_login(self, client: Client, model: type[models.Model]) -> None:
        before = stored()
        answers = [choose(client, model, action) for action in (*PAGES[model].actions, "delete_selected")]
        for address in addresses_of(model):
            answers += [client.get(address), client.post(address, {"post": "yes"})]
        assert all(answer.status_code == 302 for answer in answers)
        assert all(answer["Location"].startswith("/admin/login/?next=") for answer in answers)
        assert stored() == before

    def test_without_any_permission_everything_is_refused(
        self, staff: Callable[..., Client], model: type[models.Model]
    ) -> None:
        client = staff()
        assert {client.get(address).status_code for address in addresses_of(model)} == {403}


def test_every_address_of_the_pages_has_a_name() -> None:
    """The one without is Django's: it leads from an old address of a row to today's."""
    for pages in PAGES.values():
        assert [str(address.pattern) for address in pages.get_urls() if not address.name] == ["<path:object_id>/"]


def test_these_addresses_are_open_to_everybody() -> None:
    assert {address.name for address in urls.urlpatterns} == {"health", "metrics", "webhook"}
