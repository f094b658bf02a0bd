"""Several workers, one table of deliveries, one account."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.integration.conftest import DATABASES, server
from tests.integration.courses import badge
from tests.integration.peers import together
from tests.integration.world import names, world

pytestmark = pytest.mark.timeout(600)  # a busy machine takes its time

WORKERS = 8
LEARNERS = 200
RATE = 10
"""Deliveries a second."""


@pytest.mark.parametrize("database", DATABASES)
def test_no_delivery_is_executed_by_two_of_eight_workers(database: str, tmp_path: Path) -> None:  # S31, S32, S39
    with world(server(database, tmp_path), tmp_path, peers=WORKERS) as one_world:
        one = badge("A")
        one_world.load(one)
        learners = one_world.learners(LEARNERS)
        shares = [{"lines": [one.line("A", learner=n) for n in learners[k::WORKERS]]} for k in range(WORKERS)]
        together(one_world.peers, "handle", [{**share, "announce": False} for share in shares])
        assert not one_world.announced(learners)

        reports = one_world.deliver_together()
        assert sum(report["done"] for report in reports) == 2 * LEARNERS  # an announcement and an issue each
        assert sum(report["failed"] + report["waiting"] for report in reports) == 0
        assert sum(report["done"] > 0 for report in reports) > 1  # they did work at the same time

        first = {"announce_awarded": 2, "issue": 1}  # an announcement is born with its first attempt taken
        rows = one_world.peers[0].ask("deliveries")
        assert {(kind, state, attempts) for _, kind, state, attempts in rows} == {
            (kind, "done", attempts) for kind, attempts in first.items()
        }
        assert one_world.posts(one) == dict.fromkeys(names(learners), 1)
        announced = one_world.announced(learners)
        assert len(announced) == LEARNERS and set(announced.values()) == {1}
        assert together(one_world.peers, "errors") == [[]] * WORKERS


@pytest.mark.parametrize("database", DATABASES)
def test_workers_share_an_accounts_rate(database: str, tmp_path: Path) -> None:  # S28
    settings = {"BADGES": {"ACCOUNT_RATE_LIMIT": RATE}}
    with world(server(database, tmp_path), tmp_path, peers=4, **settings) as one_world:
        one = badge("A")
        one_world.load(one)
        learners = one_world.learners(40)
        one_world.deliver_together()  # nothing yet, but now all of them have started
        one_world.peers[0].ask("handle", lines=[one.line("A", learner=n) for n in learners], announce=False)

        began = time.time()  # the servers are on this host, and so on this clock
        reports = one_world.deliver_together()
        assert sum(report["done"] > 0 for report in reports) > 1  # they did work at the same time
        arrivals = sorted(one_world.traffic()["arrivals"])
        assert len(arrivals) == len(learners)
        # A turn is never given twice: the n-th request is not before the n-th turn, however late they all are.
        early = [n for n, arrival in enumerate(arrivals) if arrival < began + n / RATE]
        assert not early
