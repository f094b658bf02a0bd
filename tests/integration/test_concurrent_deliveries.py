"""One ``deliver_badges`` with several deliveries at a time."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from credentials_settings.sandbox.supervisor import Process, Supervisor
from tests.integration.bus import wait_for
from tests.integration.conftest import DATABASES, server
from tests.integration.courses import Badge, badge
from tests.integration.peers import ROOT
from tests.integration.world import World, names, world

pytestmark = pytest.mark.timeout(600)  # a busy machine takes its time

THREADS = 6
LEARNERS = 50
PATIENT = {"READ_TIMEOUT": 300, "REQUEST_DEADLINE": 400, "LEASE": 1000}
"""While a test holds Credly's answers nothing runs out, however long a busy machine takes."""


@pytest.fixture(scope="module", params=DATABASES)
def one_world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Each test has a badge and learners of its own, and counts Credly's traffic anew."""
    directory = tmp_path_factory.mktemp("world")
    with world(server(request.param, directory), directory, peers=1, BADGES=PATIENT) as made:
        yield made


def awarded(world: World) -> tuple[Badge, range]:
    """A badge that learners have earned and that is still to be issued; Credly will hold every request to do so."""
    one = badge("A")
    world.load(one)
    learners = world.learners(LEARNERS)
    assert all(world.peers[0].ask("handle", lines=[one.line("A", learner=learner) for learner in learners]))
    world.order_fault(match="POST /badges", mode="hold", times=None)
    world.forget_traffic()
    return one, learners


def start(world: World, supervisor: Supervisor, *options: str) -> Process:
    command = [sys.executable, "manage.py", "deliver_badges", f"--concurrency={THREADS}", *options]
    return supervisor.start("deliver", command, env=world.env(), cwd=ROOT)


def states(world: World, learners: range) -> Counter[tuple[str, int]]:
    """How many of the learners' deliveries to Credly are in which state, after how many attempts."""
    rows = world.peers[0].ask("deliveries")
    theirs = names(learners)
    return Counter((state, tried) for name, kind, state, tried in rows if name in theirs and "announce" not in kind)


def test_so_many_deliveries_at_a_time_on_as_many_connections(
    one_world: World, supervisor: Supervisor
) -> None:  # S31, S32, S39
    one, learners = awarded(one_world)
    process = start(one_world, supervisor, "--once")
    wait_for("requests at the same time", lambda: one_world.traffic()["active"] == THREADS, process)
    one_world.clear_faults()
    assert process.wait(300) == 0, process.tail()

    assert process.output().splitlines()[-1] == f"done={LEARNERS} failed=0 waiting=0"
    traffic = one_world.traffic()
    assert len(traffic["arrivals"]) == LEARNERS
    assert (traffic["peak"], traffic["connections"]) == (THREADS, THREADS)
    assert states(one_world, learners) == {("done", 1): LEARNERS}
    assert one_world.posts(one) == dict.fromkeys(names(learners), 1)


def test_what_is_at_hand_is_finished_when_it_is_told_to_end(one_world: World, supervisor: Supervisor) -> None:  # S39
    one, learners = awarded(one_world)
    process = start(one_world, supervisor, "--loop")
    wait_for("requests at the same time", lambda: one_world.traffic()["active"] == THREADS, process)
    os.kill(process.pid, signal.SIGTERM)
    one_world.clear_faults()
    assert process.wait(300) == 0, process.tail()

    found = states(one_world, learners)
    done = found["done", 1]
    # What was at hand, and hardly more: how soon a signal comes is the system's business.
    assert THREADS <= done < LEARNERS and found == {("done", 1): done, ("pending", 0): LEARNERS - done}
    assert len(one_world.posts(one)) == done
    one_world.manage("deliver_badges")
    assert one_world.posts(one) == dict.fromkeys(names(learners), 1)


def test_decisions_about_one_badge_are_delivered_in_their_order(
    one_world: World, supervisor: Supervisor
) -> None:  # S32
    one = badge("A", penalties="A")
    one_world.load(one)
    learners = one_world.learners(10)
    for minute, passing in enumerate([True, False, True, False, True]):
        lines = [one.line("A", learner=learner, passing=passing, at=f"10:0{minute}") for learner in learners]
        assert all(one_world.peers[0].ask("handle", lines=lines))
        if minute == 0:
            process = start(one_world, supervisor)
            assert process.wait(300) == 0, process.tail()
    # Now there are a revocation, an issue that a later one took back, a revocation and an issue of each.
    process = start(one_world, supervisor)
    assert process.wait(300) == 0, process.tail()
    assert one_world.live(one) == dict.fromkeys(names(learners), 1)
    assert one_world.posts(one) == dict.fromkeys(names(learners), 2)
    n = len(learners)
    assert states(one_world, learners) == {("done", 1): 4 * n, ("cancelled", 0): n}
