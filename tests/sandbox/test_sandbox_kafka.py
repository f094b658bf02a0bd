"""The embedded broker with clients in other processes: what is sent arrives, is shared, and is remembered as read."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from credentials_settings.sandbox.kafka import RunningKafka, running_kafka
from credentials_settings.sandbox.kafka.__main__ import main
from credentials_settings.sandbox.kafka.cluster import ClusterError
from credentials_settings.sandbox.readiness import file_written, free_port
from credentials_settings.sandbox.supervisor import Process, Supervisor, SupervisorError
from tests.sandbox.conftest import ROOT

PEERS = Path(__file__).parent / "peers"
MODULE = "credentials_settings.sandbox.kafka"
BUS_TOPIC = "dev-learning-badges-lifecycle"


def start_broker(
    supervisor: Supervisor, tmp_path: Path, *options: str | Path, name: str = "kafka"
) -> tuple[Process, dict[str, Any]]:
    ready = tmp_path / f"{name}.json"
    ports = ["--port", "0", "--registry-port", "0"]
    argv = [sys.executable, "-m", MODULE, *ports, "--ready-file", str(ready), *options]
    process = supervisor.start(name, argv, ready=file_written(ready), cwd=ROOT)
    facts: dict[str, Any] = json.loads(ready.read_text())
    return process, facts


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The addresses of a broker for the tests that leave no traces but in a topic of their own."""
    directory = tmp_path_factory.mktemp("broker")
    topics = ["--topic", f"{BUS_TOPIC}:2", "continued:2", "shared:2"]
    with Supervisor(directory) as supervisor:
        yield start_broker(supervisor, directory, "--session-timeout-ms", "1000", *topics)[1]


def run(supervisor: Supervisor, name: str, script: str, *arguments: str, env: dict[str, str] | None = None) -> Process:
    return supervisor.start(name, [sys.executable, PEERS / script, *arguments], env=env)


def finish(process: Process) -> list[dict[str, Any]]:
    """What the process has said on lines of JSON, once it has ended without an error."""
    assert process.wait(30) == 0, process.tail()
    return said(process)


def said(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in process.output().splitlines() if line.startswith("{") and line.endswith("}")]


def wait_for(condition: Callable[[], bool], *processes: Process) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "\n".join(process.tail() for process in processes)
        time.sleep(0.05)


def values(process: Process) -> list[int]:
    return [line["value"] for line in said(process) if "value" in line]


def partitions(process: Process) -> list[int]:
    """The partitions that the process was assigned last."""
    assignments: list[list[int]] = [line["assigned"] for line in said(process) if "assigned" in line]
    return assignments[-1] if assignments else []


def test_a_consumer_continues_where_its_group_has_committed(supervisor: Supervisor, broker: dict[str, Any]) -> None:
    servers, topic = broker["bootstrap_servers"], "continued"
    finish(run(supervisor, "producer", "plain_peer.py", "produce", servers, topic, "0", "10"))
    first = finish(run(supervisor, "consumer", "plain_peer.py", "consume", servers, topic, "g", "--count", "4"))
    second = finish(run(supervisor, "consumer", "plain_peer.py", "consume", servers, topic, "g", "--count", "6"))
    other = finish(run(supervisor, "other", "plain_peer.py", "consume", servers, topic, "h", "--count", "10"))
    read = [[line["value"] for line in lines if "value" in line] for lines in (first, second, other)]
    assert [len(part) for part in read] == [4, 6, 10]
    assert sorted(read[0] + read[1]) == sorted(read[2]) == list(range(10))
    assert all(line["header"] == str(line["value"]) for line in other if "value" in line)


def test_two_consumers_share_the_partitions_and_one_inherits_those_of_the_other(
    supervisor: Supervisor, broker: dict[str, Any]
) -> None:
    servers, topic = broker["bootstrap_servers"], "shared"
    consumers = [
        run(supervisor, name, "plain_peer.py", "consume", servers, topic, "shared") for name in ("left", "right")
    ]
    wait_for(lambda: sorted(map(partitions, consumers)) == [[0], [1]], *consumers)
    finish(run(supervisor, "producer", "plain_peer.py", "produce", servers, topic, "0", "20"))
    wait_for(lambda: len(values(consumers[0])) + len(values(consumers[1])) == 20, *consumers)
    assert [sorted(values(consumer)) for consumer in sorted(consumers, key=partitions)] == [
        list(range(0, 20, 2)),
        list(range(1, 20, 2)),
    ]
    supervisor.kill("left")
    finish(run(supervisor, "producer", "plain_peer.py", "produce", servers, topic, "20", "10"))
    wait_for(lambda: set(values(consumers[1])) >= set(range(20, 30)), *consumers)
    supervisor.stop("right")
    assert consumers[1].returncode == 0


def test_events_travel_with_the_serializers_of_the_event_bus(supervisor: Supervisor, broker: dict[str, Any]) -> None:
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": broker["bootstrap_servers"],
        "SCHEMA_REGISTRY_URL": broker["schema_registry_url"],
    }
    consumer = run(supervisor, "consumer", "bus_peer.py", "consume", "3", env=env)
    finish(run(supervisor, "producer", "bus_peer.py", "produce", "3", env=env))
    assert finish(consumer) == [
        {
            "learner": f"learner{number}",
            "course": "course-v1:edX+A+1",
            "type": "org.openedx.learning.course.passing.status.updated.v1",
        }
        for number in (1, 2, 3)
    ]


def test_it_has_the_topics_and_ports_that_were_asked_for(supervisor: Supervisor, tmp_path: Path) -> None:
    port, registry_port = free_port(), free_port()
    options = ["--port", str(port), "--registry-port", str(registry_port), "--topic", "a:2", "b:3", "c"]
    process, facts = start_broker(supervisor, tmp_path, *options)
    assert facts == {
        "pid": process.pid,
        "bootstrap_servers": f"127.0.0.1:{port}",
        "schema_registry_url": f"http://127.0.0.1:{registry_port}",
    }
    metadata = AdminClient({"bootstrap.servers": facts["bootstrap_servers"]}).list_topics(timeout=10)
    assert {name: len(topic.partitions) for name, topic in metadata.topics.items()} == {"a": 2, "b": 3, "c": 1}
    assert [f"{broker.host}:{broker.port}" for broker in metadata.brokers.values()] == [facts["bootstrap_servers"]]
    listening = [row.laddr for row in psutil.Process(process.pid).net_connections() if row.status == "LISTEN"]
    assert {address.ip for address in listening} == {"127.0.0.1"}
    supervisor.stop("kafka")
    assert process.returncode == 0
    assert "Traceback" not in process.output()


@pytest.mark.parametrize("option", ["--port", "--registry-port"])
def test_a_taken_port_is_named(supervisor: Supervisor, broker: dict[str, Any], tmp_path: Path, option: str) -> None:
    port = broker["bootstrap_servers"].split(":")[1]
    with pytest.raises(SupervisorError) as caught:
        start_broker(supervisor, tmp_path, option, port)
    assert "ended with code 1" in str(caught.value)
    assert port in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("topic", ["a:0", ":1", "a:many"])
def test_a_topic_without_name_or_partitions_is_refused(topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--port", "0", "--registry-port", "0", "--topic", topic])
    assert caught.value.code == 2
    assert f"{topic!r} is not NAME:PARTITIONS" in capsys.readouterr().err


def test_a_topic_is_created_once() -> None:
    with running_kafka(topics={"a": 1}) as kafka:
        kafka.create_topic("b", 2)
        with pytest.raises(ClusterError, match="create the topic a with 1 partitions"):
            kafka.create_topic("a")
        assert topic_sizes(kafka) == {"a": 1, "b": 2}


def topic_sizes(kafka: RunningKafka) -> dict[str, int]:
    topics = AdminClient({"bootstrap.servers": kafka.bootstrap_servers}).list_topics(timeout=10).topics
    return {name: len(topic.partitions) for name, topic in topics.items()}
