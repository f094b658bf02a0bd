"""How far consumer groups are behind, as the Kafka brokers tell it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # its stub forgets one

from badges.eventbus.kafka import client_settings, full_topic
from badges.eventbus.troubles import Troubles
from badges.exceptions import ConfigurationError

EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]


def consumer_lags(consumers: Sequence[tuple[str, str]], *, timeout: float) -> list[Mapping[int, int] | None]:
    """
    For each (topic without prefix, group) the number of messages that the group has not committed yet, by partition.

    None where the brokers did not tell it within ``timeout`` seconds, which is for all of them together: they are
    away, there is no such topic, or the bus is not Kafka. Of a partition in which the group has committed nothing all
    messages count, because our consumer begins with the first.
    """
    give_up_at = time.monotonic() + timeout
    try:
        admin = AdminClient(client_settings(Troubles()))
        # All of them: to ask for one creates it where the brokers are set to create topics.
        topics = admin.list_topics(timeout=_left(give_up_at)).topics
    except (ConfigurationError, KafkaException, TimeoutError, ValueError):
        return [None] * len(consumers)
    lags: list[Mapping[int, int] | None] = []
    for topic, group in consumers:
        name = full_topic(topic)
        partitions = list(topics[name].partitions) if name in topics else []
        try:
            lags.append(_lag(admin, name, partitions, group, give_up_at) if partitions else None)
        except (KafkaException, TimeoutError):
            lags.append(None)
    return lags


def _lag(admin: AdminClient, topic: str, partitions: Sequence[int], group: str, give_up_at: float) -> Mapping[int, int]:
    places = [TopicPartition(topic, number) for number in partitions]
    begun = _committed(places, group, give_up_at)
    new = [place for place in places if place.partition not in begun]
    if new:
        begun |= _offsets(admin, new, EARLIEST, give_up_at)
    ends = _offsets(admin, places, LATEST, give_up_at)
    return {partition: max(end - begun[partition], 0) for partition, end in sorted(ends.items())}


def _committed(places: Sequence[TopicPartition], group: str, give_up_at: float) -> dict[int, int]:
    """
    Where the group goes on, for the partitions in which it has committed anything.

    Asked by a consumer that never joins: ``AdminClient.list_consumer_group_offsets`` can end the process when the
    group's coordinator has moved (https://github.com/confluentinc/confluent-kafka-python/issues/1982; seen with 2.16).
    """
    consumer = Consumer({**client_settings(Troubles()), "group.id": group})
    try:
        answer = consumer.committed(list(places), timeout=_left(give_up_at))
    finally:
        consumer.close()
    return {place.partition: place.offset for place in answer if place.error is None and place.offset >= 0}


def _offsets(
    admin: AdminClient, places: Sequence[TopicPartition], which: OffsetSpec, give_up_at: float
) -> dict[int, int]:
    asked = admin.list_offsets(dict.fromkeys(places, which), request_timeout=_left(give_up_at))
    return {place.partition: answer.result(_left(give_up_at)).offset for place, answer in asked.items()}


def _left(give_up_at: float) -> float:
    """Seconds that are left. Raises ``TimeoutError`` when there is no time for another question."""
    left = give_up_at - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
