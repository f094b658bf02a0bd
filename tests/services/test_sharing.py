"""Several threads do each of some ids once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from typing import Any

import pytest

from badges.services import sharing
from badges.services.sharing import share

SECONDS = 30  # for what happens at once; only a failure waits so long


def never() -> bool:
    return False


def each(ids: Collection[int]) -> Collection[int]:
    """Begins whatever it is given."""
    return ids


def test_one_thread_is_the_callers() -> None:
    names = share([1, 2, 3], each, lambda _: threading.get_ident(), threads=1, is_stopping=never)
    assert names == [threading.get_ident()] * 3


def test_so_many_threads_work_at_the_same_time_and_each_id_is_done_once() -> None:
    together = threading.Barrier(4)

    def do(one: int) -> tuple[int, int]:
        together.wait(SECONDS)  # passed by four at once, or by nobody
        return one, threading.get_ident()

    results = share(range(40), each, do, threads=4, is_stopping=never)
    assert sorted(one for one, _ in results) == list(range(40))
    threads = {name for _, name in results}
    assert len(threads) == 4 and threading.get_ident() not in threads


def test_there_are_no_more_threads_than_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = ending_threads(monkeypatch)
    assert share([1, 2], each, str, threads=8, is_stopping=never) in (["1", "2"], ["2", "1"])
    assert share([], each, str, threads=8, is_stopping=never) == []
    assert len(ended) == 2


def test_each_thread_closes_its_connections_and_the_callers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = ending_threads(monkeypatch)
    together = threading.Barrier(3)
    share(range(3), each, lambda _: together.wait(SECONDS), threads=3, is_stopping=never)
    assert len(set(ended)) == 3 and threading.get_ident() not in ended
    share([1], each, str, threads=1, is_stopping=never)
    assert len(ended) == 3


def ending_threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads that have closed their connections."""
    ended: list[int] = []
    monkeypatch.setattr(sharing.connections, "close_all", lambda: ended.append(threading.get_ident()))
    return ended


@pytest.mark.parametrize("threads", [1, 4])
def test_what_is_being_done_when_it_is_told_to_stop_is_the_last(threads: int) -> None:
    stop = threading.Event()
    together = threading.Barrier(threads)

    def do(one: int) -> int:
        together.wait(SECONDS)
        stop.set()
        together.wait(SECONDS)
        return one

    assert sorted(share(range(100), each, do, threads=threads, is_stopping=stop.is_set)) == list(range(threads))


def test_a_thread_that_meets_an_error_ends_and_the_others_do_its_share(caplog: pytest.LogCaptureFixture) -> None:
    together = threading.Barrier(3)

    def do(one: int) -> int:
        if one < 3:
            together.wait(SECONDS)
        if one == 1:
            raise ValueError("learner1@example.com")
        return one

    with caplog.at_level(logging.ERROR):
        results = share(range(50), each, do, threads=3, is_stopping=never)
    assert sorted(results) == [0, *range(2, 50)]
    (record,) = caplog.records
    assert "ValueError" in record.getMessage() and "example.com" not in caplog.text  # S36


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_in_every_thread_is_raised(threads: int) -> None:
    done = []

    def do(one: int) -> None:
        done.append(one)
        raise ValueError(one)

    with pytest.raises(ValueError, match=r"^[012]$"):
        share(range(50), each, do, threads=threads, is_stopping=never)
    assert len(done) == threads


def test_whoever_interrupts_it_waits_for_what_is_being_done_only(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ending = threading.Barrier(3), threading.Event()

    def wait(_: Any) -> None:
        begun.wait(SECONDS)
        raise KeyboardInterrupt

    monkeypatch.setattr(sharing, "wait", wait)
    monkeypatch.setattr(sharing, "Event", lambda: ending)
    done = []

    def do(one: int) -> None:
        begun.wait(SECONDS)
        assert ending.wait(SECONDS)
        done.append(one)

    with pytest.raises(KeyboardInterrupt):
        share(range(50), each, do, threads=2, is_stopping=never)
    assert sorted(done) == [0, 1]


# --- beginning several at once -------------------------------------------------------------------------------


def test_idle_threads_begin_together_and_nothing_that_was_begun_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "GATHERING", SECONDS)
    groups: list[int] = []
    busy: set[int] = set()

    def begin(ids: Collection[int]) -> Collection[int]:
        groups.append(len(ids))
        busy.update(ids)
        assert len(busy) <= 4
        return ids

    assert sorted(share(range(40), begin, lambda one: busy.remove(one) or one, threads=4, is_stopping=never)) == list(
        range(40)
    )
    assert min(groups[:-1]) >= 2 and sum(groups) == 40


def test_an_idle_thread_does_not_wait_for_busy_ones_for_long() -> None:
    other_is_done = threading.Event()

    def do(one: int) -> None:
        if one < 3:
            assert other_is_done.wait(SECONDS)
        if one == 5:
            other_is_done.set()

    assert len(share(range(6), each, do, threads=4, is_stopping=never)) == 6


@pytest.mark.parametrize(("threads", "together"), [(4, False), (1, True)])
def test_one_is_begun_after_the_other_if_asked_for_and_by_a_single_thread(threads: int, together: bool) -> None:
    groups: list[int] = []

    def begin(ids: Collection[int]) -> Collection[int]:
        groups.append(len(ids))
        return ids

    share(range(9), begin, str, threads=threads, is_stopping=never, together=together)
    assert groups == [1] * 9


def test_those_that_begin_by_themselves_may_wait_there_and_hold_up_nobody() -> None:
    all_others_are_done = threading.Event()
    done: list[int] = []

    def begin(ids: Collection[int]) -> Collection[int]:
        if 0 in ids:
            assert all_others_are_done.wait(SECONDS)
        return ids

    def do(one: int) -> None:
        done.append(one)
        if len(done) == 8:
            all_others_are_done.set()

    share(range(9), begin, do, threads=2, is_stopping=never, together=False)
    assert sorted(done) == list(range(9)) and done[-1] == 0


@pytest.mark.parametrize(("threads", "together"), [(1, True), (4, True), (4, False)])
def test_what_was_not_begun_is_not_done(threads: int, together: bool) -> None:
    def begin(ids: Collection[int]) -> Collection[int]:
        return [one for one in ids if one % 2]

    done = share(range(20), begin, int, threads=threads, is_stopping=never, together=together)
    assert sorted(done) == list(range(1, 20, 2))


def test_what_was_begun_is_done_even_if_it_is_told_to_stop_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "GATHERING", SECONDS)
    stop = threading.Event()
    begun: list[int] = []

    def begin(ids: Collection[int]) -> Collection[int]:
        stop.set()
        begun.extend(ids)
        return ids

    done = share(range(20), begin, int, threads=4, is_stopping=stop.is_set)
    assert sorted(done) == begun and len(begun) >= 2


@pytest.mark.parametrize("together", [True, False])
def test_what_cannot_be_begun_ends_its_thread_and_nothing_else_is_left_out(
    together: bool, caplog: pytest.LogCaptureFixture
) -> None:
    failures, lost = iter([True, True]), []

    def begin(ids: Collection[int]) -> Collection[int]:
        if next(failures, False):
            lost.extend(list(ids)[:1])
            raise ValueError
        return ids

    done = share(range(50), begin, int, threads=4, is_stopping=never, together=together)
    assert sorted(done + lost) == list(range(50)) and len(lost) == len(caplog.records) == 2
