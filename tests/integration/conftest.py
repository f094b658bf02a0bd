"""
Real servers: their addresses, and something of its own on them for each test.

Addresses come from the environment, else from the file that ``make services`` writes. A server that is not there fails
the test that needs it: a skipped test proves nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from credentials_settings.sandbox.supervisor import Supervisor
from scripts.services import addresses
from tests.integration.bus import LIFECYCLE, Kafka, kafka
from tests.integration.databases import fresh_database
from tests.integration.world import World, world

TOPIC_SECONDS = 30.0


def address(variable: str) -> str:
    found = addresses.known().get(variable)
    if not found:
        pytest.fail(f"{variable} is not set and {addresses.FILE.name} has no line for it: make services", pytrace=False)
    return found


DATABASES = ("postgres", "mariadb", "sqlite")


def server(database: str, directory: Path) -> str:
    """What ``world`` takes for one of ``DATABASES``; SQLite's files are in ``directory``."""
    return f"sqlite:///{directory}" if database == "sqlite" else address(f"{database.upper()}_URL")


@pytest.fixture(scope="session")
def postgres_url() -> str:
    return address("POSTGRES_URL")


@pytest.fixture(scope="session")
def mariadb_url() -> str:
    return address("MARIADB_URL")


@pytest.fixture(scope="session")
def redis_url() -> str:
    return address("REDIS_URL")


@pytest.fixture(scope="session")
def kafka_bootstrap_servers() -> str:
    return address("KAFKA_BOOTSTRAP_SERVERS")


@pytest.fixture(scope="session")
def schema_registry_url() -> str:
    return address("SCHEMA_REGISTRY_URL")


@pytest.fixture(params=["POSTGRES_URL", "MARIADB_URL"], ids=["postgres", "mariadb"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address (as in ``DATABASE_URL``) of an empty database that only this test uses, on each server in turn."""
    with fresh_database(address(request.param)) as url:
        yield url


@pytest.fixture
def create_topic(kafka_bootstrap_servers: str) -> Iterator[Callable[..., str]]:
    """
    Makes a topic and returns its name: ``create_topic("events", partitions=3)``.

    The name is as given (say the prefix, if the code under test adds one) with a random end when ``unique``, the
    default. The brokers make no topic by themselves. Topics are removed after the test.
    """
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap_servers})
    made: list[str] = []

    def create(name: str = "test", *, partitions: int = 1, unique: bool = True) -> str:
        topic = f"{name}-{uuid.uuid4().hex[:12]}" if unique else name
        admin.create_topics([NewTopic(topic, partitions, replication_factor=-1)])[topic].result(TOPIC_SECONDS)
        made.append(topic)
        return topic

    yield create
    if made:
        for removed in admin.delete_topics(made).values():
            removed.result(TOPIC_SECONDS)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """Starts processes; what still runs is stopped after the test."""
    with Supervisor(tmp_path / "logs", grace=20) as made:
        yield made


@pytest.fixture(scope="session")
def bus(kafka_bootstrap_servers: str, schema_registry_url: str) -> Iterator[Kafka]:
    """Topics below a prefix of this run's own; the platform's is there."""
    with kafka(kafka_bootstrap_servers, schema_registry_url) as made:
        made.create_topic(LIFECYCLE)
        yield made


@pytest.fixture(scope="session")
def on_kafka(bus: Kafka, postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """
    A world whose processes are on the bus. Its one peer sends events as a platform does.

    Each test has a topic, badges and learners of its own.
    """
    with world(postgres_url, tmp_path_factory.mktemp("kafka"), peers=1, env=bus.env) as made:
        yield made
