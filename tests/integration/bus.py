"""Apache Kafka as the processes of these tests use it: topics, consumers, what a group has committed."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from confluent_kafka import (
    Consumer,
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from credentials_settings.sandbox.supervisor import Process, Supervisor
from tests.integration.peers import ROOT

OUR_CONSUMER = "badges.eventbus.consumer.KafkaEventConsumer"
STOCK_CONSUMER = "edx_event_bus_kafka.KafkaEventConsumer"
OUR_PRODUCER = "badges.eventbus.producer.create_producer"
STOCK_PRODUCER = "edx_event_bus_kafka.create_producer"

LIFECYCLE = "learning-badges-lifecycle"
"""The platform's topic: its events, and our announcements."""

NOT_YET = frozenset(
    {
        # The coordinator of a group: for a moment after the cluster's first group, or when its broker has ended.
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        # The leader of a partition: for a moment after the topic was made, or when its broker has ended.
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError._NOENT,
        # A broker: for as long as nobody has noticed that it is away.
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
    }
)
"""What a cluster answers until it has settled."""

ANSWER_SECONDS = 30.0
ASK_SECONDS = 10.0
PATIENCE = float(os.environ.get("CHAOS_PATIENCE", "180"))
"""Seconds until what is waited for is a failure; far above what anything takes."""

COURSE_KEY = "course.course_key"
USERNAME = "user.pii.username"
EMAIL = "user.pii.email"


def wait_for(what: str, seen: Callable[[], Any], *processes: Process) -> Any:
    """
    What ``seen()`` returns, as soon as that is true.

    Fails when it does not come true, or when one of the processes ends meanwhile.
    """
    give_up_at = time.monotonic() + PATIENCE
    while not (found := seen()):
        for process in processes:
            assert process.running, f"{what}: {process.name} has ended with {process.returncode}:\n{process.tail()}"
        logs = "\n".join(process.tail() for process in processes)
        assert time.monotonic() < give_up_at, f"{what}: not within {PATIENCE:g} s\n{logs}"
        time.sleep(0.1)
    return found


Answer = TypeVar("Answer")


class Kafka:
    """
    A cluster, with topics below a prefix of their own: names are given and returned without it.

    ``env`` is what processes need to reach it.
    """

    def __init__(self, servers: str, registry_url: str) -> None:
        self.prefix = f"test-{uuid.uuid4().hex[:12]}"
        self.env: Mapping[str, str] = {
            "EVENT_BUS": "kafka",
            "EVENT_BUS_TOPIC_PREFIX": self.prefix,
            "EVENT_BUS_CONSUMER": OUR_CONSUMER,
            # As a platform sends its events.
            "EVENT_BUS_PRODUCER": STOCK_PRODUCER,
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "SCHEMA_REGISTRY_URL": registry_url,
        }
        self._servers = servers
        self.admin = self._connect()
        self._partitions: dict[str, list[TopicPartition]] = {}
        self._askers: dict[str, Consumer] = {}

    def _connect(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self._servers, "log_level": 2})  # that a broker is away is no news

    def _answer(self, what: str, ask: Callable[[], Answer]) -> Answer:
        """What ``ask()`` returns, asked again for as long as the cluster has not settled."""
        give_up_at = time.monotonic() + PATIENCE
        while True:
            try:
                return ask()
            except KafkaException as error:
                refused: KafkaError = error.args[0]
                assert refused.code() in NOT_YET, f"{what}: {refused}"
                assert time.monotonic() < give_up_at, f"{what}: not within {PATIENCE:g} s, {refused}"
                time.sleep(0.1)
                self.admin = self._connect()  # the old one believes for ever in the leaders that it has met

    def create_topic(self, topic: str = "", *, partitions: int = 3) -> str:
        topic = topic or f"events-{len(self._partitions)}"
        name = self.full_name(topic)
        self.admin.create_topics([NewTopic(name, partitions, replication_factor=-1)])[name].result(ANSWER_SECONDS)
        self._partitions[topic] = [TopicPartition(name, number) for number in range(partitions)]
        self.ends(topic)  # known to every broker a moment after the topic was made
        return topic

    def close(self) -> None:
        for asker in self._askers.values():
            asker.close()
        self.delete_topics()

    def delete_topics(self) -> None:
        if self._partitions:
            for deleted in self.admin.delete_topics([self.full_name(topic) for topic in self._partitions]).values():
                deleted.result(ANSWER_SECONDS)

    def full_name(self, topic: str) -> str:
        return f"{self.prefix}-{topic}"

    def leader(self, topic: str, partition: int) -> int:
        """The number of the broker that leads the partition."""
        name = self.full_name(topic)

        def leader() -> int:
            asked = self.admin.describe_topics(TopicCollection([name]), request_timeout=ASK_SECONDS)
            (leader,) = [
                found.leader for found in asked[name].result(ANSWER_SECONDS).partitions if found.id == partition
            ]
            if leader is None:
                raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE))
            return int(leader.id)

        return self._answer(f"leader of {name}, partition {partition}", leader)

    # --- groups ---

    def ends(self, topic: str) -> dict[int, int]:
        """The offset that the next message will get, by partition."""
        latest = dict.fromkeys(self._partitions[topic], OffsetSpec.latest())

        def ends() -> dict[int, int]:
            asked = self.admin.list_offsets(latest, request_timeout=ASK_SECONDS)
            return {place.partition: answer.result(ANSWER_SECONDS).offset for place, answer in asked.items()}

        return self._answer(f"ends of {self.full_name(topic)}", ends)

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """The offset at which the group goes on, by partition; 0 where it has committed none."""
        if group not in self._askers:  # they never join; an AdminClient dies of a coordinator that has moved
            self._askers[group] = Consumer(
                {"bootstrap.servers": self._servers, "group.id": group, "log_level": 2, "enable.auto.commit": False}
            )

        def committed() -> dict[int, int]:
            answer = self._askers[group].committed(self._partitions[topic], timeout=ASK_SECONDS)
            for place in answer:
                if place.error is not None:
                    raise KafkaException(place.error)
            return {place.partition: max(place.offset, 0) for place in answer}

        return self._answer(f"offsets of {group}", committed)

    def is_consumed(self, group: str, topic: str) -> bool:
        return self.committed(group, topic) == self.ends(topic)

    def move(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Let the group, which must have no members, go on from there."""
        name = self.full_name(topic)
        places = [TopicPartition(name, partition, offset) for partition, offset in offsets.items()]

        def move() -> None:
            answer = self.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, places)])
            for place in answer[group].result(ANSWER_SECONDS).topic_partitions:
                if place.error is not None:
                    raise KafkaException(place.error)

        self._answer(f"moved offsets of {group}", move)

    def has_no_members(self, group: str) -> bool:
        listed = self.admin.list_consumer_groups().result(ANSWER_SECONDS)
        (state,) = [found.state for found in listed.valid if found.group_id == group]
        return bool(state == ConsumerGroupState.EMPTY)

    def client_ids(self, group: str) -> list[str]:
        """Of the members of a group of the classic protocol."""

        def members() -> list[str]:
            described = self.admin.describe_consumer_groups([group])[group].result(ANSWER_SECONDS)
            return [member.client_id for member in described.members]

        return self._answer(f"members of {group}", members)


def consume(
    supervisor: Supervisor, name: str, topic: str, group: str, env: Mapping[str, str], extra: str = "{}"
) -> Process:
    """Start ``manage.py consume_events`` as a process."""
    command = ["manage.py", "consume_events", "-t", topic, "-g", group, "--extra", extra]
    return supervisor.start(name, [sys.executable, *command], env=env, cwd=ROOT)


@contextmanager
def kafka(servers: str, registry_url: str) -> Iterator[Kafka]:
    made = Kafka(servers, registry_url)
    try:
        yield made
    finally:
        made.close()
