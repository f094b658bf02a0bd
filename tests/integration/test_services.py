"""The servers of ``make services`` are there and are what the other tests here take them for."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

import redis
from confluent_kafka.admin import AdminClient


def test_redis_keeps_streams(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        identifier = client.xadd("test-stream", {"a": "1"})
        try:
            assert client.xrange("test-stream") == [(identifier, {b"a": b"1"})]
        finally:
            client.delete("test-stream")


def test_a_topic_has_three_replicas_on_three_brokers(
    kafka_bootstrap_servers: str, create_topic: Callable[..., str]
) -> None:
    topic = create_topic(partitions=2)
    described = AdminClient({"bootstrap.servers": kafka_bootstrap_servers}).list_topics(topic, timeout=30)
    assert len(described.brokers) == 3
    assert [len(partition.replicas) for partition in described.topics[topic].partitions.values()] == [3, 3]


def test_the_registry_gives_a_schema_the_same_id_twice(schema_registry_url: str) -> None:
    body = json.dumps({"schema": json.dumps({"type": "string"})}).encode()
    request = urllib.request.Request(  # noqa: S310 the address is our own
        f"{schema_registry_url}/subjects/test-value/versions",
        data=body,
        headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
        method="POST",
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    answers = [json.load(opener.open(request, timeout=10))["id"] for _ in range(2)]
    assert answers[0] == answers[1]
