"""From an event on the bus to the announcement in another app, through every consumer and producer that can be set."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from credentials_settings.sandbox.supervisor import Supervisor
from tests.integration.bus import (
    LIFECYCLE,
    OUR_CONSUMER,
    OUR_PRODUCER,
    STOCK_CONSUMER,
    STOCK_PRODUCER,
    USERNAME,
    Kafka,
    consume,
    wait_for,
)
from tests.integration.courses import Badge, badge
from tests.integration.other_app import OtherApp
from tests.integration.world import World, names, world

pytestmark = pytest.mark.timeout(600)  # a busy machine takes its time


def earn_and_lose(world: World, both: Badge, learners: range) -> None:
    """Everybody passes both courses, on the bus; the first one then fails the second."""
    lines = [both.line("A", learner=learner, at="10:00") for learner in learners]
    lines += [both.line("B", learner=learner, at="10:01") for learner in learners]
    lines.append(both.line("B", learner=learners[0], at="10:02", passing=False))
    world.peers[0].ask("publish", lines=lines, topic=LIFECYCLE, keys=[USERNAME])


def expected(learners: range) -> set[tuple[str, str]]:
    return {("awarded", name) for name in names(learners)} | {("revoked", f"learner{learners[0]}")}


# --- Kafka ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def other_app(bus: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherApp]:
    directory = tmp_path_factory.mktemp("other-app")
    with Supervisor(directory) as supervisor:
        yield OtherApp(supervisor, directory, dict(bus.env), f"--group={bus.prefix}-other-app")


@pytest.mark.parametrize("producer", [OUR_PRODUCER, STOCK_PRODUCER], ids=["our producer", "stock producer"])
@pytest.mark.parametrize("consumer", [OUR_CONSUMER, STOCK_CONSUMER], ids=["our consumer", "stock consumer"])
def test_events_on_kafka_become_badges_and_announcements(
    on_kafka: World, bus: Kafka, other_app: OtherApp, supervisor: Supervisor, consumer: str, producer: str
) -> None:  # S19, S21
    both = badge("AB", penalties="B")
    on_kafka.load(both)
    learners = on_kafka.learners(5)
    group = f"{bus.prefix}-{uuid.uuid4().hex[:8]}"
    # The stock consumer would lose what was sent before the group had a place.
    bus.move(group, LIFECYCLE, bus.ends(LIFECYCLE))
    env = on_kafka.env(EVENT_BUS_CONSUMER=consumer, EVENT_BUS_PRODUCER=producer)
    process = consume(supervisor, "consumer", LIFECYCLE, group, env)
    earn_and_lose(on_kafka, both, learners)
    wait_for("the announcements", lambda: other_app.told(learners) == expected(learners), process, other_app.process)
    assert on_kafka.holders(both) == names(learners[1:])


@pytest.mark.parametrize("producer", [OUR_PRODUCER, STOCK_PRODUCER], ids=["our producer", "stock producer"])
def test_a_worker_announces_on_kafka_what_a_consumer_could_not(
    on_kafka: World, other_app: OtherApp, producer: str
) -> None:  # S21
    one = badge("A")
    on_kafka.load(one)
    learners = on_kafka.learners(3)
    lines = [one.line("A", learner=learner) for learner in learners]
    on_kafka.peers[0].ask("handle", lines=lines, announce=False)
    said = on_kafka.manage("deliver_badges", "--once", EVENT_BUS_PRODUCER=producer)
    assert "in queue or transit" not in said  # librdkafka's farewell to what it did not send any more
    awards = {("awarded", name) for name in names(learners)}
    wait_for("the announcements", lambda: other_app.told(learners) == awards, other_app.process)
    assert {row["pending_deliveries"] for row in on_kafka.standing(one).values()} == {0}


# --- Redis ---------------------------------------------------------------------------------------------------


@pytest.fixture
def redis_server(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


def test_events_on_redis_become_badges_and_announcements(
    redis_server: redis.Redis, redis_url: str, mariadb_url: str, supervisor: Supervisor, tmp_path: Path
) -> None:  # S19, S21
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    stream = f"{prefix}-{LIFECYCLE}"
    env = {"EVENT_BUS": "redis", "REDIS_URL": redis_url, "EVENT_BUS_TOPIC_PREFIX": prefix}
    # Without check_backlog a consumer would lose what was sent before it had begun.
    extra = json.dumps({"consumer_name": "the-only-one", "check_backlog": True})
    try:
        for group in ("badges", "other-app"):
            redis_server.xgroup_create(stream, group, id="0", mkstream=True)
        with world(mariadb_url, tmp_path, peers=1, env=env) as on_redis:
            both = badge("AB", penalties="B")
            on_redis.load(both)
            learners = on_redis.learners(5)
            consumer = consume(supervisor, "consumer", LIFECYCLE, "badges", on_redis.env(), extra)
            env = {**env, "OTHER_APP_CONSUMER": "edx_event_bus_redis.RedisEventConsumer"}
            other_app = OtherApp(supervisor, tmp_path, env, "--group=other-app", f"--extra={extra}")
            earn_and_lose(on_redis, both, learners)
            both_processes = (consumer, other_app.process)
            wait_for("the announcements", lambda: other_app.told(learners) == expected(learners), *both_processes)
            assert on_redis.holders(both) == names(learners[1:])
            supervisor.stop_all()  # the database is removed next
    finally:
        redis_server.delete(stream)
