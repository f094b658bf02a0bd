"""``replay_events``: every line is accounted for."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from badges.management import base
from badges.models import BadgeProgress, FailedEvent, Fulfillment
from tests.builders import line, template
from tests.management.conftest import Run


@pytest.fixture(name="replay")
def _replay(run: Run, tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """Replay these lines; the last line of standard output, and standard error."""

    def call(*lines: dict[str, Any] | bytes, options: tuple[str, ...] = ()) -> tuple[str, str]:
        path = tmp_path / "events.jsonl"
        path.write_bytes(b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines))
        out, err = run("replay_events", str(path), *options)
        return out.splitlines()[-1], err

    return call


Replay = Callable[..., tuple[str, str]]


def test_lines_are_handled_and_counted(replay: Replay) -> None:
    template("A")

    summary, err = replay(line("A"), line("Z"), line("A", learner=2), line("A"))

    assert summary == "processed=4 matched=3 ignored=1 failed=0"
    assert err == ""
    assert BadgeProgress.objects.count() == 2


# S7
def test_replaying_a_file_again_changes_nothing(replay: Replay) -> None:
    template("A")
    replay(line("A"))
    before = list(Fulfillment.objects.values())

    assert replay(line("A"))[0] == "processed=1 matched=1 ignored=0 failed=0"
    assert list(Fulfillment.objects.values()) == before


BAD = [
    (b"not JSON", "The line is not JSON"),
    (b'{"type": "x"', "The line is not JSON"),
    (b"[]", "must be an object"),
    (b"\xff\xfe{}", "not UTF-8"),
    (json.dumps({**line("A"), "type": "org.example.v1"}).encode(), "type: "),
    (json.dumps({**line("A"), "time": "yesterday"}).encode(), "time: "),
    (json.dumps({key: value for key, value in line("A").items() if key != "id"}).encode(), "id: "),
    (json.dumps(line("A")).replace('"is_passing": true', '"is_passing": "true"').encode(), "is_passing: "),
    (json.dumps(line("A")).replace('"is_passing": true, ', "").encode(), "is_passing: "),
    (json.dumps(line("A", name="x" * 10_000_000)).encode(), "characters long; at most"),
]


@pytest.mark.parametrize(("bad", "problem"), BAD, ids=[problem for _, problem in BAD])
def test_a_bad_line_is_told_with_its_number_and_the_rest_goes_on(replay: Replay, bad: bytes, problem: str) -> None:
    template("AB")

    summary, err = replay(line("A"), bad, line("B"))

    assert summary == "processed=3 matched=2 ignored=0 failed=1"
    assert err.startswith("line 2: ") and problem in err
    assert err.count("\n") == 1
    assert Fulfillment.objects.filter(fulfilled=True).count() == 2


# S36
def test_a_bad_line_is_not_repeated_in_its_error(replay: Replay) -> None:
    _, err = replay(line("A", email=7), line("A", username=["learner1@example.com"]))

    assert err.count("line ") == 2
    assert "@" not in err and "learner1" not in err


def test_empty_lines_are_no_events_but_count_as_lines_of_the_file(replay: Replay) -> None:
    summary, err = replay(line("A"), b"", b"  ", b"not JSON", b"")

    assert summary == "processed=2 matched=0 ignored=1 failed=1"
    assert err.startswith("line 4: ")


def test_an_empty_file_is_nothing_to_do(replay: Replay) -> None:
    assert replay() == ("processed=0 matched=0 ignored=0 failed=0", "")


@pytest.mark.django_db
def test_it_can_stop_at_the_first_line_that_fails(tmp_path: Path) -> None:
    template("A")
    path = tmp_path / "events.jsonl"
    path.write_text(f"{json.dumps(line('A'))}\nnot JSON\n{json.dumps(line('A', learner=2))}\n")
    out = io.StringIO()

    with pytest.raises(CommandError, match="Stopped at line 2"):
        call_command("replay_events", str(path), "--stop-on-error", stdout=out, stderr=io.StringIO())

    assert out.getvalue() == "processed=2 matched=1 ignored=0 failed=1\n"
    assert BadgeProgress.objects.count() == 1


# S34
def test_an_event_that_cannot_be_handled_is_kept_and_counted(replay: Replay, settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "FUTURE_TOLERANCE": 0}
    template("A")
    ahead = {**line("A"), "time": "2999-01-01T00:00:00Z"}

    summary, err = replay(ahead, line("Z"))

    assert summary == "processed=2 matched=0 ignored=1 failed=1"
    assert err.startswith(f"line 1: event {ahead['id']} is kept for a retry: The event is dated 2999-01-01")
    assert FailedEvent.objects.get().event_id == ahead["id"]


# S35; outside of a transaction, because in one MariaDB's connection counts as unusable and is closed.
@pytest.mark.django_db(transaction=True)
def test_an_event_that_cannot_even_be_stored_ends_the_replay(replay: Replay, settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "DATABASE_RETRIES": 0}
    template("A")

    def away(execute: Any, sql: str, *rest: Any) -> Any:
        if "badgerequirement" not in sql and "rulebook" not in sql and "badgetemplate" not in sql:
            raise OperationalError("server closed the connection")
        return execute(sql, *rest)

    with connection.execute_wrapper(away), pytest.raises(CommandError, match="could be neither handled nor stored"):
        replay(line("A"))


def test_events_can_come_from_standard_input(run: Run, stdin: Callable[[bytes], None]) -> None:
    template("A")
    stdin(json.dumps(line("A")).encode())

    assert run("replay_events", "-")[0] == "processed=1 matched=1 ignored=0 failed=0\n"


def test_a_file_that_is_not_there_is_told(run: Run, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"none.jsonl cannot be read: No such file or directory"):
        run("replay_events", str(tmp_path / "none.jsonl"))


def test_an_endless_line_is_read_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "LONGEST_LINE", 4)

    assert list(base.numbered_lines(io.BytesIO(b"abcdefghij\nkl\nmnop\nqrstuvw"))) == [
        (1, b"abcd"),
        (2, b"kl\n"),
        (3, b"mnop"),
        (4, b"qrst"),
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "has_bar"), [(Terminal, True), (io.StringIO, False)])
def test_progress_is_drawn_on_a_terminal_only(
    replay: Replay, monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], has_bar: bool
) -> None:
    screen = stream()
    monkeypatch.setattr(sys, "stderr", screen)

    summary, _ = replay(line("A"), b"not JSON")

    assert summary == "processed=2 matched=0 ignored=1 failed=1"
    assert ("100%" in screen.getvalue()) is has_bar
