"""Waiting for a topic to exist."""

from __future__ import annotations

import logging
import time
from typing import Final

from confluent_kafka import Consumer, KafkaException
from django.conf import settings

from badges.conf import conf
from badges.eventbus.stopping import StopRequest
from badges.eventbus.troubles import Seldom

logger = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 0.5


def wait_for_topic(consumer: Consumer, topic: str, stop: StopRequest) -> bool:
    """
    Wait until the broker has ``topic`` (its full name): True, or False when the process was asked to end before.

    A broker that does not answer is waited for without an end. Raises ``SystemExit`` when an answering broker has not
    had the topic for ``TOPIC_WAIT`` seconds.
    """
    seldom = Seldom()
    give_up_at: float | None = None
    while not stop.requested:
        try:
            trouble = topic_trouble(consumer, topic)
        except KafkaException as error:
            if seldom.due("broker"):
                logger.warning("The Kafka broker does not answer (%s); still trying.", error.args[0].name())
            continue  # asking has taken ANSWER_SECONDS already
        if trouble is None:
            return True
        if give_up_at is None:
            give_up_at = time.monotonic() + conf.topic_wait
            logger.warning("Topic %s: %s Waiting for it up to %g s.", topic, trouble, conf.topic_wait)
        if time.monotonic() >= give_up_at:
            raise SystemExit(
                f"Cannot consume the topic {topic} of {settings.EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS}: {trouble} "
                f"Waited {conf.topic_wait:g} s for it. Create the topic, or correct -t and EVENT_BUS_TOPIC_PREFIX."
            )
        time.sleep(PAUSE_SECONDS)
    return False


def topic_trouble(consumer: Consumer, topic: str) -> str | None:
    """
    Why ``topic`` cannot be consumed, as a sentence; None when it can.

    Raises ``KafkaException`` when no broker answers within ``ANSWER_SECONDS``.
    """
    found = consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
    if found.error is not None:
        return f"{found.error.str().removeprefix('Broker: ')} ({found.error.name()})."
    return None if found.partitions else "It has no partitions."
