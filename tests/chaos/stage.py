"""What the scenarios on one database share: the world, the bus, and the other app that reads the announcements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from credentials_settings.sandbox.supervisor import Supervisor
from scripts.services import addresses
from tests.integration.bus import LIFECYCLE, OUR_PRODUCER, STOCK_PRODUCER, Kafka, kafka
from tests.integration.other_app import OtherApp
from tests.integration.world import World, world

DATABASES = {"postgres": "POSTGRES_URL", "mariadb": "MARIADB_URL"}
SQLITE = "sqlite"

SHORT: Mapping[str, Any] = {
    # Seconds: what lasts minutes in production must not keep a scenario waiting.
    "ANNOUNCE_LEASE": 4,
    "PRODUCE_TIMEOUT": 2,
    "CONNECT_TIMEOUT": 1,
    "READ_TIMEOUT": 2,
    "REQUEST_DEADLINE": 3,
    "LEASE": 7,
    "SETTLE_TIME": 2,
    "BACKOFF_BASE": 0.5,
    "BACKOFF_CAP": 2,
    "SWEEP_INTERVAL": 0.5,
    "ENQUEUE_GRACE": 5,
    "DELIVERY_ATTEMPTS": 200,
    "BREAKER_PAUSE": 1,
    "KAFKA_SETTINGS": {
        "group.protocol": "classic",
        "session.timeout.ms": 4000,
        "heartbeat.interval.ms": 500,
        "fetch.wait.max.ms": 50,
        "reconnect.backoff.max.ms": 1000,
        "topic.metadata.refresh.interval.ms": 2000,
    },
}


@dataclass(frozen=True)
class Stage:
    database: str
    world: World
    bus: Kafka
    other_app: OtherApp
    group: str
    """The other app's."""


def address(variable: str) -> str:
    found = addresses.known().get(variable)
    if not found:
        raise SystemExit(f"{variable} is not set and {addresses.FILE.name} has no line for it: make services")
    return found


@contextmanager
def stage(database: str, directory: Path) -> Iterator[Stage]:
    """A migrated, empty database on the server of that name, and everything around it."""
    directory.mkdir(parents=True)
    with (
        kafka(address("KAFKA_BOOTSTRAP_SERVERS"), address("SCHEMA_REGISTRY_URL")) as bus,
        Supervisor(directory, grace=20) as supervisor,
    ):
        bus.create_topic(LIFECYCLE)
        group = f"{bus.prefix}-other-app"
        other_app = OtherApp(supervisor, directory, bus.env, f"--group={group}")
        # The peer sends events as a platform does; the processes of the scenarios announce with our producer.
        env = {**bus.env, "EVENT_BUS_PRODUCER": STOCK_PRODUCER}
        with world(
            f"sqlite:///{directory}" if database == SQLITE else address(DATABASES[database]),
            directory,
            peers=1,
            env=env,
            CELERY_TASK_DEFAULT_QUEUE=bus.prefix,
            BADGES=SHORT,
        ) as made:
            yield Stage(database, made, bus, other_app, group)


OURS = {"EVENT_BUS_PRODUCER": OUR_PRODUCER}
