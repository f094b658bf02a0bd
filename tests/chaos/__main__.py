"""``python -m tests.chaos``; see ``--help`` and :mod:`tests.chaos`."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "credentials_settings.settings.test")
django.setup()

# What follows needs Django set up: it makes events.
from credentials_settings.sandbox.supervisor import Supervisor  # noqa: E402
from tests.chaos.scenarios import ON_SQLITE, SCENARIOS  # noqa: E402
from tests.chaos.scene import Scene  # noqa: E402
from tests.chaos.stage import DATABASES, SQLITE, Stage, stage  # noqa: E402
from tests.integration.peers import ROOT  # noqa: E402

DATA = ROOT / ".data" / "chaos"
SHOWN = 10
"""Findings that are printed; all of them are beside the logs."""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Faults on purpose, on real parts.")
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=f"of {', '.join(SCENARIOS)}; none: all")
    parser.add_argument("--seed", type=int, action="append", help="repeatable; default 1")
    parser.add_argument("--database", choices=DATABASES, action="append", help="repeatable; default: all of them")
    parser.add_argument("--quick", action="store_true", help="small, and each scenario on one database, in turn")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.scenarios) - SCENARIOS.keys()
    if unknown:
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are: {', '.join(SCENARIOS)}")
    chosen.scenarios = chosen.scenarios or list(SCENARIOS)
    chosen.seed = chosen.seed or [1]
    chosen.database = chosen.database or list(DATABASES)
    return chosen


def runs(chosen: argparse.Namespace) -> list[tuple[str, int, str]]:
    """Database, seed and scenario of each run, in order."""
    found = []
    for seed in chosen.seed:
        for number, name in enumerate(chosen.scenarios):
            databases = [SQLITE] if name in ON_SQLITE else chosen.database
            if chosen.quick:
                databases = [databases[(number + seed) % len(databases)]]
            found += [(database, seed, name) for database in databases]
    return sorted(found, key=lambda run: [*chosen.database, SQLITE].index(run[0]))  # a stage is prepared once


def play(place: Stage, directory: Path, name: str, seed: int, *, quick: bool) -> bool:
    """Run one scenario and tell what came of it; whether all was well."""
    print(f"\n  {name} ({SCENARIOS[name].__module__}) on {place.database}, seed {seed}", flush=True)
    began = time.monotonic()
    with Supervisor(directory, grace=20) as supervisor:
        scene = Scene(place, supervisor, random.Random(f"{name} {seed}"), quick=quick)
        missed = ""
        try:
            SCENARIOS[name](scene)
        except Exception as error:  # noqa: BLE001 - the others go on, the run fails
            missed = "".join(traceback.format_exception_only(error)).strip()
            (directory / "missed.txt").write_text(traceback.format_exc())
    lost, duplicated = scene.findings.lost, scene.findings.duplicated
    scene.keep()
    for what in (*lost[:SHOWN], *duplicated[:SHOWN]):
        print(f"    ! {what}")
    if missed:
        print(f"    ! {missed}\n    logs in {directory}")
    print(
        f"scenario={name} database={place.database} seed={seed} injected={scene.injections()} "
        f"repeated={scene.findings.repeats} lost={len(lost)} duplicated={len(duplicated)} "
        f"{'missed=1 ' if missed else ''}seconds={time.monotonic() - began:.1f}",
        flush=True,
    )
    return not (lost or duplicated or missed)


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = parse(arguments)
    began = time.monotonic()
    shutil.rmtree(DATA, ignore_errors=True)
    outcomes = []
    with ExitStack() as stack:
        current: Stage | None = None
        for database, seed, name in runs(chosen):
            if current is None or current.database != database:
                stack.close()
                print(f"\n=== {database}", flush=True)
                current = stack.enter_context(stage(database, DATA / database))
            directory = DATA / database / f"{name}-{seed}"
            outcomes.append(play(current, directory, name, seed, quick=chosen.quick))
    print(
        f"\n{len(outcomes)} runs, {outcomes.count(False)} failed, {time.monotonic() - began:.0f} s in all; "
        f"logs in {DATA.relative_to(ROOT)}"
    )
    return 0 if outcomes and all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
