"""Ending a consumer from outside."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """``requested`` turns True when the process is asked to end; whoever loops looks at it between two steps."""

    requested = False


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """
    While the block lasts, SIGTERM and SIGINT only set the request. A second SIGINT interrupts as usual.

    Python delivers signals to the main thread alone: in another thread the request stays as it is.
    """
    stop = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def request(number: int, frame: FrameType | None) -> None:
        stop.requested = True
        signal.signal(signal.SIGINT, interrupt)

    terminate = signal.signal(signal.SIGTERM, request)
    interrupt = signal.signal(signal.SIGINT, request)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, terminate)
        signal.signal(signal.SIGINT, interrupt)
