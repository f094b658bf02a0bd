"""Whether anything needs a person, told from a few indexed queries; nothing about any learner."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from django.db.models import Count, Q
from django.utils.module_loading import import_string

from badges.clock import DatabaseNow
from badges.conf import conf
from badges.models import Delivery, FailedEvent, ProviderAccount, RulebookVersion, WebhookEvent
from badges.services.claims import in_turn

CONSUMER_LAGS = "badges.eventbus.lag.consumer_lags"
"""By name, because the Kafka client is there only where the bus is Kafka."""

LAG_TIMEOUT = 2.0

DELIVERY_STATES = (*Delivery.OPEN, Delivery.State.FAILED)
WEBHOOK_STATES = (WebhookEvent.State.RECEIVED, WebhookEvent.State.FAILED)
"""Of what is not over; the others only grow, and counting them takes longer each year."""


@dataclasses.dataclass(frozen=True, slots=True)
class ConsumerLag:
    """
    Messages that a group has not handled yet: ``lag`` in all, ``partitions`` by partition; None and empty when the bus
    does not tell.
    """

    topic: str
    group: str
    lag: int | None
    partitions: Mapping[int, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """
    How the app is.

    ``problems`` are what needs a person, in sentences; empty when all is well. ``oldest_due`` is for how many seconds
    the delivery that waits longest could have been executed, None when none can; those of paused accounts and those
    that wait for their turn or their next attempt don't count. ``deliveries`` counts those that are not over, by kind
    and state; ``failed_deliveries`` are the failed ones of all kinds. ``webhooks`` counts by state those that were not
    looked into yet (``received``) or could not be (``failed``). ``failed_events_waiting`` are those that the sweep has
    given up on. ``paused_accounts`` are ids at the provider; so are ``resting_accounts``, whose provider failed or
    asked to wait: no problem in itself, but what waits for them counts as due.
    """

    problems: tuple[str, ...]
    oldest_due: float | None
    deliveries: Mapping[str, Mapping[str, int]]
    failed_deliveries: int
    webhooks: Mapping[str, int]
    failed_events: int
    failed_events_waiting: int
    paused_accounts: tuple[str, ...]
    resting_accounts: tuple[str, ...]
    rulebook_version: int
    consumers: tuple[ConsumerLag, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def health() -> Health:
    """
    How the app is now. The number of queries does not grow with anything; the brokers get two seconds to answer.

    Raises the database's errors.
    """
    accounts = list(ProviderAccount.objects.annotate(now=DatabaseNow()).order_by("pk"))
    paused = [account for account in accounts if account.obstacle]
    events = FailedEvent.objects.aggregate(all=Count("pk"), waiting=Count("pk", filter=Q(next_attempt_at=None)))
    deliveries = _deliveries()
    found = Health(
        problems=(),
        oldest_due=_oldest_due([account.pk for account in paused]),
        deliveries=deliveries,
        failed_deliveries=sum(states[Delivery.State.FAILED] for states in deliveries.values()),
        webhooks=_webhooks(),
        failed_events=events["all"],
        failed_events_waiting=events["waiting"],
        paused_accounts=tuple(account.external_id for account in paused),
        resting_accounts=tuple(account.external_id for account in accounts if account.rests(account.now)),
        rulebook_version=RulebookVersion.current(),
        consumers=tuple(_consumers()),
    )
    return dataclasses.replace(found, problems=tuple(_problems(found)))


def _oldest_due(paused: list[int]) -> float | None:
    """All moments are the database's: what is due is not decided by this host's clock."""
    waiting = (
        Delivery.objects.filter(in_turn(), state=Delivery.State.PENDING, next_attempt_at__lte=DatabaseNow())
        .exclude(~Q(lane=Delivery.Lane.ANNOUNCE) & Q(progress__template__account__in=paused))
        .order_by("next_attempt_at")
        .values_list("next_attempt_at", DatabaseNow())
        .first()
    )
    abandoned = (
        Delivery.objects.filter(state=Delivery.State.CLAIMED, lease_expires_at__lt=DatabaseNow())
        .order_by("lease_expires_at")
        .values_list("lease_expires_at", DatabaseNow())
        .first()
    )
    ages = [(now - since).total_seconds() for since, now in filter(None, (waiting, abandoned))]
    return max(ages, default=None)


def _deliveries() -> dict[str, dict[str, int]]:
    rows = Delivery.objects.filter(state__in=DELIVERY_STATES).values_list("kind", "state")
    counts = {(kind, state): count for kind, state, count in rows.annotate(Count("pk"))}
    # What a newer release wrote counts, too.
    kinds = dict.fromkeys([*Delivery.Kind.values, *(kind for kind, _ in counts)])
    return {kind: {state.value: counts.get((kind, state), 0) for state in DELIVERY_STATES} for kind in kinds}


def _webhooks() -> dict[str, int]:
    rows = WebhookEvent.objects.filter(state__in=WEBHOOK_STATES).values_list("state")
    counts = dict(rows.annotate(Count("pk")))
    return {state.value: counts.get(state, 0) for state in WEBHOOK_STATES}


def _consumers() -> Iterator[ConsumerLag]:
    watched = conf.health_consumers
    if not watched:
        return
    try:
        lags = import_string(CONSUMER_LAGS)(watched, timeout=LAG_TIMEOUT)
    except ImportError:
        lags = [None] * len(watched)
    for (topic, group), lag in zip(watched, lags, strict=True):
        yield ConsumerLag(topic, group, None if lag is None else sum(lag.values()), lag or {})


def _problems(found: Health) -> Iterator[str]:
    if found.oldest_due is not None and found.oldest_due > conf.health_overdue:
        resting = ", ".join(found.resting_accounts)
        yield f"A delivery has been due for {found.oldest_due:.0f} s: see that a worker and the sweep run " + (
            f"(Celery with beat, or deliver_badges --loop), and that the provider of account {resting} answers."
            if resting
            else "(Celery with beat, or deliver_badges --loop)."
        )
    if found.failed_deliveries > conf.health_failed_deliveries:
        yield (
            f"{found.failed_deliveries} deliveries failed: look at their errors in the admin, mend the cause, and "
            "resend them (deliver_badges --retry-failed)."
        )
    if found.failed_events_waiting > conf.health_failed_events:
        yield (
            f"{found.failed_events_waiting} failed events are not retried any more: look at their errors in the "
            "admin, mend the cause, and run retry_failed_events."
        )
    for account_id in found.paused_accounts:
        yield f"Nothing can be sent with account {account_id}: save a new API key for it."
    for consumer in found.consumers:
        if consumer.lag is not None and consumer.lag > conf.health_lag:
            yield (
                f"Group {consumer.group} is {consumer.lag} messages behind on {consumer.topic}: see that "
                "consume_events runs, or run more of it."
            )
