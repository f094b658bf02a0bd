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

Work = TypeVar("Work")
Result = TypeVar("Result")

GATHERING = 0.02
"""For how many seconds an idle thread waits for others, because several ids are begun at the cost of one."""


def share(
    ids: Iterable[int],
    begin: Callable[[Collection[int]], Iterable[Work]],
    do: Callable[[Work], Result],
    *,
    threads: int,
    is_stopping: Callable[[], bool],
    together: bool = True,
) -> list[Result]:
    """
    ``begin`` each of ``ids`` once, and ``do`` what came of that, which is never None, in ``threads`` threads; the
    results, in the order in which they came.

    With ``together`` one thread at a time begins as many ids as threads are idle, itself included, so what was begun is
    done at once; without it each begins its own, and may wait there as long as it likes.

    Ends early, after what is being done, once ``is_stopping``. A single thread is the caller's. Several are new ones,
    each with its own connection to the database, closed at its end. A thread that meets an error ends, and the others
    do its share; when all have ended so, their first error is raised.
    """
    left = deque(ids)
    threads = min(threads, len(left))
    ending = Event()
    results: list[Result] = []

    def is_over() -> bool:
        return is_stopping() or ending.is_set()

    take = _together(left, begin, is_over, threads) if together else _alone(left, begin, is_over)

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


def _together(
    left: deque[int], begin: Callable[[Collection[int]], Iterable[Work]], is_over: Callable[[], bool], threads: int
) -> Callable[[], Work | None]:
    """What gives a thread the next to do, None at the end; what was begun is never more than the threads that wait."""
    begun, idle, begins = deque[Work](), deque[None](), Lock()

    def take() -> Work | None:
        idle.append(None)  # atomic, as pop is
        with begins:
            try:
                while not begun and left and not is_over():
                    _wait_until(lambda: len(idle) >= min(len(left), threads / 2))
                    group = [left.popleft() for _ in range(min(len(idle), len(left)))]
                    try:
                        begun.extend(begin(group))
                    except BaseException:
                        left.extendleft(reversed(group[1:]))  # but the first: if it is the culprit, it ends one thread
                        raise
                return begun.popleft() if begun else None
            finally:
                idle.pop()

    return take


def _alone(
    left: deque[int], begin: Callable[[Collection[int]], Iterable[Work]], is_over: Callable[[], bool]
) -> Callable[[], Work | None]:
    """As :func:`_together`, for threads that begin by themselves."""

    def take() -> Work | None:
        while not is_over():
            try:
                group = [left.popleft()]  # atomic, so no two threads get the same
            except IndexError:
                break
            for one in begin(group):
                return one
        return None

    return take


def _wait_until(is_enough: Callable[[], bool]) -> None:
    end = time.monotonic() + GATHERING
    while not is_enough() and time.monotonic() < end:
        time.sleep(GATHERING / 10)
