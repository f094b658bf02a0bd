"""The Java programs, fetched once through Maven, which also keeps them in its own cache."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from scripts.services.errors import ServicesError

POM = Path(__file__).with_name("pom.xml")


def fetch(directory: Path, goal: str, what: str) -> Path:
    """
    Fill ``directory`` by a goal of Maven's dependency plugin that takes ``outputDirectory``; once.

    Raises ``ServicesError`` with Maven's own words.
    """
    if directory.exists():
        return directory
    print(f"{what}: fetching through Maven", flush=True)
    partial = directory.with_suffix(".part")
    shutil.rmtree(partial, ignore_errors=True)
    done = subprocess.run(
        ["mvn", "--quiet", "--batch-mode", "--file", POM, goal, f"-DoutputDirectory={partial}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServicesError(f"Maven can't fetch {what}; does it reach its repository?\n{done.stdout.strip()}")
    partial.rename(directory)
    return directory


def kafka(root: Path) -> Path:
    """Apache Kafka with its dependencies, as jars."""
    return fetch(root / "kafka-jars", "dependency:copy-dependencies@kafka", "Apache Kafka")


def registry(root: Path) -> Path:
    """The schema registry, unpacked."""
    return fetch(root / "registry-jars", "dependency:unpack@registry", "the schema registry")
