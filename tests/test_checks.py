"""Mistakes in the settings are told at start."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import DatabaseError

from badges.models import ProviderAccount
from tests import builders

pytestmark = pytest.mark.django_db


def told(**options: Any) -> dict[str, str]:
    return {str(message.id): message.msg for message in run_checks(**options) if "openedx_badges" in str(message.id)}


def test_the_default_settings_are_in_order() -> None:
    assert told() == {}


@pytest.mark.parametrize(
    ("event_type", "problem"),
    [
        ("org.openedx.learning.course.passing.status.updated.v2", "no such event type. Did you mean"),
        ("org.openedx.learning.course.persistent_grade_summary.changed.v1", "holds no UserData"),
    ],
)
def test_an_event_type_that_cannot_take_part(settings: Any, event_type: str, problem: str) -> None:  # S5
    settings.BADGES = {**settings.BADGES, "EVENT_TYPES": [event_type]}
    assert problem in told()["openedx_badges.E001"]


def test_a_provider_that_cannot_be_loaded(settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "PROVIDERS": {"credly": "badges.providers.nowhere.Provider"}}
    assert "cannot be imported" in told()["openedx_badges.E002"]


def test_a_lease_that_is_too_short(settings: Any) -> None:  # S39
    settings.BADGES = {**settings.BADGES, "LEASE": 60, "REQUEST_DEADLINE": 60}
    assert "LEASE" in told()["openedx_badges.E003"]


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        ("LEASE", "two minutes", "a number, not negative"),
        ("LEASE", None, "a number, not negative"),
        ("LEASE", -1, "a number, not negative"),
        ("BACKOFF_CAP", float("nan"), "a number, not negative"),
        ("DELIVERY_ATTEMPTS", True, "a whole number, not negative"),
        ("CLOCK_OFFSET", "tomorrow", "a number"),
        ("ENQUEUE", "False", "True or False"),
        ("CELERY_APP", None, "a text"),
        ("EVENT_TYPES", "org.openedx.learning.course.passing.status.updated.v1", "a list"),
        ("EVENT_TYPES", None, "a list"),
        ("ACCOUNT_KEYS", ["the-key"], "a dictionary"),
        ("PROVIDERS", None, "a dictionary"),
        ("HEALTH_CONSUMERS", ["topic and group"], "a list of pairs of topic and group"),
    ],
)
def test_a_value_that_cannot_be_used(settings: Any, name: str, value: Any, needed: str) -> None:
    settings.BADGES = {**settings.BADGES, name: value}
    assert told() == {"openedx_badges.E005": f"BADGES[{name!r}] must be {needed}."}


@pytest.mark.parametrize(
    ("name", "value"),
    [("LEASE", "600"), ("CLOCK_OFFSET", -3600), ("EVENT_TYPES", []), ("HEALTH_CONSUMERS", [("topic", "group")])],
)
def test_a_value_that_can_be_used(settings: Any, name: str, value: Any) -> None:
    settings.BADGES = {**settings.BADGES, name: value}
    assert told() == {}


def test_options_that_are_no_dictionary(settings: Any) -> None:
    settings.BADGES = ["LEASE"]
    assert told() == {"openedx_badges.E004": "The setting BADGES is not a dictionary of options."}


def test_a_name_that_is_no_option(settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "LEESE": 600}
    (message,) = [message for message in run_checks() if message.id == "openedx_badges.W002"]
    assert message.msg == "BADGES['LEESE'] is no option, and has no effect."
    assert message.hint == "Did you mean LEASE?"


def test_accounts_that_nothing_can_be_sent_with_are_told_before_a_deployment() -> None:  # S30
    account = builders.account()
    assert told(include_deployment_checks=True) == {}
    ProviderAccount.objects.update(refused_fingerprint=account.fingerprint, paused_reason="Credly refused the key.")
    assert "Credly refused the key." in told(include_deployment_checks=True)["openedx_badges.W001"]
    ProviderAccount.objects.update(encrypted_key="")
    assert "It has no API key" in told(include_deployment_checks=True)["openedx_badges.W001"]
    assert told() == {}


def test_without_a_database_there_is_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> Any:
        raise DatabaseError

    monkeypatch.setattr(ProviderAccount.objects, "order_by", away)
    assert told(include_deployment_checks=True) == {}
