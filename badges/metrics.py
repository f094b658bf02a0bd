"""
``GET /badges/metrics/``: the numbers of the health report, for Prometheus.

Imported only where ``prometheus_client`` is installed, the package's extra ``prometheus``; see ``badges.urls``.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from badges import api
from badges.bearer import needs_health_token
from badges.exceptions import database_said

PREFIX = "openedx_badges_"

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of the text format that every Prometheus reads, whatever else it accepts."""


@never_cache
@require_safe
@needs_health_token
def metrics(_request: HttpRequest) -> HttpResponse:
    """
    200 with the metrics, whatever needs a person: that is for the alerts to say. 503 when the database cannot be used,
    which Prometheus sees as ``up == 0``.

    As open as the health page. Labels hold topics, groups, names of states, and ids of accounts at the provider.
    """
    try:
        found = api.health()
    except DatabaseError as error:
        text = f"The database cannot be used ({database_said(error)}).\n"
        return HttpResponse(text, status=503, content_type="text/plain; charset=utf-8")
    return HttpResponse(generate_latest(HealthCollector(found)), content_type=CONTENT_TYPE)


class HealthCollector(Collector):
    """
    A health report as gauges.

    Nothing is counted in the process, so every web process gives the same answer, and none of the client's modes for
    several processes is needed.
    """

    def __init__(self, found: api.Health) -> None:
        self.found = found

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._deliveries()
        yield from self._events()
        yield from self._accounts()
        yield from self._consumers()
        yield _single("problems", "Problems that need a person; the health page tells them.", len(self.found.problems))
        yield _single("rulebook_version", "Raised by each change of the configuration.", self.found.rulebook_version)

    def _deliveries(self) -> Iterator[GaugeMetricFamily]:
        counts = _family("deliveries", "Deliveries that are not over, by kind and state.", "kind", "state")
        for kind, states in self.found.deliveries.items():
            for state, count in states.items():
                counts.add_metric([kind, state], count)
        yield counts
        yield _single(
            "oldest_due_delivery_age_seconds",
            "For how long the delivery that waits longest could have been executed; 0 when none can.",
            self.found.oldest_due or 0,
        )

    def _events(self) -> Iterator[GaugeMetricFamily]:
        yield _single("failed_events", "Events that could not be handled.", self.found.failed_events)
        yield _single(
            "failed_events_waiting", "Those of them that are not retried any more.", self.found.failed_events_waiting
        )
        webhooks = _family("webhooks", "Webhooks not looked into yet (received), or in vain (failed).", "state")
        for state, count in self.found.webhooks.items():
            webhooks.add_metric([state], count)
        yield webhooks

    def _accounts(self) -> Iterator[GaugeMetricFamily]:
        found = self.found
        for name, text, ids in (
            ("account_paused", "1 for each account with which nothing can be sent.", found.paused_accounts),
            ("account_resting", "1 for each account whose provider failed or asked to wait.", found.resting_accounts),
        ):
            accounts = _family(name, text, "account")
            # An id is unique only at its provider, and Prometheus refuses everything if one series is there twice.
            for account in sorted(set(ids)):
                accounts.add_metric([account], 1)
            yield accounts

    def _consumers(self) -> Iterator[GaugeMetricFamily]:
        lags = _family("consumer_lag_messages", "Messages not handled yet.", "topic", "group", "partition")
        known = _family("consumer_lag_known", "1 when the brokers told the lag, else 0.", "topic", "group")
        # As a mapping, because the setting may list one twice.
        for (topic, group), consumer in {(one.topic, one.group): one for one in self.found.consumers}.items():
            known.add_metric([topic, group], consumer.lag is not None)
            for partition, lag in consumer.partitions.items():
                lags.add_metric([topic, group, str(partition)], lag)
        yield lags
        yield known


def _family(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, labels=labels)


def _single(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, value=value)
