"""Celery with Redis as its broker: workers issue, and what a broker loses or never got is found by a sweep."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from credentials_settings.sandbox.readiness import free_port, log_contains
from credentials_settings.sandbox.supervisor import Process, Supervisor
from tests.integration.bus import wait_for
from tests.integration.courses import Badge, badge
from tests.integration.peers import ROOT, running_peers
from tests.integration.world import World, names, world

pytestmark = pytest.mark.timeout(600)  # a busy machine takes its time

StartWorker = Callable[..., Process]


@pytest.fixture(scope="module")
def queue(redis_url: str) -> Iterator[str]:
    """A queue of our own, gone afterwards."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    with redis.Redis.from_url(redis_url) as client:
        for key in client.scan_iter(f"*{name}*"):  # what Celery keeps about it, too
            client.delete(key)


@pytest.fixture(scope="module")
def with_celery(
    postgres_url: str, redis_url: str, queue: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A world whose processes hand deliveries to Celery."""
    with world(
        postgres_url,
        tmp_path_factory.mktemp("celery"),
        peers=1,
        env={"CELERY_BROKER_URL": redis_url},
        EVENT_BUS_PRODUCER_CONFIG={},
        CELERY_TASK_DEFAULT_QUEUE=queue,
        BADGES={"ENQUEUE": True, "SWEEP_INTERVAL": 1},
    ) as made:
        yield made


@pytest.fixture
def start_worker(with_celery: World, supervisor: Supervisor) -> StartWorker:
    def start(*options: str) -> Process:
        command = [sys.executable, "-m", "celery", "-A", "credentials_settings", "worker", "--concurrency=2"]
        return supervisor.start(
            "worker",
            [*command, "--loglevel=INFO", *options],
            env=with_celery.env(),
            cwd=ROOT,
            ready=log_contains("ready."),
            timeout=120,
        )

    return start


def earn(world: World, one: Badge, learners: range, **env: str) -> None:
    """By a process whose environment has ``env`` over the usual."""
    lines = [one.line("A", learner=learner) for learner in learners]
    if not env:
        assert all(world.peers[0].ask("handle", lines=lines))
        return
    with running_peers(1, world.env(**env), world.directory) as (peer,):
        assert all(peer.ask("handle", lines=lines))


def issued(world: World, one: Badge, learners: range) -> bool:
    standing = world.standing(one)
    return standing.keys() == names(learners) and all(row["state"] == "pending" for row in standing.values())


def each_was_issued_once(world: World, one: Badge, learners: range) -> None:
    assert world.posts(one) == dict.fromkeys(names(learners), 1)
    assert {row["pending_deliveries"] for row in world.standing(one).values()} == {0}
    assert set(world.announced(learners).values()) == {1}


def test_a_worker_issues_what_was_awarded(with_celery: World, start_worker: StartWorker) -> None:  # S21
    one = badge("A")
    with_celery.load(one)
    learners = with_celery.learners(30)
    worker = start_worker()  # and no beat: without its task nothing would happen
    earn(with_celery, one, learners)
    wait_for("the badges at Credly", lambda: issued(with_celery, one, learners), worker)
    each_was_issued_once(with_celery, one, learners)


def test_without_a_broker_deliver_badges_heals(with_celery: World) -> None:  # S33
    one = badge("A")
    with_celery.load(one)
    learners = with_celery.learners(5)
    earn(with_celery, one, learners, CELERY_BROKER_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert not issued(with_celery, one, learners)
    assert "done=5 failed=0 waiting=0" in with_celery.manage("deliver_badges", "--once")
    assert issued(with_celery, one, learners)
    each_was_issued_once(with_celery, one, learners)


def test_what_the_broker_lost_is_found_by_the_sweep(
    with_celery: World, start_worker: StartWorker, redis_url: str, queue: str, tmp_path: Path
) -> None:  # S21, S33
    one = badge("A")
    with_celery.load(one)
    learners = with_celery.learners(10)
    earn(with_celery, one, learners)
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen(queue) == len(learners)
        client.delete(queue)
    worker = start_worker("-B", f"--schedule={tmp_path / 'schedule'}")
    wait_for("the badges at Credly", lambda: issued(with_celery, one, learners), worker)
    each_was_issued_once(with_celery, one, learners)
