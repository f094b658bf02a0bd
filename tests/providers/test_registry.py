from __future__ import annotations

import pytest
from pytest_django import Settings

from badges.data import AccountAccess
from badges.exceptions import ConfigurationError
from badges.providers import registry
from badges.providers.base import Provider
from badges.providers.credly import CredlyProvider
from badges.providers.memory import MemoryProvider


def use(settings: Settings, path: str) -> None:
    settings.BADGES = {"PROVIDERS": {"example": path}}


def test_credly_is_there_without_configuration(settings: Settings) -> None:
    settings.BADGES = {}
    assert registry.get_provider_class("credly") is CredlyProvider
    assert registry.base_url("credly") == "https://api.credly.com/v1/"


def test_a_provider_of_ones_own_is_named_by_its_path(settings: Settings) -> None:
    use(settings, "badges.providers.memory.MemoryProvider")
    access = AccountAccess("example", "account-1", registry.base_url("example"), "any")
    provider = registry.get_provider(access, deadline=5)
    assert type(provider) is MemoryProvider
    assert (provider.access, provider.deadline) == (access, 5)


def test_a_changed_setting_is_seen(settings: Settings) -> None:
    use(settings, "badges.providers.memory.MemoryProvider")
    assert registry.get_provider_class("example") is MemoryProvider
    use(settings, "badges.providers.credly.CredlyProvider")
    assert registry.get_provider_class("example") is CredlyProvider


def test_an_unknown_name_is_told_with_the_known_ones(settings: Settings) -> None:
    use(settings, "badges.providers.memory.MemoryProvider")
    with pytest.raises(ConfigurationError, match=r"'other' in BADGES\['PROVIDERS'\] \(there: example\)"):
        registry.get_provider_class("other")


class Unfinished(Provider):
    name = "unfinished"
    label = "Unfinished"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("badges.providers.nothing.Provider", "cannot be imported"),
        ("badges.providers.memory.Nothing", "cannot be imported"),
        ("nothing", "cannot be imported"),
        ("badges.providers.memory.MemoryAccount", "not a child of"),
        ("badges.providers.memory.OPERATIONS", "not a child of"),
        ("tests.providers.test_registry.Unfinished", "does not fill in: .*get_badge"),
    ],
)
def test_a_path_that_is_no_provider_is_told(settings: Settings, path: str, told: str) -> None:
    use(settings, path)
    with pytest.raises(ConfigurationError, match=told):
        registry.get_provider_class("example")
