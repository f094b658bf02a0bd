"""The metrics page, read as Prometheus reads it."""

from __future__ import annotations

import dataclasses
import datetime
import importlib
import importlib.util
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.db import OperationalError
from django.db.models.functions import Now
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from badges import api, urls
from badges.exceptions import PermanentError, TransientError
from badges.metrics import HealthCollector
from badges.models import Delivery, FailedEvent, ProviderAccount
from badges.providers.memory import MemoryAccount, MemoryProvider
from badges.services.health import ConsumerLag
from tests.builders import account, event, template
from tests.test_documentation import DOCS, literals, table

PAGE = "/badges/metrics/"
AGO = datetime.timedelta(hours=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings: Any) -> Iterator[MemoryAccount]:
    settings.BADGES = {
        **settings.BADGES,
        "PROVIDERS": {"credly": "badges.providers.memory.MemoryProvider"},
        "RULEBOOK_MAX_AGE": 0,
        "ENQUEUE": False,
        "FUTURE_TOLERANCE": 10**9,
    }
    MemoryProvider.reset()
    yield MemoryProvider.account(template("A").account.external_id)
    MemoryProvider.reset()


def samples(client: Client) -> dict[str, float]:
    """What the page says: a series, in the way that Prometheus writes it, and its value."""
    answer = client.get(PAGE)
    assert answer.status_code == 200
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            series = sample.name.removeprefix("openedx_badges_") + (f"{{{labels}}}" if labels else "")
            assert series not in found  # Prometheus would refuse the whole page
            found[series] = sample.value
    return found


def of(found: dict[str, float], family: str) -> dict[str, float]:
    return {series: value for series, value in found.items() if series.partition("{")[0] == family}


def award(learner: int = 1) -> None:
    assert api.receive_event(event=event("A", learner=learner)).matched


def test_it_is_the_text_format_and_nobody_keeps_it(client: Client) -> None:
    answer = client.get(PAGE)
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "no-store" in answer["Cache-Control"]


def test_an_app_that_has_nothing_to_do(client: Client) -> None:
    found = samples(client)
    assert found.pop("rulebook_version") == api.health().rulebook_version
    assert len(of(found, "deliveries")) == len(Delivery.Kind) * 3
    assert {series.partition("{")[0] for series in found} == {
        *("deliveries", "failed_events", "failed_events_waiting", "oldest_due_delivery_age_seconds", "problems"),
        "webhooks",
    }
    assert set(found.values()) == {0}


def test_deliveries(client: Client, provider: MemoryAccount) -> None:  # S29, S33
    provider.fail("issue", PermanentError("archived", status=422))
    award(1)
    api.deliver_due()
    award(2)
    Delivery.objects.filter(kind="issue", state="pending").update(next_attempt_at=Now() - AGO)

    found = samples(client)

    assert found["deliveries{kind=issue,state=failed}"] == 1
    assert found["deliveries{kind=issue,state=pending}"] == 1
    assert found["deliveries{kind=issue,state=claimed}"] == 0
    assert found["oldest_due_delivery_age_seconds"] == pytest.approx(3600, abs=60)
    assert found["problems"] == 2


def test_events_and_webhooks(client: Client, provider: MemoryAccount) -> None:  # S34
    for number, due in ((1, None), (2, "2026-06-01T00:00:00Z")):
        given = event("A", learner=number)
        FailedEvent.objects.create(
            event_id=given.id, event_type=given.type, event_time=given.time, line="{}", error="", next_attempt_at=due
        )
    ProviderAccount.objects.get().webhook_events.create(event_id="6f3c8f6e-8c1b-4c58-9b0a-3a4f1f0f6f11")

    found = samples(client)

    assert (found["failed_events"], found["failed_events_waiting"]) == (2, 1)
    assert of(found, "webhooks") == {"webhooks{state=received}": 1, "webhooks{state=failed}": 0}


def test_accounts(client: Client, provider: MemoryAccount, settings: Any) -> None:  # S28, S30
    settings.BADGES = {**settings.BADGES, "BREAKER_FAILURES": 1}
    provider.fail("issue", TransientError("busy"))
    award()
    api.deliver_due()
    for name in ("credly", "another"):  # the id is unique at its provider only
        account(external_id='an "odd" id', provider=name, name="Demo University")
    ProviderAccount.objects.filter(external_id='an "odd" id').update(encrypted_key="")

    found = samples(client)

    assert of(found, "account_paused") == {'account_paused{account=an "odd" id}': 1}
    assert of(found, "account_resting") == {f"account_resting{{account={provider.external_id}}}": 1}


def test_consumers(client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = [("learning", "badges"), ("elsewhere", "badges"), ("learning", "badges")]
    settings.BADGES = {**settings.BADGES, "HEALTH_CONSUMERS": watched}
    lags = [{0: 4, 1: 6}, None, {0: 4, 1: 6}]
    monkeypatch.setattr("badges.eventbus.lag.consumer_lags", lambda consumers, timeout: lags)

    found = samples(client)

    assert of(found, "consumer_lag_messages") == {
        "consumer_lag_messages{group=badges,partition=0,topic=learning}": 4,
        "consumer_lag_messages{group=badges,partition=1,topic=learning}": 6,
    }
    assert of(found, "consumer_lag_known") == {
        "consumer_lag_known{group=badges,topic=learning}": 1,
        "consumer_lag_known{group=badges,topic=elsewhere}": 0,
    }


def test_nothing_of_a_learner_no_name_and_no_error_text_is_told(client: Client, provider: MemoryAccount) -> None:  # S36
    provider.fail("issue", PermanentError("refused learner1", status=422))
    award()
    api.deliver_due()
    ProviderAccount.objects.update(paused_reason="refused learner1", encrypted_key="")
    told = client.get(PAGE).content.decode()
    assert provider.external_id in told
    assert not any(text in told for text in ("learner1", "@example.com", "Learner", "refused", "Demo University"))


def test_a_database_that_is_away_is_no_metric(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise OperationalError("connection to 192.0.2.1 refused")

    monkeypatch.setattr(api, "health", away)
    answer = client.get(PAGE)
    assert answer.status_code == 503
    assert answer.content.decode() == "The database cannot be used (OperationalError).\n"


def test_it_is_only_looked_at(client: Client) -> None:
    assert client.post(PAGE).status_code == 405


# --- what is documented --------------------------------------------------------------------------------------


def test_the_reference_has_every_metric_with_its_labels_and_no_other() -> None:
    report = dataclasses.replace(api.health(), consumers=(ConsumerLag("learning", "badges", 0, {0: 0}),))
    report = dataclasses.replace(report, paused_accounts=("a",), resting_accounts=("b",))
    families = list(HealthCollector(report).collect())
    rows = table((DOCS / "references" / "endpoints.rst").read_text(), "Metrics")
    assert {literals(row[0])[0]: set(literals(row[1])) for row in rows} == {
        family.name: set(family.samples[0].labels) for family in families
    }


def test_the_examples_of_alerts_ask_for_metrics_that_are_there() -> None:
    text = (DOCS / "how-tos" / "examples" / "prometheus-rules.yml").read_text()
    asked = set(re.findall(r"openedx_badges_\w+", text))
    assert asked <= {family.name for family in HealthCollector(api.health()).collect()}
    rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    assert len(rules) > 3
    assert all(rule["expr"] and rule["annotations"]["summary"] for rule in rules)


# --- without the client --------------------------------------------------------------------------------------


@pytest.fixture
def _no_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as context:
        context.setattr(importlib.util, "find_spec", lambda name: None)
        importlib.reload(urls)
    yield
    importlib.reload(urls)


@pytest.mark.usefixtures("_no_client")
def test_without_prometheus_client_there_is_no_page() -> None:
    assert {address.name for address in urls.urlpatterns} == {"health", "webhook"}
