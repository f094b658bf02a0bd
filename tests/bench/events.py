"""
What one event costs: a pyperf script, ``python -m tests.bench.events --help``.

Times are those of our receiver, from the call by the public signal to its return: whatever an empty receiver costs is
spent outside. The database must be migrated; the templates are made here.
"""

from __future__ import annotations

import functools
import json
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import django
import pyperf

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.settings")
django.setup()

# What follows needs Django set up.
from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from openedx_events.data import EventsMetadata  # noqa: E402

from badges import handlers, tasks  # noqa: E402
from badges.data import Event  # noqa: E402
from badges.eventbus.signals import signal_of  # noqa: E402
from badges.services import processing, rulebook  # noqa: E402
from tests.bench.site import grow, new_learners, warm  # noqa: E402
from tests.builders import PASSING, event  # noqa: E402

SIGNAL = signal_of(PASSING)

learners = new_learners()


def handle(*events: Event) -> None:
    for each in events:
        tasks.keep(processing.handle(each).promises)


# --- one event of each kind, and what has to have happened before it ---


def unmatched() -> Event:
    return event("OfNoTemplate", learner=next(learners))


@functools.cache
def _known() -> Event:
    done = event("A", learner=next(learners))
    handle(done)
    return done


def redelivered() -> Event:
    return _known()


def progress() -> Event:
    """A known learner's first fulfilment."""
    learner = next(learners)
    username = f"learner{learner}"
    get_user_model().objects.create(username=username, lms_user_id=learner, email=f"{username}@example.com")
    return event("A", learner=learner)


def award() -> Event:
    learner = next(learners)
    handle(event("A", learner=learner))
    return event("B", learner=learner)


def revoke() -> Event:
    learner = next(learners)
    handle(event("A", learner=learner), event("B", learner=learner))
    return event("A", passing=False, learner=learner, at="11:00")


EVENTS: dict[str, Callable[[], Event]] = {
    "unmatched": unmatched,
    "redelivered": redelivered,
    "progress": progress,
    "award": award,
    "revoke": revoke,
}


def seconds(loops: int, make: Callable[[], Event]) -> float:
    """How long our receiver takes for ``loops`` events, what makes them not counted."""
    rulebook.current()
    spent = 0.0
    for _ in range(loops):
        made = make()
        metadata = EventsMetadata(event_type=made.type, id=uuid.UUID(made.id), time=made.time)
        kwargs = {"metadata": metadata, "from_event_bus": True, "course_passing_status": made.payload}
        began = time.perf_counter()
        handlers.receive(SIGNAL, **kwargs)
        spent += time.perf_counter() - began
    return spent


def statements(make: Callable[[], Event]) -> tuple[int, int]:
    """Of one event: to the commit, and to announce what it decided. As Django counts, begin and commit included."""
    made = make()
    rulebook.forget()
    rulebook.current()
    rulebook.current()  # reading so many rules may take longer than they may be used without a look
    with CaptureQueriesContext(connection) as deciding:
        handled = processing.handle(made)
    with CaptureQueriesContext(connection) as announcing:
        tasks.keep(handled.promises)
    return len(deciding), len(announcing)


def main() -> None:
    runner = pyperf.Runner(program_args=("-m", "tests.bench.events"))
    runner.argparser.add_argument("--templates", type=int, default=1)
    runner.argparser.add_argument("--statements", type=Path, help="where to write how many each kind takes, as JSON")
    options = runner.parse_args()
    warm()
    if not options.worker:
        grow(options.templates)
        if options.statements:
            counts = {name: statements(make) for name, make in EVENTS.items()}
            options.statements.write_text(json.dumps(counts))
    for name, make in EVENTS.items():
        runner.bench_time_func(name, seconds, make)


if __name__ == "__main__":
    main()
