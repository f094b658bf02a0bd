"""Log lines about troubles that last: at once, then now and then."""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable
from typing import Final

from confluent_kafka import KafkaError, TopicPartition

logger = logging.getLogger(__name__)

REPEAT_SECONDS: Final = 60.0


class Seldom:
    """Tells whether a trouble should be logged: when it is new, and every ``REPEAT_SECONDS`` while it lasts."""

    def __init__(self) -> None:
        self._last: dict[Hashable, float] = {}

    def due(self, trouble: Hashable) -> bool:
        now = time.monotonic()
        if now - self._last.get(trouble, float("-inf")) < REPEAT_SECONDS:
            return False
        self._last[trouble] = now
        return True

    def over(self, trouble: Hashable) -> None:
        """It has passed: the next time it is new."""
        self._last.pop(trouble, None)


class Troubles:
    """Logs what librdkafka runs into; it goes on trying by itself. The methods are its callbacks."""

    def __init__(self) -> None:
        self._seldom = Seldom()

    def log(self, error: KafkaError) -> None:
        """For ``error_cb``, and for errors in a message's place."""
        if self._seldom.due(error.code()):
            logger.warning("Kafka: %s (%s). Still trying.", error.str(), error.name())

    def log_commit(self, error: KafkaError | None, _partitions: list[TopicPartition] | None = None) -> None:
        """For ``on_commit``: a commit that did not succeed is no harm, but worth a line."""
        if error is None or error.code() == KafkaError._NO_OFFSET:
            return
        if self._seldom.due(("commit", error.code())):
            logger.warning("Offsets were not committed (%s): some events will be delivered again.", error.name())
