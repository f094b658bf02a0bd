"""
Celery's queue in a folder, for one machine: kombu's ``filesystem://``, safe for several processes.

kombu's own makes a message's file before it writes it, and reads the table of an exchange while another process
replaces it; a worker that meets the empty file ends
(https://docs.celeryq.dev/projects/kombu/en/stable/reference/kombu.transport.filesystem.html). Here a message gets the
name that readers look for when it is whole, one process at a time is at the tables, and a file that is no message, as
a full disk or a power failure leaves behind, is passed over.
"""

from __future__ import annotations

import fcntl
import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

logger = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # as the class above does
        name = f"{time.monotonic_ns():020d}_{uuid.uuid4()}"
        partial = Path(self.data_folder_out) / name  # without a queue in its name: nobody's
        try:
            partial.write_text(dumps(payload))
            partial.rename(partial.with_name(f"{name}.{queue}.msg"))
        except OSError as error:
            raise ChannelError(f"Cannot put a message into {self.data_folder_out}: {error.strerror}") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        while True:
            try:
                message = super()._get(queue)  # the class above knows no time-out
            except ValueError:  # neither UTF-8 nor JSON; the file is gone from the queue by then
                message = None
            if isinstance(message, dict) and "properties" in message:
                return message
            logger.error(
                "A file of queue %s in %s is no message; removed. A task that is lost with it is queued again by the "
                "sweep.",
                queue,
                self.data_folder_in,
                extra={"action": "unreadable_message"},
            )

    def get_table(self, exchange: str) -> Any:
        with self._alone():
            return super().get_table(exchange)

    def _queue_bind(self, *arguments: Any) -> None:
        with self._alone():
            super()._queue_bind(*arguments)

    def _delete(self, *arguments: Any, **kwargs: Any) -> None:
        with self._alone():
            super()._delete(*arguments, **kwargs)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The only one at the tables of this folder, among all threads and processes."""
        self.control_folder.mkdir(exist_ok=True)
        with (self.control_folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    Channel = Channel


NAME: Final = f"{__name__}:{Transport.__qualname__}"


def use() -> None:
    """Make it what ``filesystem://`` means in this process."""
    TRANSPORT_ALIASES["filesystem"] = NAME
