"""``load_badges`` and ``dump_badges``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from badges.models import BadgePenalty, BadgeTemplate
from tests.management.conftest import Run
from tests.services.definitions.examples import TEMPLATE, TWO_COURSES, changed


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    path = tmp_path / "badges.yaml"
    path.write_text(TWO_COURSES)
    return path


def test_loading_tells_every_change_and_the_second_time_none(run: Run, file: Path) -> None:
    first, _ = run("load_badges", str(file))
    second, _ = run("load_badges", str(file))

    assert first.splitlines()[1] == f"template {TEMPLATE}: added"
    assert first.splitlines()[-1] == "5 changed (5 added, 0 updated, 0 removed), 0 unchanged"
    assert second == "0 changed (0 added, 0 updated, 0 removed), 5 unchanged\n"


def test_a_dry_run_prints_the_difference_and_changes_nothing(run: Run, file: Path) -> None:
    out, _ = run("load_badges", str(file), "--dry-run")

    assert out.splitlines()[0] == "Dry run, nothing is changed. Loading the file would mean:"
    assert f"template {TEMPLATE}, requirement pass-a: added" in out
    assert not BadgeTemplate.objects.exists()


def test_removals_need_prune(run: Run, file: Path) -> None:
    run("load_badges", str(file))
    file.write_text(TWO_COURSES[: TWO_COURSES.index("    penalties:")] + "    penalties: []\n")

    with pytest.raises(CommandError, match="'fail-a' is stored and not in the file; it would be removed"):
        run("load_badges", str(file))
    out, _ = run("load_badges", str(file), "--prune")

    assert f"template {TEMPLATE}, penalty fail-a: removed\n1 changed (0 added, 0 updated, 1 removed)" in out
    assert not BadgePenalty.objects.exists()


def test_problems_are_told_with_the_file_and_their_number(run: Run, file: Path) -> None:
    file.write_text(changed(("name: Two courses", "nam: Two courses"), ("is_active: true", "is_active: 2")))

    with pytest.raises(CommandError) as error:
        run("load_badges", str(file))

    assert str(error.value).splitlines() == [
        "line 11, templates[0].nam: unknown key 'nam'; did you mean 'name'?",
        "line 15, templates[0].is_active: expected true or false, found '2'",
        f"Nothing was changed: {file} has 2 problems.",
    ]


def test_one_problem_is_one(run: Run, file: Path) -> None:
    file.write_text("")

    with pytest.raises(CommandError, match=r"has 1 problem\."):
        run("load_badges", str(file))


def test_definitions_can_come_from_standard_input(run: Run, stdin: Callable[[bytes], None]) -> None:
    stdin(TWO_COURSES.replace("Two courses", "Zwei Kurse für alle").encode())

    run("load_badges", "-")

    assert BadgeTemplate.objects.get().name == "Zwei Kurse für alle"


def test_problems_of_standard_input_are_told_as_such(run: Run, stdin: Callable[[bytes], None]) -> None:
    stdin(b"")

    with pytest.raises(CommandError, match="Nothing was changed: standard input has 1 problem"):
        run("load_badges", "-")


def test_a_file_that_is_not_utf_8_is_told_with_the_line(run: Run, file: Path) -> None:
    file.write_bytes(b"version: 1\naccounts: []\n# \xe9\n")

    with pytest.raises(CommandError, match="line 3: byte 26 is not UTF-8"):
        run("load_badges", str(file))


def test_a_file_may_begin_with_a_byte_order_mark(run: Run, file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + TWO_COURSES.encode())

    assert run("load_badges", str(file))[0].endswith("5 changed (5 added, 0 updated, 0 removed), 0 unchanged\n")


def test_a_file_that_is_not_there_is_told(run: Run, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"none.yaml cannot be read: No such file or directory"):
        run("load_badges", str(tmp_path / "none.yaml"))


def test_what_cannot_be_configured_is_told_without_a_stack(run: Run, file: Path, settings: object) -> None:
    settings.BADGES = {**settings.BADGES, "SECRET_KEYS": ["no key"]}  # type: ignore[attr-defined]

    with pytest.raises(CommandError, match="holds something that is not a Fernet key"):
        run("load_badges", str(file))


def test_a_dump_can_be_loaded_and_changes_nothing(run: Run, file: Path, tmp_path: Path) -> None:
    run("load_badges", str(file))
    dumped, _ = run("dump_badges")
    file.write_text(dumped)

    out, _ = run("load_badges", str(file))

    assert out.startswith("0 changed ")
    assert dumped.startswith("version: 1\naccounts:\n")
    assert "key-1" not in dumped


def test_some_templates_can_be_dumped(run: Run, file: Path) -> None:
    other = "1d2d8ff5-2d2b-4f2e-8a39-3a7e35a2a002"
    run("load_badges", str(file))
    file.write_text(TWO_COURSES.replace(TEMPLATE, other))
    run("load_badges", str(file))

    out, _ = run("dump_badges", "--template", other)
    both, _ = run("dump_badges", "--template", other, "--template", TEMPLATE)

    assert other in out and TEMPLATE not in out
    assert other in both and TEMPLATE in both


@pytest.mark.parametrize(("uuid", "problem"), [("17", "'17' is not a UUID"), (TEMPLATE, "There is no badge template")])
def test_a_template_that_cannot_be_dumped_is_told(run: Run, uuid: str, problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        run("dump_badges", "--template", uuid)
