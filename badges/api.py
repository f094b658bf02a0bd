"""
The public door of the app: for other apps, and for every entry point of its own.

Everything is keyword-only. What is not in ``__all__`` may change without notice.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from badges import tasks
from badges.conf import conf
from badges.data import Event, RuleSpec
from badges.engine.rules import FieldType
from badges.eventbus import jsonlines, publisher, signals
from badges.models import Delivery
from badges.services import (
    batching,
    beginning,
    claims,
    counting,
    definitions,
    delivery,
    explaining,
    failures,
    inbox,
    manual,
    pacing,
    repairing,
    reporting,
    retention,
    retiring,
    sharing,
    syncing,
)
from badges.services.connecting import TRANSIENT_DATABASE_ERRORS
from badges.services.definitions import LoadReport
from badges.services.explaining import Explanation
from badges.services.failures import Received
from badges.services.health import Health, health as current_health
from badges.services.retention import PurgeReport
from badges.services.retiring import RetireReport
from badges.services.rulebook import may_change
from badges.services.syncing import SyncReport

__all__ = [
    "TRANSIENT_DATABASE_ERRORS",
    "DeliverReport",
    "Health",
    "PurgeReport",
    "Received",
    "RetireReport",
    "RetryReport",
    "cancel_delivery",
    "check_rule",
    "connect",
    "deliver_due",
    "dump_definitions",
    "event_fields",
    "event_types",
    "explain",
    "flush_announcements",
    "health",
    "load_definitions",
    "may_change",
    "problem_with_event_type",
    "purge",
    "read_line",
    "receive_event",
    "receive_events",
    "receive_webhook",
    "release_badge",
    "report",
    "resend_delivery",
    "resume_account",
    "retire_learner",
    "retry_failed_events",
    "revoke_badge",
    "sync_templates",
]


@dataclasses.dataclass(frozen=True, slots=True)
class DeliverReport:
    """How many deliveries were done, how many failed, and how many were tried and wait for another attempt."""

    done: int = 0
    failed: int = 0
    waiting: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class RetryReport:
    """How many failed events could be handled this time, and how many failed again."""

    healed: int = 0
    failed: int = 0


# --- events --------------------------------------------------------------------------------------------------


def connect(*, receiver: Callable[..., Any]) -> None:
    """Connect ``receiver`` to the signals of the configured event types (S5)."""
    signals.connect(receiver, conf.event_types, dispatch_uid="badges")


def receive_event(*, event: Event) -> Received:
    """
    Handle one event: record what it changes, announce what it decided, and hand the rest to the workers.

    An event that cannot be handled is stored and retried later (S34). Raises
    :class:`badges.exceptions.EventNotStored` when not even that was possible: then it has to be delivered again
    (S35).
    """
    received = failures.receive(event)
    tasks.keep(received.promises)
    return received


def receive_events(*, events: Sequence[Event]) -> list[Received]:
    """
    As :func:`receive_event` for several events in their order, which costs far less than one by one: those of different
    learners share a transaction. An event that cannot be handled holds up none of the others.

    What :class:`badges.exceptions.EventNotStored` was raised in the middle of is done in part; delivering all of them
    again does the rest.
    """
    received: dict[int, Received] = {}
    for place, each in batching.receive_all(events):
        tasks.keep(each.promises)
        received[place] = each
    return [received[place] for place in range(len(events))]


def read_line(*, line: str | bytes) -> Event:
    """The event that one JSON line holds. Raises :class:`badges.exceptions.UnreadableEvent`."""
    return jsonlines.from_line(line)


def receive_webhook(*, provider: str, token: str, body: bytes) -> None:
    """
    Store what a provider sent to the webhook address that ends in ``token``; a worker looks into it.

    Raises :class:`badges.exceptions.UnknownWebhook` and :class:`badges.exceptions.UnreadableWebhook`.
    """
    stored = inbox.receive(provider, token, body)
    if stored is not None:
        tasks.enqueue_webhooks([stored])


def retry_failed_events(*, ids: Collection[int] | None = None) -> RetryReport:
    """Handle failed events again: those with ``ids``, else all."""
    retried = failures.retry(ids, keep=tasks.keep)
    return RetryReport(retried.healed, retried.failed)


# --- configuration -------------------------------------------------------------------------------------------


def event_types() -> tuple[str, ...]:
    """The types of the events that take part here (S5): those that a requirement or penalty can be about."""
    return conf.event_types


def event_fields(*, event_type: str) -> Mapping[str, FieldType]:
    """
    The dotted path and type of every field of the type's events, as rules name them, in the order of their definition.

    Empty for a type that openedx-events does not know.
    """
    try:
        return signals.fields(event_type)
    except KeyError:
        return {}


def problem_with_event_type(*, event_type: str) -> str | None:
    """Why events of this type cannot take part, in a sentence; None when they can (S5)."""
    return signals.problem_with(event_type)


def check_rule(*, event_type: str, rule: RuleSpec) -> None:
    """Refuse a rule that makes no sense for the event type (S14, S15). Raises :class:`badges.exceptions.RuleError`."""
    signals.check_rule(event_type, rule)


def load_definitions(*, text: str, dry_run: bool = False, prune: bool = False) -> LoadReport:
    """
    Bring the database to what the badge definitions say, all or nothing; returns once that is in force everywhere.

    ``dry_run`` only reports; ``prune`` allows deletions. Raises :class:`badges.exceptions.DefinitionsError`.
    """
    return definitions.load(text, dry_run=dry_run, prune=prune)


def dump_definitions(*, template_uuids: Collection[uuid.UUID] = ()) -> str:
    """The stored definitions as YAML, of these templates or of all; never with a key."""
    return definitions.dump(template_uuids)


def sync_templates(*, account_ids: Collection[str] = ()) -> list[SyncReport]:
    """Pull the providers' templates, of the accounts with these ids or of all."""
    return syncing.sync_templates(account_ids)


# --- badges --------------------------------------------------------------------------------------------------


def report(*, username: str | None = None, template_uuid: uuid.UUID | None = None) -> dict[str, Any]:
    """How far learners are: the structure of ``badge_report --format json``."""
    return reporting.report(username=username, template_uuid=template_uuid)


def explain(*, username: str, template_uuid: uuid.UUID, events: Iterable[Event] = ()) -> Explanation:
    """What a learner has done for a badge, what is missing, and why each of ``events`` does or does not count (S38)."""
    return explaining.explain(username, template_uuid, events)


def revoke_badge(*, credential_uuid: uuid.UUID) -> None:
    """Revoke a badge by hand; it stays revoked until :func:`release_badge` (S25)."""
    tasks.keep(manual.revoke(credential_uuid))


def release_badge(*, credential_uuid: uuid.UUID) -> None:
    """Let the learner's events award a badge again that a person revoked (S25)."""
    manual.release(credential_uuid)


# --- learners ------------------------------------------------------------------------------------------------


def retire_learner(*, username: str = "", lms_user_id: int | None = None, revoke_badges: bool = False) -> RetireReport:
    """
    Erase what identifies a learner from the app's tables, cancel what was to be issued to them, and with
    ``revoke_badges`` take their badges back. The journal stays, without the learner.

    Idempotent. Raises :class:`badges.exceptions.BadgesError` when nothing is known of such a learner.
    """
    retired = retiring.retire(username, lms_user_id, revoke_badges=revoke_badges)
    tasks.keep(retired.promises)
    return retired.report


# --- deliveries ----------------------------------------------------------------------------------------------


def deliver_due(
    *, retry_failed: bool = False, concurrency: int = 1, is_stopping: Callable[[], bool] = lambda: False
) -> DeliverReport:
    """
    Retry the failed events whose time has come and look into webhooks, then execute every delivery that is due, in
    this process, until none is left; with ``retry_failed`` the failed ones too. The Celery sweep, without Celery.

    ``concurrency`` deliveries are executed at the same time; more than one in threads of their own, each with a
    connection to the database. What another worker executes at the moment is left to it. Ends early, between two
    deliveries, once ``is_stopping``.
    """
    failures.retry(failures.due(), keep=tasks.keep)
    for webhook_id in inbox.due(grace=conf.enqueue_grace if conf.enqueue else 0):
        if is_stopping():
            break
        inbox.process(webhook_id)
    if retry_failed:
        _resend_all()
    counts: Counter[str | None] = Counter()
    tried: set[int] = set()
    while not is_stopping() and (ready := [pk for pk in claims.due() if pk not in tried]):
        tried.update(ready)
        counts.update(
            sharing.share(
                ready,
                beginning.begin,
                delivery.carry_out,
                threads=concurrency,
                is_stopping=is_stopping,
                together=not conf.account_rate_limit,  # each waits for its own turn, and is sent when that has come
            )
        )
    counting.count_sent(is_stopping=is_stopping)
    return DeliverReport(
        done=counts[Delivery.State.DONE], failed=counts[Delivery.State.FAILED], waiting=counts[Delivery.State.PENDING]
    )


def health() -> Health:
    """Whether anything needs a person; see :class:`Health`. Raises the database's errors."""
    return current_health()


def flush_announcements() -> None:
    """
    Wait until the event bus has what was announced; for a process that ends.

    Only stock producers send in the background.
    """
    publisher.flush()


def resend_delivery(*, delivery_id: int) -> None:
    """Try a failed delivery again. Raises :class:`badges.exceptions.BadgesError` when that is not possible (S32)."""
    repairing.resend(delivery_id)
    tasks.enqueue([delivery_id])


def cancel_delivery(*, delivery_id: int) -> None:
    """
    Give up a delivery that waits or has failed, for good; what was decided about the badge stays as it is.

    Raises :class:`badges.exceptions.BadgesError` when that is not possible, as while it is being sent.
    """
    tasks.enqueue(repairing.cancel(delivery_id))


def resume_account(*, account_id: int) -> bool:
    """
    Send with an account again at once that rests because its provider failed or asked to wait (S28); False when it
    does not rest. An account whose key was refused needs a new key instead (S30).
    """
    return pacing.resume(account_id)


def _resend_all() -> None:
    failed = Delivery.objects.filter(state=Delivery.State.FAILED).order_by("pk")
    for delivery_id in list(failed.values_list("pk", flat=True)):
        try:
            repairing.resend(delivery_id)
        except repairing.NotResendable:
            continue


# --- retention -----------------------------------------------------------------------------------------------


def purge(
    *, batch_size: int = 1000, dry_run: bool = False, told: Callable[[PurgeReport], object] = lambda report: None
) -> PurgeReport:
    """
    Delete what is older than ``REMEMBERED_DAYS`` and ``FINISHED_DAYS`` and read by nothing any more, ``batch_size``
    rows a transaction; with ``dry_run`` only count it. ``told`` is called with the report so far after each batch.

    Safe beside everything else that goes on, and to be killed at any moment. The journal stays, unless ``JOURNAL_DAYS``
    says for how long.
    """
    return retention.purge(batch_size=batch_size, dry_run=dry_run, told=told)
