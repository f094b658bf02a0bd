"""``badge_report`` and ``explain_badge``."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from badges import api
from badges.models import FailedEvent
from tests.builders import event, line, template
from tests.management.conftest import Run


def receive(course: str, **fields: object) -> None:
    api.receive_event(event=event(course, **fields))


# --- badge_report --------------------------------------------------------------------------------------------


def test_the_report_as_json_is_that_of_the_api(run: Run) -> None:
    made = template("AB")
    receive("A")
    receive("A", learner=2)

    everything = json.loads(run("badge_report", "--format", "json")[0])
    one = json.loads(run("badge_report", "--format=json", "--username=learner2", f"--template={made.uuid}")[0])

    assert everything == api.report()
    assert list(everything["learners"]) == ["learner1", "learner2"]
    assert one == api.report(username="learner2", template_uuid=made.uuid)
    assert list(one["learners"]) == ["learner2"]


def test_the_report_as_a_table_is_aligned(run: Run) -> None:
    made, other = template("A", uuid=uuid.UUID(int=1)), template("AB", uuid=uuid.UUID(int=2))
    receive("A")
    receive("B")
    awarded_at = api.report()["learners"]["learner1"][str(made.uuid)]["awarded_at"]
    receive("A", learner=20)

    lines = run("badge_report")[0].splitlines()

    header, first, second = lines[0], lines[1], lines[2]
    assert header.split() == [
        "learner", "template", "groups", "status", "state", "pending", "failed", "awarded", "at", "fulfilled",
    ]  # fmt: skip
    assert first.split() == ["learner1", str(made.uuid), "1/1", "awarded", "created", "1", "0", awarded_at, "pass-a"]
    assert second.split()[1:3] == [str(other.uuid), "2/2"]
    assert second.endswith("pass-a, pass-b")
    assert header.index("groups") == first.index("1/1") == second.index("2/2")
    assert lines[4].split()[2:7] == ["1/2", "-", "-", "0", "0"]
    assert lines[-1] == "Announced in all: BADGE_AWARDED: 3, BADGE_REVOKED: 0. Failed events: 0."


def test_the_table_of_nobody_has_a_header_and_the_counts(run: Run) -> None:
    assert len(run("badge_report")[0].splitlines()) == 2


@pytest.mark.parametrize(
    ("asked", "problem"), [("17", "'17' is not a UUID"), (str(uuid.UUID(int=7)), "no badge template")]
)
def test_a_template_that_is_not_there_is_told(run: Run, asked: str, problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        run("badge_report", "--template", asked)
    with pytest.raises(CommandError, match=problem):
        run("explain_badge", "--username", "learner1", "--template", asked)


# --- explain_badge -------------------------------------------------------------------------------------------


# S38
def test_an_explanation_in_words_tells_what_is_missing(run: Run) -> None:
    made = template("AB")
    receive("A")

    out, _ = run("explain_badge", "--username", "learner1", "--template", str(made.uuid))

    assert out.startswith(f"learner1: Badge AB ({made.uuid})\nDone: 1 of 2. Badge: not awarded.\n")
    assert "\nMissing:\n- pass-b: " in out
    assert "\nEvents:" not in out


# S38
def test_events_from_a_file_are_explained_one_by_one(run: Run, tmp_path: Path) -> None:
    made = template("A")
    path = tmp_path / "events.jsonl"
    path.write_text(f"{json.dumps(line('B'))}\n\n{json.dumps(line('A'))}\n")
    asked = ["explain_badge", "--username=learner1", f"--template={made.uuid}", f"--event={path}"]

    words, _ = run(*asked)
    told = json.loads(run(*asked, "--format=json")[0])

    assert 'rule course.course_key eq "course-v1:edX+A+1": payload had "course-v1:edX+B+1"; does not hold' in words
    assert [one["why"] for one in told["events"]] == [
        "No requirement and no penalty of the template applies to it.",
        "It has not been handled here. Handled now, it would fulfil pass-a and award the badge.",
    ]
    assert told["groups"][0]["requirements"][0]["fulfilled"] is False
    assert not FailedEvent.objects.exists()


def test_an_event_to_explain_can_come_from_standard_input(run: Run, stdin: Callable[[bytes], None]) -> None:
    made = template("A")
    stdin(json.dumps(line("A")).encode())

    out, _ = run("explain_badge", "--username=learner1", f"--template={made.uuid}", "--event=-")

    assert "Handled now, it would fulfil pass-a and award the badge." in out


def test_an_event_that_cannot_be_read_is_told_with_its_line(run: Run, tmp_path: Path) -> None:
    made = template("A")
    path = tmp_path / "events.jsonl"
    path.write_text(f"{json.dumps(line('A'))}\nnot JSON\n")

    with pytest.raises(CommandError, match=r"events.jsonl, line 2: The line is not JSON"):
        run("explain_badge", "--username=learner1", f"--template={made.uuid}", f"--event={path}")
