"""Several threads at one list of deliveries: they wait for the provider at the same time, not one after the other."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from django.db import connections

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


def share(
    ids: Iterable[int], do: Callable[[int], Result], *, threads: int, is_stopping: Callable[[], bool]
) -> list[Result]:
    """
    Do each of ``ids`` once, in ``threads`` threads; the results, in the order in which they came.

    Ends early, after what is being done, once ``is_stopping``. A single thread is the caller's. Several are new ones,
    each with its own connection to the database, closed at its end. A thread that meets an error ends, and the others
    do its share; when all have ended so, their first error is raised.
    """
    left = deque(ids)
    results: list[Result] = []

    def work() -> None:
        while not is_stopping():
            try:
                one = left.popleft()  # atomic, so no two threads get the same
            except IndexError:
                return
            results.append(do(one))

    if threads == 1:
        work()
        return results

    def work_apart() -> None:
        try:
            work()
        finally:
            connections.close_all()  # this thread's

    with ThreadPoolExecutor(threads, thread_name_prefix="badges") as pool:
        started = [pool.submit(work_apart) for _ in range(min(threads, len(left)))]
        try:
            wait(started)
        finally:
            left.clear()  # whoever interrupts the waiting does not wait for all the rest
    errors = [error for thread in started if (error := thread.exception())]
    if errors and len(errors) == len(started):
        raise errors[0]
    for error in errors:
        logger.error(
            "A thread ended with %s; the others did the rest. What it had in hand is tried again.",
            type(error).__qualname__,  # its text may hold personal data
            extra={"action": "thread_ended"},
        )
    return results
