"""
A Kafka client of its own process, for tests: ``produce SERVERS TOPIC FIRST COUNT`` or ``consume SERVERS TOPIC GROUP``.

The consumer reads from the earliest offset with ``group.protocol=consumer``. It prints one JSON line for each change of
its assignment and for each message, commits after each message, and ends after ``--count`` messages or on SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import signal

from confluent_kafka import Consumer, KafkaException, Producer


def say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def produce(servers: str, topic: str, first: int, count: int) -> None:
    producer = Producer({"bootstrap.servers": servers})

    def report(error: object, _message: object) -> None:
        if error is not None:
            raise KafkaException(error)

    for number in range(first, first + count):
        producer.produce(
            topic, value=str(number), headers={"number": str(number)}, partition=number % 2, callback=report
        )
    if producer.flush(20):
        raise SystemExit("not everything was delivered")


def consume(servers: str, topic: str, group: str, count: int | None) -> None:
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "group.protocol": "consumer",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 20,
        }
    )

    consumer.subscribe([topic])
    received = 0
    assigned: list[int] = []
    while not stopping and received != count:
        message = consumer.poll(0.1)
        # Not from on_assign: with this protocol it is told only what was added.
        now_assigned = sorted(partition.partition for partition in consumer.assignment())
        if now_assigned != assigned:
            assigned = now_assigned
            say(assigned=assigned)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        headers = dict(message.headers() or [])
        number = headers["number"]
        assert isinstance(number, bytes)
        say(value=int(message.value() or b""), partition=message.partition(), header=number.decode())
        consumer.commit(message=message, asynchronous=False)
        received += 1
    consumer.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["produce", "consume"])
    parser.add_argument("servers")
    parser.add_argument("topic")
    parser.add_argument("rest", nargs="+")
    parser.add_argument("--count", type=int)
    given = parser.parse_args()
    if given.action == "produce":
        produce(given.servers, given.topic, int(given.rest[0]), int(given.rest[1]))
    else:
        consume(given.servers, given.topic, given.rest[0], given.count)


if __name__ == "__main__":
    main()
