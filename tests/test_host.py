"""What the app knows of the Credentials service, and how it takes its place in it."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError

from badges import host
from badges.data import Learner
from badges.exceptions import LearnerConflict
from badges.models import AccredibleGroup, CredlyBadgeTemplate
from badges.plugin import base, deployment

User = get_user_model()


@pytest.mark.parametrize(
    ("record", "told", "names"),
    [
        ({"full_name": "Ada King"}, "Grace Brewster Hopper", ("Grace Brewster", "Hopper")),
        ({"first_name": "Ada", "last_name": "King", "full_name": "Someone Else"}, "", ("Ada", "King")),
        ({"full_name": "Ada Augusta King"}, "", ("Ada Augusta", "King")),
        ({"first_name": "Ada", "full_name": "Augusta King"}, "", ("Ada", "King")),
        ({"full_name": "Ada"}, "", ("Ada", "learner1")),
        ({}, "", ("learner1", "learner1")),
        ({}, "   ", ("learner1", "learner1")),
        ({}, "Ada", ("Ada", "learner1")),
        ({"full_name": None}, " Ada   King ", ("Ada", "King")),
    ],
)
def test_the_names_on_a_badge(record: dict[str, Any], told: str, names: tuple[str, str]) -> None:  # S22
    assert host.recipient_names(User(username="learner1", **record), told) == names


@pytest.mark.django_db
def test_a_learner_made_by_another_process_at_the_same_moment_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:  # S3
    there = User.objects.create(username="learner1", lms_user_id=1)

    def taken(**_: Any) -> Any:
        raise IntegrityError

    monkeypatch.setattr(User._default_manager, "create", taken)
    learner = Learner(1, "learner1", "learner1@example.com", "Learner One")
    assert host.create_learner(learner) == there
    there.delete()
    with pytest.raises(IntegrityError):
        host.create_learner(learner)


@pytest.mark.django_db
def test_a_learner_without_a_username_cannot_be_made() -> None:  # S3
    with pytest.raises(LearnerConflict, match="no username"):
        host.create_learner(Learner(1, "", "", ""))


def test_the_plugin_takes_the_place_of_the_services_own_app() -> None:
    settings = SimpleNamespace(INSTALLED_APPS=["credentials.apps.badges", "credentials.apps.core", "badges"])
    for _ in range(2):
        base.plugin_settings(settings)
    assert settings.INSTALLED_APPS == ["credentials.apps.core", "badges", "openedx_events"]


def test_the_plugin_switches_the_announcements_on_that_the_service_has_switched_off() -> None:
    topic = "learning-badges-lifecycle"
    other = {"other-topic": {"event_key_field": "badge.uuid", "enabled": False}}
    awarded = {topic: {"event_key_field": "badge.uuid", "enabled": False}, **other}
    settings = SimpleNamespace(EVENT_BUS_PRODUCER_CONFIG={"org.openedx.learning.badge.awarded.v1": awarded, "x": {}})
    for _ in range(2):
        deployment.plugin_settings(settings)
    on = {topic: {"event_key_field": "badge.uuid", "enabled": True}}
    assert {
        "x": {},
        "org.openedx.learning.badge.awarded.v1": {**on, **other},
        "org.openedx.learning.badge.revoked.v1": on,
    } == settings.EVENT_BUS_PRODUCER_CONFIG


def test_the_services_switch_for_its_own_app_is_turned_off(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.BADGES_ENABLED = True
    with caplog.at_level(logging.WARNING, logger="badges"):
        apps.get_app_config("badges").ready()
    assert settings.BADGES_ENABLED is False and "replaces that app" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("stub", [CredlyBadgeTemplate, AccredibleGroup])
def test_a_credential_of_the_older_app_does_not_break_what_looks_at_it(stub: Any) -> None:
    old = host.UserCredential.objects.create(
        username="learner1", credential_id=7, credential_content_type=ContentType.objects.get_for_model(stub)
    )
    old = host.UserCredential.objects.get(pk=old.pk)
    assert old.credential is None
    assert not stub.objects.exists() and not stub.objects.filter(pk=7).exists()
