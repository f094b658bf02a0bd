"""
A Kafka-protocol broker and a schema registry for a laptop and for tests, both in one process.

The broker is librdkafka's own mock cluster, so any Kafka client in any process can talk to it over TCP; the registry is
compatible with Confluent's. Messages, offsets and groups live in memory: a restart forgets them. Each partition keeps
about 5 MB (some 12,800 badge events), older messages vanish silently: for more, give a topic more partitions.
It is not a production broker, and its API is meant for tests: confluent-kafka is pinned.

As a process: ``python -m credentials_settings.sandbox.kafka --port 9092 --registry-port 8081 --topic NAME:PARTITIONS``.
In a test::

    with running_kafka(topics={"dev-learning-badges-lifecycle": 2}) as kafka:
        Producer({"bootstrap.servers": kafka.bootstrap_servers})

A topic has to be created before it is used; subscribing does not create it. With ``group.protocol=consumer`` a
consumer joins in a tenth of a second; with the classic protocol a rejoin waits for the session to run out.
"""

from __future__ import annotations

from credentials_settings.sandbox.kafka.server import RunningKafka, running_kafka

__all__ = ["RunningKafka", "running_kafka"]
