"""Celery: ids in, one service call, enqueue what follows. Losing a task loses nothing; the sweep finds the row."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from celery import shared_task
from django.utils.module_loading import import_string
from edx_django_utils.monitoring import set_custom_attribute
from kombu.exceptions import OperationalError

from badges import clock
from badges.conf import conf
from badges.exceptions import database_said
from badges.services import claims, counting, delivery, failures, inbox
from badges.services.announcing import announce_promised
from badges.services.connecting import DATABASE_TROUBLE
from badges.services.outbox import Promise

logger = logging.getLogger(__name__)


@shared_task(name="badges.deliver", ignore_result=True, acks_late=True)
def deliver(delivery_id: int) -> None:
    """Execute one delivery, and hand on those that had to wait for it."""
    executed = delivery.execute(delivery_id)
    set_custom_attribute("badges_delivery_id", delivery_id)
    set_custom_attribute("badges_delivery_state", executed.state or "not executed")
    enqueue(executed.following)


@shared_task(name="badges.process_webhook", ignore_result=True, acks_late=True)
def process_webhook(webhook_id: int) -> None:
    """Look into one webhook."""
    inbox.process(webhook_id)


@shared_task(name="badges.sweep", ignore_result=True)
def sweep() -> None:
    """
    Enqueue every delivery and webhook that is due, retry the failed events whose time has come, and add up what was
    announced.
    """
    enqueue(claims.due(enqueue=True))
    enqueue_webhooks(inbox.due(grace=conf.enqueue_grace))
    ready = failures.due()
    if ready:
        failures.retry(ready, keep=keep)
    counting.count_sent()


QUEUE_PAUSE = 5.0
"""For how many seconds a task queue that did not answer is left alone, so that it does not hold up every event."""

_queue_away_until = 0.0


def enqueue(delivery_ids: Iterable[int]) -> None:
    """
    Hand deliveries to the workers. A queue that is away is no error: they are rows, and the sweep comes back to them
    (S33).
    """
    _send(deliver.name, delivery_ids)


def enqueue_webhooks(webhook_ids: Iterable[int]) -> None:
    """Hand webhooks to the workers; as :func:`enqueue`."""
    _send(process_webhook.name, webhook_ids)


def _send(task: str, ids: Iterable[int]) -> None:
    global _queue_away_until
    if not conf.enqueue or clock.monotonic() < _queue_away_until:
        return
    app = import_string(conf.celery_app)
    for pk in ids:
        try:
            app.send_task(task, (pk,), retry=False, ignore_result=True)
        except (OperationalError, OSError) as error:
            _queue_away_until = clock.monotonic() + QUEUE_PAUSE
            logger.warning(
                "The task queue is away (%s); the sweep will find what there is to do.",
                type(error).__name__,
                extra={"action": "enqueue_failed", "task": task, "row": pk},
            )
            return


def keep(promises: Iterable[Promise]) -> None:
    """
    What happens after the commit: the announcement, then the issuing task (S21).

    Never raises: everything is a row already, and the sweep keeps what could not be kept here.
    """
    for promise in promises:
        try:
            announce_promised(promise)
        except DATABASE_TROUBLE as error:
            logger.warning(
                "The result of announcement %s was not recorded (%s); the sweep sends it again.",
                promise.announcement_id,
                database_said(error),
                extra={"action": "announce_unrecorded", "delivery_id": promise.announcement_id},
            )
        waiting = [promise.announcement_id] if promise.claim is None else []
        enqueue([*waiting, promise.provider_id])
