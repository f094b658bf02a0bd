"""
Events that a receiver puts off, so that they can be handled together before their offsets are committed.

Only our consumer opens a batch; without one, as with the stock consumers, a receiver handles its event at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from badges.data import Event

HandleAll = Callable[[Sequence[Event]], None]


class Batch:
    """The events that were put off, at most ``size`` at a time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._events: list[tuple[HandleAll, Event]] = []

    @property
    def is_full(self) -> bool:
        return len(self._events) >= self._size

    def handle(self) -> None:
        """
        Have the events handled, in the order in which they came. What is raised tells that some are not: none of the
        messages that they came in may be committed then.
        """
        put_off, self._events = self._events, []
        for handle_all in dict.fromkeys(handle_all for handle_all, _ in put_off):
            handle_all([event for which, event in put_off if which == handle_all])

    def _put_off(self, event: Event, handle_all: HandleAll) -> None:
        self._events.append((handle_all, event))


_open: ContextVar[Batch | None] = ContextVar("badges_open_batch", default=None)


@contextmanager
def collecting(batch: Batch) -> Iterator[None]:
    """What receivers put off in this thread goes into ``batch``, which the caller has to have handled."""
    token = _open.set(batch)
    try:
        yield
    finally:
        _open.reset(token)


def is_open() -> bool:
    """Whether a receiver can put off the event that it has got."""
    return _open.get() is not None


def put_off(event: Event, handle_all: HandleAll) -> None:
    """Have ``handle_all`` called with this event and others, soon. Needs an open batch."""
    batch = _open.get()
    assert batch is not None
    batch._put_off(event, handle_all)
