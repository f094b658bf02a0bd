"""
Builds that are broken on purpose, for ``TAMPERING`` (see :mod:`tests.chaos.tampering`).

Each is a mistake that somebody could make; :mod:`tests.chaos.mutating` shows that a scenario catches it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import uuid
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, Value

from badges import clock, handlers
from badges.conf import conf
from badges.engine import progress
from badges.eventbus import publisher
from badges.eventbus.consumer import Session
from badges.models import Delivery
from badges.services import batching, claims, delivery, failures, issuing, learners, processing, recording

# --- deciding ------------------------------------------------------------------------------------------------


def late_events_count() -> None:
    """No lateness check (S8): whatever comes is newer than what came before it."""
    progress._is_newer = progress._is_in_time = lambda known, time: True


def no_transaction() -> None:
    """What an event changes is committed statement by statement, without a lock (S6, S40)."""
    processing.transaction = SimpleNamespace(atomic=lambda **_: contextlib.nullcontext())  # type: ignore[assignment]
    learners.lock = get_user_model()._default_manager.in_bulk


def decisions_at_host_time() -> None:
    """A decision's time is the host's, also when that has stepped back (S21)."""
    recording.decision_time = lambda now, previous: now


# --- consuming -----------------------------------------------------------------------------------------------


def offsets_before_the_work() -> None:
    """The offset is committed when the message has been fetched."""
    handle = Session._handle

    def commit_and_handle(self: Any, message: Any) -> bool:
        self._commits.read(message)
        self._commits.flush(wait=True)
        return handle(self, message)

    Session._handle = commit_and_handle  # type: ignore[method-assign]


def failed_batches_are_passed_over() -> None:
    """Events that fail together are not tried one by one (S34)."""
    handle_all = batching.handle_all

    def handle_all_or_none(events: Any) -> list[processing.Handled]:
        try:
            return handle_all(events)
        except Exception:  # noqa: BLE001 - the mistake
            return [processing.UNMATCHED] * len(events)

    batching.handle_all = handle_all_or_none


def goes_on_without_a_database() -> None:
    """An event that could not be stored is logged, and the next one is taken (S35)."""
    handlers._stop = lambda error: None  # type: ignore[assignment, return-value]


def failed_events_are_logged_only() -> None:
    """An event that cannot be handled is not stored (S34)."""
    failures._store = lambda event, failure: failures._describe(failure)


# --- delivering ----------------------------------------------------------------------------------------------


def claim_without_condition() -> None:
    """Whoever sees a delivery executes it, also when somebody else does (S39)."""

    def claim_all(delivery_ids: Collection[int]) -> list[claims.Claim]:
        rows = Delivery.objects.filter(pk__in=delivery_ids, state__in=Delivery.OPEN)
        token, deadline = uuid.uuid4(), clock.monotonic() + conf.request_deadline
        lease = clock.DatabaseNow() + datetime.timedelta(seconds=conf.lease)
        held = [claims.Claim(row, token, unsettled=False, deadline=deadline) for row in rows]
        rows.update(state=Delivery.State.CLAIMED, claim=token, lease_expires_at=lease)
        return held

    claims.claim_all = claim_all


def no_look_up() -> None:
    """What is not known to have been issued is issued again, without a question (S31)."""
    issue = issuing.issue

    def issue_again(held: claims.Claim, *arguments: Any) -> issuing.Result:
        return issue(dataclasses.replace(held, unsettled=False), *arguments)

    delivery.ACTIONS[Delivery.Kind.ISSUE] = issue_again


def no_outbox() -> None:
    """A delivery is executed when the queue says so, and by nothing else (S21, S33)."""
    claims.due = lambda **_: []  # type: ignore[assignment]


def sent_is_announced() -> None:
    """An announcement counts as done when it was handed to the producer (S21)."""
    announce = publisher.announce

    def announce_and_hope(announcement: Any) -> None:
        with contextlib.suppress(Exception):
            announce(announcement)

    publisher.announce = announce_and_hope


def leases_by_the_hosts_clock() -> None:
    """Leases and due times are compared with the clock of the host (S39)."""

    def by_the_host(function: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            now = clock.now()
            claims.queries = claims._Queries()
            claims.EXECUTABLE = Q(state=Delivery.State.PENDING, next_attempt_at__lte=now) | Q(
                state=Delivery.State.CLAIMED, lease_expires_at__lt=now
            )
            return function(*arguments, **named)

        return call

    claims.DatabaseNow = lambda: Value(clock.now())  # type: ignore[assignment, misc]
    claims.due, claims.claim_all = by_the_host(claims.due), by_the_host(claims.claim_all)
