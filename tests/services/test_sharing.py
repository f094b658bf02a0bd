"""Several threads do each of some ids once."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Any

import pytest

from badges.services import sharing
from badges.services.sharing import share

SECONDS = 30  # for what happens at once; only a failure waits so long


def never() -> bool:
    return False


def test_one_thread_is_the_callers() -> None:
    names = share([1, 2, 3], lambda _: threading.get_ident(), threads=1, is_stopping=never)
    assert names == [threading.get_ident()] * 3


def test_so_many_threads_work_at_the_same_time_and_each_id_is_done_once() -> None:
    together = threading.Barrier(4)

    def do(one: int) -> tuple[int, int]:
        together.wait(SECONDS)  # passed by four at once, or by nobody
        return one, threading.get_ident()

    results = share(range(40), do, threads=4, is_stopping=never)
    assert sorted(one for one, _ in results) == list(range(40))
    threads = {name for _, name in results}
    assert len(threads) == 4 and threading.get_ident() not in threads


def test_there_are_no_more_threads_than_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = ending_threads(monkeypatch)
    assert share([1, 2], str, threads=8, is_stopping=never) in (["1", "2"], ["2", "1"])
    assert share([], str, threads=8, is_stopping=never) == []
    assert len(ended) == 2


def test_each_thread_closes_its_connections_and_the_callers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = ending_threads(monkeypatch)
    together = threading.Barrier(3)
    share(range(3), lambda _: together.wait(SECONDS), threads=3, is_stopping=never)
    assert len(set(ended)) == 3 and threading.get_ident() not in ended
    share([1], str, threads=1, is_stopping=never)
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

    assert sorted(share(range(100), do, threads=threads, is_stopping=stop.is_set)) == list(range(threads))


def test_a_thread_that_meets_an_error_ends_and_the_others_do_its_share(caplog: pytest.LogCaptureFixture) -> None:
    together = threading.Barrier(3)

    def do(one: int) -> int:
        if one < 3:
            together.wait(SECONDS)
        if one == 1:
            raise ValueError("learner1@example.com")
        return one

    with caplog.at_level(logging.ERROR):
        results = share(range(50), do, threads=3, is_stopping=never)
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
        share(range(50), do, threads=threads, is_stopping=never)
    assert len(done) == threads


def test_whoever_interrupts_it_waits_for_what_is_being_done_only(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, interrupted = threading.Barrier(3), threading.Event()

    def wait(_: Any) -> None:
        begun.wait(SECONDS)
        raise KeyboardInterrupt

    class Left(deque[int]):
        def clear(self) -> None:
            super().clear()
            interrupted.set()

    monkeypatch.setattr(sharing, "wait", wait)
    monkeypatch.setattr(sharing, "deque", Left)
    done = []

    def do(one: int) -> None:
        begun.wait(SECONDS)
        assert interrupted.wait(SECONDS)
        done.append(one)

    with pytest.raises(KeyboardInterrupt):
        share(range(50), do, threads=2, is_stopping=never)
    assert sorted(done) == [0, 1]
