"""Tests of the services that count statements or lean on the database, on the real servers too."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.integration.peers import ROOT

NAMES = ("query_budget", "processing", "delivery", "beginning", "claims", "pacing", "failures")
SUITES = [f"tests/services/test_{name}.py" for name in NAMES]

pytestmark = pytest.mark.timeout(600)  # these are some two hundred tests


def test_the_suites_of_the_services_hold_on_a_real_server(database_url: str) -> None:  # S20, S31, S40
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *SUITES],
        env={**os.environ, "DATABASE_URL": database_url},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout.splitlines()[-1]
    assert " skipped" not in done.stdout.splitlines()[-1]
