"""Several threads at one list of deliveries: they wait for the provider at the same time, not one after the other."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event, Lock
from typing import TypeVar

from django.db import connections

logger = logging.getLogger(__name__)

Begun = TypeVar("Begun")
Result = TypeVar("Result")

GATHERING = 0.02
"""For how many seconds an idle thread waits for others, because several ids are begun at the cost of one."""


def share(
    ids: Iterable[int],
    begin: Callable[[Collection[int]], Iterable[Begun]],
    do: Callable[[Begun], Result],
    *,
    threads: int,
    is_stopping: Callable[[], bool],
    together: bool = True,
) -> list[Result]:
    """
    ``begin`` each of ``ids`` once, and ``do`` each that was begun, in ``threads`` threads; the results, in the order in
    which they came.

    One thread at a time begins: with ``together`` as many ids as threads are idle, itself included, so what was begun
    is done at once. Ends early, after what is being done, once ``is_stopping``. A single thread is the caller's.
    Several are new ones, each with its own connection to the database, closed at its end. A thread that meets an error
    ends, and the others do its share; when all have ended so, their first error is raised.
    """
    left, begun, idle = deque(ids), deque[Begun](), deque[None]()
    threads = min(threads, len(left))
    turn, ending = Lock(), Event()
    results: list[Result] = []

    def take() -> Begun | None:
        idle.append(None)
        with turn:
            try:
                while not begun and left and not (is_stopping() or ending.is_set()):
                    if together:
                        _wait_until(lambda: len(idle) >= min(len(left), threads / 2))
                    group = [left.popleft() for _ in range(min(len(idle) if together else 1, len(left)))]
                    begun.extend(begin(group))
                return begun.popleft() if begun else None
            finally:
                idle.pop()

    def work() -> None:
        while (one := take()) is not None:
            results.append(do(one))

    if threads <= 1:
        work()
        return results

    def work_apart() -> None:
        try:
            work()
        finally:
            connections.close_all()  # this thread's

    with ThreadPoolExecutor(threads, thread_name_prefix="badges") as pool:
        started = [pool.submit(work_apart) for _ in range(threads)]
        try:
            wait(started)
        finally:
            ending.set()  # whoever interrupts the waiting does not wait for all the rest
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


def _wait_until(is_enough: Callable[[], bool]) -> None:
    end = time.monotonic() + GATHERING
    while not is_enough() and time.monotonic() < end:
        time.sleep(GATHERING / 10)
