"""Apache Kafka: three brokers that are controllers too (KRaft), replication 3, two of three must be there to write."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import socket
import uuid
from pathlib import Path

from scripts.services.daemon import Daemon, initialise, own_directory
from scripts.services.place import HOST, Place

BROKERS = (1, 2, 3)
NAMES = tuple(f"kafka-{number}" for number in BROKERS)
PORTS = (*NAMES, *(f"{name}-controller" for name in NAMES))

STARTED = "Kafka Server started"  # in the log once the controllers let the broker serve


def address(place: Place) -> str:
    return ",".join(f"{HOST}:{place.port(name)}" for name in NAMES)


def cluster_id(place: Place) -> str:
    """The same for all brokers, which get ready at the same time: whoever comes first chooses it."""
    file = place.directory / "data" / "kafka-cluster-id"
    proposal = file.with_name(f"{file.name}-{uuid.uuid4()}")
    proposal.write_text(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
    with contextlib.suppress(FileExistsError):
        os.link(proposal, file)  # in one step, so that nobody reads half of it
    proposal.unlink()
    return file.read_text()


def settings(place: Place, number: int, logs: Path) -> str:
    name = f"kafka-{number}"
    voters = ",".join(f"{other}@{HOST}:{place.port(f'kafka-{other}-controller')}" for other in BROKERS)
    lines = {
        "process.roles": "broker,controller",
        "node.id": number,
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://{HOST}:{place.port(name)},CONTROLLER://{HOST}:{place.port(f'{name}-controller')}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{place.port(name)}",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": logs,
        # As in production: a topic is there because somebody made it. A test makes its own.
        "auto.create.topics.enable": "false",
        "num.partitions": 3,
        "default.replication.factor": 3,
        "min.insync.replicas": 2,
        "offsets.topic.replication.factor": 3,
        "offsets.topic.num.partitions": 3,
        "transaction.state.log.replication.factor": 3,
        "transaction.state.log.num.partitions": 3,
        "share.coordinator.state.topic.replication.factor": 3,
        "group.initial.rebalance.delay.ms": 0,
        # Tests kill members and brokers; that should be noticed within seconds, if they ask for it.
        "group.min.session.timeout.ms": 1000,
        "broker.session.timeout.ms": 5000,
        "broker.heartbeat.interval.ms": 1000,
    }
    return "".join(f"{key}={value}\n" for key, value in lines.items())


def daemon(place: Place, number: int, jars: Path) -> Daemon:
    name = f"kafka-{number}"
    data = place.data(name)
    file = data / "server.properties"
    java = [shutil.which("java") or "java", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*"]

    def prepare() -> None:
        own_directory(data, None)
        file.write_text(settings(place, number, data / "log"))
        if not (data / "log" / "meta.properties").exists():
            initialise(*java, "kafka.tools.StorageTool", "format", "-t", cluster_id(place), "-c", file)

    def healthy() -> bool:
        log = place.log(name)
        if not log.exists() or STARTED not in log.read_text(errors="replace"):
            return False
        try:
            socket.create_connection((HOST, place.port(name)), timeout=1).close()
        except OSError:
            return False
        return True

    return Daemon(
        name=name,
        command=[*java, "kafka.Kafka", file],
        marker=str(file),
        prepare=prepare,
        healthy=healthy,
    )
