"""A consumer's place in its partitions: committing it, and moving it to a moment."""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Callable
from typing import Final

from confluent_kafka import OFFSET_END, Consumer, KafkaException, Message, TopicPartition

from badges.eventbus.troubles import Troubles
from badges.exceptions import ConfigurationError

logger = logging.getLogger(__name__)

COMMIT_EVERY: Final = 100
COMMIT_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 10.0


class Commits:
    """
    How far each partition has been read, and telling the broker once what was read is done.

    ``finish`` does what receivers put off; it comes before every commit, and what it raises keeps everything from being
    committed that was read since the commit before. The broker is told after ``every`` messages, after
    ``COMMIT_SECONDS``, or by :meth:`flush`. Needs a consumer with ``enable.auto.commit`` and
    ``enable.auto.offset.store`` off.
    """

    def __init__(
        self, consumer: Consumer, troubles: Troubles, finish: Callable[[], None], every: int = COMMIT_EVERY
    ) -> None:
        self._consumer = consumer
        self._troubles = troubles
        self._finish = finish
        self._every = every
        self._told_at = time.monotonic()
        self._last: dict[tuple[str | None, int | None], Message] = {}
        self.pending = 0

    def read(self, message: Message) -> None:
        """``message`` was given to the receivers, like every one before it in its partition."""
        self._last[message.topic(), message.partition()] = message
        self.pending += 1
        if self.pending >= self._every or time.monotonic() - self._told_at >= COMMIT_SECONDS:
            self.flush()

    def flush(self, *, wait: bool = False) -> None:
        """Finish what was read and tell the broker; with ``wait``, until it has confirmed or refused."""
        if not self.pending:
            return
        self.finish()
        last = self.forget()
        self._told_at = time.monotonic()
        stored = [message for message in last if self._store(message)]
        if not stored:
            return
        try:
            if wait:
                self._consumer.commit(asynchronous=False)
            else:
                self._consumer.commit(asynchronous=True)
        except KafkaException as error:
            self._troubles.log_commit(error.args[0])

    def finish(self) -> None:
        """Finish what was read; what this raises keeps it from being committed."""
        try:
            self._finish()
        except BaseException:
            self.forget()
            raise

    def _store(self, message: Message) -> bool:
        try:
            self._consumer.store_offsets(message=message)
        except KafkaException as error:  # the partition was taken away meanwhile
            self._troubles.log_commit(error.args[0])
            return False
        return True

    def forget(self) -> list[Message]:
        """The last message of each partition since the commit before; they will not be committed any more."""
        last, self._last, self.pending = list(self._last.values()), {}, 0
        return last


# --- moving --------------------------------------------------------------------------------------------------


def read_moment(text: str) -> datetime.datetime:
    """The moment that ``text`` (ISO 8601; without an offset: UTC) tells. Raises :class:`ConfigurationError`."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ConfigurationError("offset_time must be a text in ISO 8601, such as 2026-05-01T10:00:00Z.") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)


def move_group(consumer: Consumer, partitions: list[TopicPartition], moment: datetime.datetime) -> None:
    """
    Move the group to the first message of each partition at or after ``moment``; to the end where there is none.

    To be called while the partitions are being assigned: they then start from there. Raises ``KafkaException`` when the
    broker does not answer.
    """
    milliseconds = int(moment.timestamp() * 1000)
    wanted = [TopicPartition(partition.topic, partition.partition, milliseconds) for partition in partitions]
    found = consumer.offsets_for_times(wanted, timeout=ANSWER_SECONDS)
    for partition in found:
        if partition.offset == OFFSET_END:
            _, partition.offset = consumer.get_watermark_offsets(partition, timeout=ANSWER_SECONDS)
    consumer.commit(offsets=found, asynchronous=False)
    places = ", ".join(f"{partition.partition}: {partition.offset}" for partition in found)
    logger.warning("The group was moved to %s (partition: offset %s).", moment.isoformat(), places)
