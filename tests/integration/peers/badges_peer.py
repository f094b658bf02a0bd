"""
A process with the app in it, for tests: each line of standard input is an order, answered by a line of standard output.

Orders are the functions in ``ORDERS``; ``{"order": "handle", "lines": […]}`` is answered by ``{"result": …}`` or by
``{"error": stack}``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

import django

django.setup()

# What follows needs Django set up.
from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.contenttypes.models import ContentType  # noqa: E402
from django.contrib.sites.models import Site  # noqa: E402
from django.db import OperationalError, connection, transaction  # noqa: E402
from django.db.models.functions import Now  # noqa: E402

from badges import api  # noqa: E402
from badges.eventbus import publisher  # noqa: E402
from badges.exceptions import BadgesError  # noqa: E402
from badges.host import UserCredential  # noqa: E402
from badges.models import BadgeProgress, Delivery, FailedEvent, JournalEntry  # noqa: E402
from badges.services import failures  # noqa: E402
from badges.services.retiring import UnknownLearner  # noqa: E402

database_errors: list[str] = []


def handle(lines: list[dict[str, Any]], announce: bool = True) -> list[bool]:
    """
    Receive events one after the other; for each, whether it was handled (and not stored as a failed one).

    Without ``announce`` as if the process had died right after each commit, some time ago.
    """
    results = []
    for line in lines:
        event = api.read_line(line=json.dumps(line))
        received = api.receive_event(event=event) if announce else failures.receive(event)
        results.append(not received.failed)
        if not announce:
            claimed = Delivery.objects.filter(pk__in=[promise.announcement_id for promise in received.promises])
            claimed.update(lease_expires_at=Now() - datetime.timedelta(seconds=1))
    return results


def handle_together(lines: list[dict[str, Any]], size: int) -> list[bool]:
    """Receive events, so many in a batch; for each, whether it was handled."""
    events = [api.read_line(line=json.dumps(line)) for line in lines]
    batches = [events[start : start + size] for start in range(0, len(events), size)]
    return [not received.failed for batch in batches for received in api.receive_events(events=batch)]


def publish(lines: list[dict[str, Any]], topic: str, keys: list[str]) -> None:
    """Send events to the bus, each with the key field that ``keys`` has for it, in turn."""
    for number, line in enumerate(lines):
        key_field = f"course_passing_status.{keys[number % len(keys)]}"
        publisher.produce(api.read_line(line=json.dumps(line)), topic, key_field=key_field)
    publisher.flush()


def load(text: str) -> int:
    return len(api.load_definitions(text=text).changes)


def deliver() -> dict[str, int]:
    done = api.deliver_due()
    return {"done": done.done, "failed": done.failed, "waiting": done.waiting}


def deliveries() -> list[list[Any]]:
    """Of all deliveries: username, kind, state, attempts."""
    rows = Delivery.objects.order_by("pk")
    return [list(row) for row in rows.values_list("progress__user__username", "kind", "state", "attempts")]


def ledger(template: str) -> dict[str, Any]:
    """
    What is kept of one badge: its journal in order (username, kind, subject, event), the credentials and their status
    by username, how many deliveries are open (comparisons to come among them) and failed, and how many of those to the
    provider are over in any way.
    """
    of_the_badge = {"template__uuid": template}
    kinds = JournalEntry.Kind
    entries = JournalEntry.objects.filter(
        **of_the_badge, kind__in=[kinds.FULFILLED, kinds.RESET, kinds.AWARDED, kinds.REVOKED]
    )
    credentials = BadgeProgress.objects.filter(**of_the_badge, credential__isnull=False)
    deliveries = Delivery.objects.filter(progress__template__uuid=template)
    states = Counter(deliveries.values_list("state", flat=True))
    return {
        "entries": list(entries.order_by("pk").values_list("user__username", "kind", "subject", "event_id")),
        "credentials": {
            name: (str(uuid), status)
            for name, uuid, status in credentials.values_list(
                "user__username", "credential__uuid", "credential__status"
            )
        },
        "open": sum(states[state] for state in Delivery.OPEN),
        "failed": states[Delivery.State.FAILED],
        "over": deliveries.filter(lane=Delivery.Lane.PROVIDER).exclude(state__in=Delivery.OPEN).count(),
    }


def failed_events() -> list[str]:
    """The ids of the events that wait to be handled."""
    return sorted(FailedEvent.objects.values_list("event_id", flat=True))


def credential_of_the_service(username: str) -> None:
    """A credential that is none of ours, as the service makes them for programs."""
    kind = ContentType.objects.get_for_model(Site)
    UserCredential.objects.create(username=username, credential_content_type=kind, credential_id=1)


def transactions_of_the_service(usernames: list[str]) -> None:
    """For each learner who has a record by then one that changes it and a credential of the service's own."""
    kind = ContentType.objects.get_for_model(Site)
    users = get_user_model()._default_manager
    for number, username in enumerate(usernames):
        with transaction.atomic():
            user = users.select_for_update().filter(username=username).first()
            if user is not None:
                user.full_name = f"Learner {number}"
                user.save()
                UserCredential.objects.update_or_create(
                    username=username,
                    credential_content_type=kind,
                    credential_id=1,
                    defaults={"status": UserCredential.AWARDED},
                )


def deliver_until(count: int) -> None:
    """Execute what is due, again and again, until so many deliveries were done."""
    done = 0
    while done < count:
        done += api.deliver_due().done


def revoke_by_hand(template: str, count: int) -> list[str]:
    """Revoke badges of the template as soon as somebody holds one, until there were so many; whose they were."""
    held = BadgeProgress.objects.filter(template__uuid=template, credential__status=UserCredential.AWARDED)
    whose: list[str] = []
    while len(whose) < count:
        for username, credential in held.values_list("user__username", "credential__uuid"):
            with contextlib.suppress(BadgesError):  # an event was faster
                api.revoke_badge(credential_uuid=credential)
                whose.append(username)
    return whose


def retire(usernames: list[str]) -> None:
    """Each as soon as anything is known of them."""
    for username in usernames:
        while True:
            with contextlib.suppress(UnknownLearner):
                api.retire_learner(username=username, revoke_badges=True)
                break


def purge_often(rounds: int) -> int:
    """Purge, again and again, in small batches; how many rows went."""
    return sum(sum(dataclasses.astuple(api.purge(batch_size=25))) for _ in range(rounds))


def errors() -> list[str]:
    """The operational errors (deadlocks among them) that the database has answered in this process."""
    return database_errors


def count_errors(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    try:
        return execute(sql, params, many, context)
    except OperationalError as error:
        database_errors.append(f"{error} in {sql[:200]}")
        raise


ORDERS: dict[str, Callable[..., Any]] = {
    "hello": lambda: None,
    "handle": handle,
    "handle_together": handle_together,
    "publish": publish,
    "load": load,
    "deliver": deliver,
    "deliveries": deliveries,
    "ledger": ledger,
    "failed_events": failed_events,
    "credential_of_the_service": credential_of_the_service,
    "transactions_of_the_service": transactions_of_the_service,
    "deliver_until": deliver_until,
    "revoke_by_hand": revoke_by_hand,
    "retire": retire,
    "purge_often": purge_often,
    "errors": errors,
    "report": api.report,
}


def main() -> None:
    with connection.execute_wrapper(count_errors):
        for line in sys.stdin:
            arguments = json.loads(line)
            if connection.connection is not None and not connection.is_usable():  # the server was started anew
                connection.close()
            try:
                answer = {"result": ORDERS[arguments.pop("order")](**arguments)}
            except Exception:  # noqa: BLE001 - the test that gave the order fails with it
                answer = {"error": traceback.format_exc()}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
