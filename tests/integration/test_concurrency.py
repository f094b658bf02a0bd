"""
Several processes and the same learners, at the same moment.

MariaDB with both isolation levels: the server's default freezes what a transaction sees with its first plain SELECT.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.integration.conftest import address
from tests.integration.courses import Badge, Penalty, badge
from tests.integration.databases import run
from tests.integration.peers import together
from tests.integration.world import World, assert_as_in_time_order, awarded, names, world

LEARNERS = 200
pytestmark = pytest.mark.timeout(600)  # a busy machine takes its time
VARIANTS = {
    "postgres": ("POSTGRES_URL", ""),
    "mariadb-repeatable-read": ("MARIADB_URL", "?isolation_level=repeatable%20read"),
    "mariadb-read-committed": ("MARIADB_URL", "?isolation_level=read%20committed"),
}


@pytest.fixture(scope="module", params=VARIANTS)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Four processes; each test has badges and learners of its own."""
    variable, options = VARIANTS[request.param]
    with world(address(variable) + options, tmp_path_factory.mktemp("world"), peers=4) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_deadlocks(shared: World) -> Iterator[None]:
    yield
    assert together(shared.peers, "errors") == [[], [], [], []]


def at_once(world: World, *batches: Sequence[dict[str, Any]]) -> None:
    """Each batch of events in a process of its own, all starting at the same moment."""
    answers = together(world.peers[: len(batches)], "handle", [{"lines": batch} for batch in batches])
    assert answers == [[True] * len(batch) for batch in batches]


def test_the_same_event_in_two_processes_awards_once(shared: World) -> None:  # S7, S9, S40
    one = badge("A")
    shared.load(one)
    learners = shared.learners(LEARNERS)
    for learner in learners:
        at_once(shared, *[[one.line("A", learner=learner)]] * 2)
    everybody_has_it_once(shared, one, learners)


def test_two_events_of_a_new_learner_at_the_same_time_award_once(shared: World) -> None:  # S3, S9, S40
    both = badge("AB")
    shared.load(both)
    learners = shared.learners(LEARNERS)
    for learner in learners:
        at_once(shared, [both.line("A", learner=learner)], [both.line("B", learner=learner)])
    everybody_has_it_once(shared, both, learners)


def everybody_has_it_once(world: World, one: Badge, learners: Sequence[int]) -> None:
    everybody = names(learners)
    assert world.standing(one).keys() == everybody  # one row each, or the report would not know which to tell
    assert world.holders(one) == everybody
    announced = world.announced(learners)
    assert set(announced.values()) == {1}
    assert sorted(awarded(announced).values()) == [1] * len(everybody)

    delivered = world.deliver_together()
    assert sum(report["done"] for report in delivered) == len(everybody)
    assert sum(report["failed"] + report["waiting"] for report in delivered) == 0
    assert world.posts(one) == dict.fromkeys(everybody, 1)
    assert world.live(one) == dict.fromkeys(everybody, 1)
    assert world.announced(learners) == announced


def test_an_older_fulfilment_against_a_newer_reset_is_not_fulfilled(shared: World) -> None:  # S8, S9, S40
    # Neither has left a row yet that the other could meet.
    one = badge("A", penalties="A")
    shared.load(one)
    learners = shared.learners(LEARNERS)
    for learner in learners:
        older = one.line("A", learner=learner, at="10:00")
        newer = one.line("A", learner=learner, at="10:05", passing=False)
        at_once(shared, [older], [newer])
    assert [name for name, row in shared.standing(one).items() if row["fulfilled"]] == []
    assert shared.holders(one) == set()
    shared.deliver_together()
    assert set(shared.live(one).values()) <= {0}


def test_six_events_in_any_order_in_four_processes_are_each_once_in_time_order(shared: World) -> None:  # S7, S8, S9
    both = badge("AB", penalties="AB")
    shared.load(both)
    chance = random.Random(1)
    histories = {
        learner: [
            both.line(course, passing=chance.random() < 0.6, learner=learner, at=f"10:{minute:02}")
            for minute, course in enumerate(chance.choices("AB", k=6))
        ]
        for learner in shared.learners(LEARNERS)
    }
    for history in histories.values():
        at_once(shared, *[chance.sample(history, len(history)) for _ in shared.peers])
    end_as_in_time_order(shared, both, histories)


@pytest.mark.parametrize("seed", [1, 2])
def test_batches_with_learners_in_common_end_as_in_time_order(shared: World, seed: int) -> None:  # S7, S8, S9, S40
    both = badge("AB", penalties="AB")
    shared.load(both)
    histories = some_histories(shared, both, seed, learners=LEARNERS)
    lines = [line for history in histories.values() for line in history]
    chance = random.Random(seed)
    orders = [{"lines": chance.sample(lines, len(lines)), "size": size} for size in (100, 100, 30, 7)]
    assert together(shared.peers, "handle_together", orders) == [[True] * len(lines)] * 4
    end_as_in_time_order(shared, both, histories)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_rules_and_events_in_two_processes_end_as_in_time_order(shared: World, seed: int) -> None:  # S6, S8, S9
    chance = random.Random(seed)
    some = random_badge(chance)
    shared.load(some)
    histories = {
        learner: [
            some.line(
                chance.choice("ABCD"),
                passing=chance.random() < 0.7,
                learner=learner,
                at=f"10:{chance.randrange(8):02}",  # so few that some are at the same time
            )
            for _ in range(chance.randint(1, 8))
        ]
        for learner in shared.learners(60)
    }
    for history in histories.values():
        at_once(shared, *[chance.choices(history, k=4) + chance.sample(history, len(history)) for _ in range(2)])
    end_as_in_time_order(shared, some, histories)


def random_badge(chance: random.Random) -> Badge:
    """Three or four courses in groups or alone; penalties that may reset several of them, one of them for a pass."""
    courses = "ABCD"[: chance.randint(3, 4)]
    for_what = [(course, False) for course in chance.sample(courses, 2)] + [(chance.choice(courses), True)]
    return Badge(
        {course: chance.choice(["", "one", "two"]) for course in courses},
        tuple(
            Penalty(course, passing, frozenset(chance.sample(courses, chance.randint(1, 2))))
            for course, passing in for_what
        ),
    )


def end_as_in_time_order(world: World, some: Badge, histories: dict[int, list[dict[str, Any]]]) -> None:
    assert_as_in_time_order(world, some, histories)
    all_told_once_and_issued_as_held(world, some, histories)


# --- what others do to the same learners meanwhile -----------------------------------------------------------


def some_histories(shared: World, both: Badge, seed: int, learners: int = 40) -> dict[int, list[dict[str, Any]]]:
    chance = random.Random(seed)
    return {
        learner: [
            both.line(course, passing=chance.random() < 0.7, learner=learner, at=f"10:{minute:02}")
            for minute, course in enumerate(chance.choices("AB", k=6))
        ]
        for learner in shared.learners(learners)
    }


def beside(
    world: World, histories: dict[int, list[dict[str, Any]]], *others: tuple[str, dict[str, Any]]
) -> Sequence[Any]:
    """All events, shuffled, in one process after the other, while the rest of them do something else; their answers."""
    lines = [line for history in histories.values() for line in history]
    random.Random(len(lines)).shuffle(lines)
    busy, free = world.peers[: -len(others)], world.peers[-len(others) :]
    for peer in busy:
        peer.send("handle", lines=lines)
    for peer, (order, arguments) in zip(free, others, strict=True):
        peer.send(order, **arguments)
    assert [peer.receive() for peer in busy] == [[True] * len(lines)] * len(busy)
    return [peer.receive() for peer in free]


def test_beside_transactions_of_the_service_and_deliveries(shared: World) -> None:  # S8, S9, S27, S40
    both = badge("AB", penalties="AB")
    shared.load(both)
    histories = some_histories(shared, both, 4)
    often = [*names([*histories])] * 5
    beside(
        shared,
        histories,
        ("transactions_of_the_service", {"usernames": often}),
        ("deliver_until", {"count": 20}),
    )
    end_as_in_time_order(shared, both, histories)


def test_what_a_person_revokes_meanwhile_stays_revoked(shared: World) -> None:  # S9, S24, S25
    both = badge("AB", penalties="AB")
    shared.load(both)
    histories = some_histories(shared, both, 5)
    _, revoked = beside(
        shared,
        histories,
        ("deliver_until", {"count": 20}),
        ("revoke_by_hand", {"template": both.uuid, "count": 10}),
    )
    by_hand = set(revoked)
    assert by_hand and len(by_hand) == len(revoked), "a badge that a person revoked was awarded again"
    standing = shared.standing(both)
    for learner, history in histories.items():
        name = f"learner{learner}"
        fulfilled = both.fulfilled(history)
        assert standing.get(name, {"fulfilled": []})["fulfilled"] == fulfilled
        holds = name in standing and standing[name]["status"] == "awarded"
        assert holds == (both.is_complete(fulfilled) and name not in by_hand)
    all_told_once_and_issued_as_held(shared, both, histories)


def test_who_is_retired_meanwhile_keeps_no_badge(shared: World) -> None:  # S9, S25
    both = badge("AB", penalties="AB")
    shared.load(both)
    histories = some_histories(shared, both, 6)
    learners = [*histories]
    gone, stay = learners[::2], learners[1::2]
    retire = {"usernames": sorted(names(gone))}
    beside(shared, histories, ("deliver_until", {"count": 20}), ("retire", retire))
    shared.peers[0].ask("retire", **retire)  # those that an event awarded for the first time after that
    holders = shared.holders(both)
    assert not holders & names(gone)
    expected = {f"learner{one}" for one in stay if both.is_complete(both.fulfilled(histories[one]))}
    assert holders == expected
    all_told_once_and_issued_as_held(shared, both, histories)


def test_beside_a_purge(shared: World) -> None:  # S7, S8
    both = badge("AB", penalties="AB")
    shared.load(both)
    # In time order, because what is purged is what a late event would meet; each event twice, by two processes.
    histories = some_histories(shared, both, 7)
    first, second, other, _ = shared.peers
    for lines in zip(*histories.values(), strict=True):
        # A purge looks at what all tests of this module have left: many rounds would take the longer the later it runs.
        other.send("purge_often", rounds=5)
        together([first, second], "handle", [{"lines": lines}] * 2)
        other.receive()
    end_as_in_time_order(shared, both, histories)


def all_told_once_and_issued_as_held(world: World, some: Badge, histories: dict[int, list[dict[str, Any]]]) -> None:
    for _ in range(3):  # a queue of several decisions of one learner takes several looks
        world.deliver_together()
    assert set(world.announced([*histories]).values()) == {1}
    assert {name for name, count in world.live(some).items() if count} == world.holders(some)
    assert max(world.live(some).values()) == 1
    all_told_are_counted(world)


ANNOUNCED = """
    SELECT COUNT(*) FROM openedx_badges_journalentry
    WHERE kind = 'delivered' AND subject = 'announcement' AND detail = ''
"""


def all_told_are_counted(world: World) -> None:
    """The report's number is that of the journal, whose entry and the delivery's mark are of one transaction."""
    [(announced,)] = run(world.env()["DATABASE_URL"], ANNOUNCED)
    assert sum(world.peers[0].ask("report")["signals"].values()) == announced > 0
