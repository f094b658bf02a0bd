"""
An app that sees what happens in a process of these tests: each public event that it received and each announcement.

Written as lines of JSON to the file that the environment variable ``WITNESS`` names; several processes may share it.
"""

from __future__ import annotations

import json
import os
from typing import Any

from django.apps import AppConfig
from openedx_events.learning.signals import BADGE_AWARDED, BADGE_REVOKED, COURSE_PASSING_STATUS_UPDATED

from badges.eventbus.batches import Batch, is_open

_unfinished: list[dict[str, Any]] = []
"""Events that were received and that the consumer is not through with."""


class WitnessConfig(AppConfig):
    """
    After ``badges`` in INSTALLED_APPS, so that it is called for an event when ``badges`` is through with it, or has put
    it off.
    """

    name = "tests.integration.witness"

    def ready(self) -> None:
        COURSE_PASSING_STATUS_UPDATED.connect(received, dispatch_uid="witness")
        for signal in (BADGE_AWARDED, BADGE_REVOKED):
            signal.connect(announced, dispatch_uid="witness")
        handle = Batch.handle

        def handle_and_tell(batch: Batch) -> None:
            handle(batch)
            while _unfinished:
                _write(**_unfinished.pop(0))

        Batch.handle = handle_and_tell  # type: ignore[method-assign]


def received(metadata: Any, course_passing_status: Any, **_: Any) -> None:
    facts = {"event": str(metadata.id), "username": course_passing_status.user.pii.username}
    if is_open():
        _unfinished.append(facts)
    else:
        _write(**facts)


def announced(metadata: Any, badge: Any, **_: Any) -> None:
    _write(
        type=metadata.event_type,
        credential=badge.uuid,
        username=badge.user.pii.username,
        time=metadata.time.isoformat(),
    )


def _write(**facts: Any) -> None:
    line = json.dumps({"pid": os.getpid(), **facts}) + "\n"
    file = os.open(os.environ["WITNESS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, line.encode())  # in one piece, so that lines of several processes don't mix
    finally:
        os.close(file)
