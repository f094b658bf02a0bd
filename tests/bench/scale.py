"""
A million learners: what grows when the tables do. ``python -m tests.bench.scale [--learners N] [--database NAME]``.

Each operation is timed on an empty database and on a full one, on each server, and the plans of all statements that
were executed are looked at. A finding is an operation that takes more than twice as long and five milliseconds more
(less than that is the noise of a small time), and a statement that reads all of a large table. The exit code is 0
without one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.settings")
django.setup()

# What follows needs Django set up.
from django.db import connection  # noqa: E402

from scripts.services import addresses  # noqa: E402
from tests.bench import servers  # noqa: E402
from tests.bench.filling import fill, make_templates  # noqa: E402
from tests.bench.operations import milliseconds, operations, prepare  # noqa: E402
from tests.bench.plans import noted, whole_reads  # noqa: E402
from tests.bench.report import Table, as_rst, as_text, number  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / ".data" / "scale.json"
LEARNERS = 1_000_000
FEW = 120
"""Learners in a database that counts as empty: enough for a page of each list, and for a batch."""

MOST_TIMES, NOISE_MS = 2.0, 5.0


def measured(learners: int) -> dict[str, Any]:
    """All figures of the database that this process is connected to, which has to be migrated and empty."""

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    prepare()
    make_templates()
    few = fill(FEW, lambda text: None)
    empty = {name: milliseconds(*what) for name, what in operations(few.username).items()}
    say(f"{len(empty)} operations measured on an empty database")
    filled = fill(learners, say)
    full = {}
    with noted() as statements:
        for name, what in operations(filled.username).items():
            full[name] = milliseconds(*what)
    reads = {each.sql: found for each in statements.values() if (found := whole_reads(each, filled.rows))}
    return {
        "vendor": connection.vendor,
        "rows": filled.rows,
        "statements": len(statements),
        "operations": [{"name": name, "empty": empty.get(name), "full": ms} for name, ms in full.items()],
        "whole_reads": reads,
    }


def on_empty(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> float:
    """
    Milliseconds to compare with: on an empty database, and for a list that of the same table as it opens, at least.

    A filter or a search may have nothing to show there.
    """
    table_name = row["name"].partition(": ")[2].partition(",")[0]
    return max(row["empty"] or 0, *(each["empty"] or 0 for each in rows if each["name"] == f"list: {table_name}"), 0)


def is_slower(row: Mapping[str, Any], empty: float) -> bool:
    return bool(row["full"] > MOST_TIMES * empty and row["full"] - empty > NOISE_MS)


def findings(figures: Mapping[str, Any]) -> list[str]:
    """In words; empty when nothing grows."""
    return [
        *(
            f"{row['name']} takes {number(row['full'])} ms, on an empty database {number(empty)}"
            for row in figures["operations"]
            if is_slower(row, empty := on_empty(row, figures["operations"]))
        ),
        *(f"reads all of {', '.join(tables)}: {sql}" for sql, tables in figures["whole_reads"].items()),
    ]


def table(name: str, figures: Mapping[str, Any]) -> Table:
    """The events, the questions, and the lists as they open; of filters and searches only the slowest."""
    rows = [row for row in figures["operations"] if row["empty"]]
    one_of_many = [row for row in rows if row["name"].startswith(("filtered", "search"))]
    shown = [row for row in rows if row not in one_of_many] + sorted(one_of_many, key=lambda row: -row["full"])[:3]
    learners, fulfilments = (figures["rows"][each] for each in ("core_user", "openedx_badges_fulfillment"))
    return Table(
        f"{name}, {learners:,} learners, {fulfilments:,} fulfilments",
        ("Operation", "ms empty", "ms full", "Ratio"),
        tuple(
            (row["name"], number(empty), number(row["full"]), f"{row['full'] / empty:.1f}")
            for row in shown
            for empty in [on_empty(row, figures["operations"])]
        ),
    )


def run(url: str, learners: int) -> dict[str, Any]:
    """In a process of its own, because Django has one database from its start."""
    with TemporaryDirectory() as directory, servers.fresh(url, Path(directory)) as database:
        env = {**os.environ, "DATABASE_URL": database}
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=ROOT, env=env, check=True)
        command = [sys.executable, "-m", "tests.bench.scale", "--here", f"--learners={learners}"]
        done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description="What a million learners change.")
    parser.add_argument(
        "--learners", type=int, default=LEARNERS, help=f"default {LEARNERS:,}; each has ten fulfilments"
    )
    parser.add_argument(
        "--database", action="append", help="PostgreSQL, MariaDB or SQLite; repeatable; default: servers"
    )
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--rst", action="store_true", help="print the tables as reStructuredText")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.here:
        with closing(connection):
            print(json.dumps(measured(options.learners)))
        return 0
    known = servers.databases(servers.reachable(addresses.known()))
    chosen = options.database or [name for name in known if name != "SQLite"]
    if not chosen or set(chosen) - known.keys():
        parser.error(f"reachable are {', '.join(known)}; for the others: make services")
    figures = {name: run(known[name], options.learners) for name in chosen}
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(json.dumps(figures, indent=2) + "\n")
    found = 0
    for name, each in figures.items():
        print((as_rst if options.rst else as_text)(table(name, each)) + "\n")
        for finding in findings(each):
            found += 1
            print(f"! {name}: {finding}")
    print(f"{found} findings; all figures in {options.output}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
