"""What ``pip install openedx-badges`` brings."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("badges", "requirements", "setup.py", "pyproject.toml", "MANIFEST.in", "LICENSE", "CHANGELOG.rst")


def leave_out(directory: str, names: list[str]) -> set[str]:
    return {name for name in names if name.startswith((".", "__pycache__"))}


def files_of_the_app() -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "badges").rglob("*")
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.parts[len(ROOT.parts) :])
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """Built from a copy, because a build writes into its sources."""
    copy = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=leave_out)
        else:
            shutil.copy(ROOT / name, copy / name)
    built = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", copy / "dist", copy],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout
    (file,) = (copy / "dist").glob("openedx_badges-*.whl")
    with zipfile.ZipFile(file) as opened:
        yield opened


def read(wheel: zipfile.ZipFile, name: str) -> bytes:
    (path,) = (path for path in wheel.namelist() if path.endswith(f".dist-info/{name}"))
    return wheel.read(path)


def test_the_wheel_has_every_file_of_the_app_and_no_others(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == files_of_the_app()
    assert {"badges/py.typed", "badges/migrations/0001_openedx_badges.py"} <= packed


def test_the_credentials_service_finds_the_plugin(wheel: zipfile.ZipFile) -> None:
    lines = read(wheel, "entry_points.txt").decode().split("\n")
    assert lines[:2] == ["[credentials.djangoapp]", "badges = badges.apps:BadgesConfig"]


def test_requirements_leave_the_versions_to_the_service(wheel: zipfile.ZipFile) -> None:
    metadata = message_from_bytes(read(wheel, "METADATA"))
    required = metadata.get_all("Requires-Dist", [])
    assert metadata["Name"] == "openedx-badges"
    assert metadata["Requires-Python"] == ">=3.11"
    assert any(line.startswith("openedx-events") for line in required)
    assert any(line.startswith("edx-event-bus-kafka") and 'extra == "kafka"' in line for line in required)
    assert any(line.startswith("prometheus-client") and 'extra == "prometheus"' in line for line in required)
    assert not any("==" in line.partition(";")[0] for line in required)
