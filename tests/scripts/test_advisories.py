"""``make advisories``: every pinned version is asked about, and no answer is not taken for a good one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts import advisories

FIRST = """
amqp==5.4.2
    # via kombu
celery[redis]==5.6.1 ; sys_platform == 'win32'
sphinx==9.0.4 ; python_full_version < '3.12'
sphinx==9.2.0 ; python_full_version >= '3.13'
"""
SECOND = "amqp==5.4.2\n"


@pytest.fixture
def pip_audit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file with what pip-audit would do, given the path of a requirement file as ``sys.argv[1]``."""
    program = tmp_path / "pip_audit.py"
    monkeypatch.setattr(advisories, "command", lambda file: [sys.executable, str(program), str(file)])
    return program


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    file = tmp_path / "test.txt"
    file.write_text(FIRST)
    return file


def test_versions_for_other_pythons_and_systems_are_asked_about_too() -> None:
    assert advisories.pins([FIRST, SECOND]) == [
        {"amqp": "5.4.2", "celery": "5.6.1", "sphinx": "9.0.4"},
        {"sphinx": "9.2.0"},
    ]


def test_no_pin_of_this_repository_is_left_out() -> None:
    files = [path for path in (advisories.ROOT / "requirements").glob("*.txt") if path.name != "constraints.txt"]
    lines = [line for path in files for line in path.read_text().splitlines() if line[:1] not in ("#", " ", "")]
    found = {(name, version) for part in advisories.pins(map(Path.read_text, files)) for name, version in part.items()}
    assert len(lines) > 100
    assert {line.partition(" ;")[0] for line in lines} == {f"{name}=={version}" for name, version in found}


def test_nothing_known(pip_audit: Path, requirements: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pip_audit.write_text("")
    assert advisories.main([requirements]) == 0
    assert capsys.readouterr().out == "Nothing is known against the 4 pinned versions.\n"


def test_what_is_known_against_a_version_for_another_python_is_told(
    pip_audit: Path, requirements: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pip_audit.write_text(
        "import sys\nif '9.2.0' in open(sys.argv[1]).read():\n    print('sphinx 9.2.0 PYSEC-1')\n    sys.exit(1)\n"
    )
    assert advisories.main([requirements]) == 1
    assert capsys.readouterr().out == "sphinx 9.2.0 PYSEC-1\n"


def test_a_database_that_is_out_of_reach_is_an_error_of_its_own(
    pip_audit: Path, requirements: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pip_audit.write_text("raise OSError('no route to api.osv.dev')")
    assert advisories.main([requirements]) == 2
    told = capsys.readouterr()
    assert not told.out
    assert told.err.count("\n") == 1
    assert "could not be asked" in told.err
    assert told.err.endswith("OSError: no route to api.osv.dev\n")
