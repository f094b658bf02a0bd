"""
Our Kafka consumer for ``consume_events``: ``EVENT_BUS_CONSUMER = "badges.eventbus.consumer.KafkaEventConsumer"``.

It calls the same receivers with the same arguments as edx-event-bus-kafka's own, and differs where that one loses
events or hangs: a new group starts with the oldest event; SIGTERM lets it finish the event at hand, commit and leave
the group; a receiver that raises ``SystemExit`` ends the process without a commit of that event, so that it is
delivered again (S35); a schema registry that does not answer is waited for; so is a missing topic, for a time. It
asks librdkafka for no partition assignment strategy, so that consumers of both classes can share a group.

Receivers may put an event off (:mod:`badges.eventbus.batches`): what waits in a backlog is then handled together, at
most ``BATCH_SIZE`` events, and an event that comes alone at once.

Offsets are committed in the background, after what was put off is done: at the latest a second or a hundred events
(``BATCH_SIZE``, if that is more) after the event was received, and at once when no more are waiting. After a crash up
to that many are delivered again.
"""

from __future__ import annotations

import ctypes
import datetime
import logging
import time
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from django.conf import settings
from django.db import close_old_connections
from edx_django_utils.cache import RequestCache
from openedx_events.event_bus import EventBusConsumer

from badges.conf import conf
from badges.eventbus.batches import Batch, collecting
from badges.eventbus.catalogue import name_of
from badges.eventbus.kafka import client_settings, full_topic, schema_registry
from badges.eventbus.messages import Decoded, Decoder, event_id_of
from badges.eventbus.offsets import COMMIT_EVERY, Commits, move_group, read_moment
from badges.eventbus.stopping import StopRequest, stop_on_signals
from badges.eventbus.topics import topic_trouble, wait_for_topic
from badges.eventbus.troubles import Seldom, Troubles
from badges.exceptions import BusUnavailable, ConfigurationError, UnreadableEvent

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
"""How long one look for a message takes at the most, and with that how soon a signal is noticed."""

TIDY_SECONDS: Final = 1.0
REGISTRY_PAUSE: Final = 1.0
TOPIC_IS_GONE = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC})


class KafkaEventConsumer(EventBusConsumer):  # type: ignore[misc]
    """
    Consumes one topic (named without ``EVENT_BUS_TOPIC_PREFIX``) as a member of the group ``group_id``.

    ``offset_time`` (``--extra '{"offset_time": "2026-05-01T10:00:00Z"}'``) first moves the group to the events from
    that moment on, then consumes; a restart with it moves the group again. The constructor only keeps its arguments,
    because openedx-events turns an error in it into a warning and exit code 0.
    """

    def __init__(self, topic: str, group_id: str, offset_time: str | None = None, **unknown: Any) -> None:
        self.topic = topic
        self.group_id = group_id
        self.offset_time = offset_time
        self.unknown = unknown

    def consume_indefinitely(self) -> None:
        """
        Consume until SIGTERM or SIGINT.

        Raises ``SystemExit`` with a message, and so exit code 1, when it cannot go on; ``consume_events`` would turn
        any other error into exit code 0.
        """
        if not getattr(settings, "EVENT_BUS_KAFKA_CONSUMERS_ENABLED", True):
            logger.error("EVENT_BUS_KAFKA_CONSUMERS_ENABLED is False: not consuming %s.", self.topic)
            return
        try:
            with stop_on_signals() as stop:
                self._session(stop).run()
        except ConfigurationError as error:
            raise SystemExit(f"Cannot consume {self.topic}: {error}") from error
        except Exception as error:
            logger.exception("Cannot go on consuming %s.", self.topic)
            raise SystemExit(
                f"Cannot go on consuming {self.topic}: {type(error).__qualname__}; see the log."
            ) from error

    def _session(self, stop: StopRequest) -> Session:
        if self.unknown:
            raise ConfigurationError(f"--extra has options that are none: {', '.join(sorted(self.unknown))}.")
        start_at = None if self.offset_time is None else read_moment(self.offset_time)
        return Session(full_topic(self.topic), self.group_id, stop, start_at)


class Session:
    """
    One membership of a group, from joining to leaving.

    Raises :class:`ConfigurationError` when the settings cannot be used.
    """

    def __init__(self, topic: str, group_id: str, stop: StopRequest, start_at: datetime.datetime | None = None) -> None:
        self._topic = topic
        self._stop = stop
        self._start_at = start_at
        self._moved: set[int] = set()
        self._seldom = Seldom()
        self._tidied_at = time.monotonic()
        self._registry = schema_registry()
        self._decoder = Decoder(self._registry)
        self._troubles = Troubles()
        own = {
            "group.id": group_id,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "on_commit": self._troubles.log_commit,
        }
        options = {**client_settings(self._troubles), "auto.offset.reset": "earliest", **conf.kafka_settings, **own}
        try:
            self._consumer = Consumer(options, logger=logger)
        except KafkaException as error:
            raise ConfigurationError(f"BADGES['KAFKA_SETTINGS']: {error.args[0].str()}") from error
        self._batch = Batch(conf.batch_size)
        every = max(COMMIT_EVERY, conf.batch_size)
        self._commits = Commits(self._consumer, self._troubles, self._batch.handle, every)

    def run(self) -> None:
        """Consume until the process is asked to end. Raises ``SystemExit`` when it has to end."""
        try:
            if wait_for_topic(self._consumer, self._topic, self._stop):
                self._consumer.subscribe(
                    [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
                )
                logger.info("Consuming %s.", self._topic)
            with collecting(self._batch):
                while not self._stop.requested:
                    self._step()
        finally:
            self._registry.close()
            self._leave()

    def _step(self) -> None:
        """One look for a message, and all that follows from it."""
        message = self._consumer.poll(0 if self._commits.pending else POLL_SECONDS)
        if message is None:
            self._commits.flush()
        elif (error := message.error()) is not None:
            self._on_error(error)
        elif self._handle(message):
            self._commits.read(message)
            if self._batch.is_full:
                self._commits.finish()
        if time.monotonic() - self._tidied_at >= TIDY_SECONDS:
            self._tidy()

    # --- one message ---

    def _handle(self, message: Message) -> bool:
        """
        Whether ``message`` is done with, but for what was put off. What a receiver raises that is no ``Exception``
        passes through.
        """
        RequestCache.clear_all_namespaces()  # receivers may believe that they are in a request
        while True:
            try:
                decoded = self._decoder.decode(message)
            except UnreadableEvent as error:
                logger.error(
                    "A message was skipped, %s: %s", _place(message), error, extra={"action": "event_unreadable"}
                )
                return True
            except BusUnavailable as error:
                if self._seldom.due("registry"):
                    logger.warning("Waiting with %s: %s", _place(message), error)
                if self._stop.requested:
                    return False
                self._commits.flush()
                time.sleep(REGISTRY_PAUSE)
                continue
            self._seldom.over("registry")
            if decoded is not None:
                self._emit(decoded, message)
            return True

    def _emit(self, decoded: Decoded, message: Message) -> None:
        """Call the receivers. One that fails has to know what it lost: the event counts as handled."""
        try:
            responses = decoded.signal.send_event_with_custom_metadata(decoded.metadata, **decoded.data)
            failures = [(receiver, response) for receiver, response in responses if isinstance(response, Exception)]
        except Exception as error:  # noqa: BLE001 - DEBUG is on, or the signal refuses the data
            failures = [(decoded.signal, error)]
        for receiver, failure in failures:
            logger.error(
                "%s raised %s for %s (%s).",
                name_of(receiver),
                type(failure).__qualname__,  # its text may hold personal data; Django's own log has the traceback
                _place(message),
                decoded.signal.event_type,
                extra={"action": "receiver_failed", "event_id": str(decoded.metadata.id)},
            )
        if failures:
            self._tidy()

    def _tidy(self) -> None:
        """What Django does between requests: connections that are broken or older than CONN_MAX_AGE are closed."""
        close_old_connections()
        self._tidied_at = time.monotonic()

    # --- the group ---

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._start_at is not None:
            new = [partition for partition in partitions if partition.partition not in self._moved]
            move_group(consumer, new, self._start_at)
            self._moved.update(partition.partition for partition in new)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._commits.flush(wait=True)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._commits.forget()  # they are somebody else's by now; the events come again there

    def _leave(self) -> None:
        """Commit and leave, so that the next member starts at once."""
        try:
            topic_trouble(self._consumer, self._topic)
        except KafkaException:
            logger.warning(
                "The Kafka broker does not answer: leaving without a commit, some events will be delivered again."
            )
            # With a commit under way, closing it or just letting it go waits 45 s for the broker. The process is
            # ending: a reference that nobody gives back keeps librdkafka from noticing.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._consumer))
            return
        try:
            self._commits.flush(wait=True)
        finally:
            self._consumer.close()

    # --- trouble ---

    def _on_error(self, error: KafkaError) -> None:
        """An error in a message's place."""
        if error.fatal() or error.code() == KafkaError._FATAL:
            raise SystemExit(f"Kafka has ended this member of the group for good: {error.str()} ({error.name()}).")
        if error.code() in TOPIC_IS_GONE:
            wait_for_topic(self._consumer, self._topic, self._stop)
        elif error.code() != KafkaError._PARTITION_EOF:  # only with enable.partition.eof, and no trouble
            self._troubles.log(error)


def _place(message: Message) -> str:
    """Where a message is, to find it again."""
    return (
        f"event {event_id_of(message)} at {message.topic()}, partition {message.partition()}, offset {message.offset()}"
    )
