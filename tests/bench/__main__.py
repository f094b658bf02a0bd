"""``python -m tests.bench``; see ``--help`` and :mod:`tests.bench`."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pyperf

from credentials_settings.sandbox.credly import running_credly
from scripts.services import addresses
from tests.bench import capacity, servers
from tests.bench.report import as_rst, as_text, contract, rates_tell, tables
from tests.bench.sizes import FULL, QUICK, Sizes

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "bench.json"
DOCUMENTED = ROOT / "docs" / "concepts" / "performance_figures.inc"
LATENCY_MS = 100
CONCURRENCY = 24
"""Threads of the worker that delivers: with 16, the processor has nothing to do for a part of the time."""
MEMORY_TEMPLATES = 1000
BUSY = 0.25
"""From this load a core on, figures are worth little."""

PACKAGES = ("Django", "openedx-events", "edx-event-bus-kafka", "confluent-kafka", "psycopg", "mysqlclient", "pyperf")
CONSUMERS_NEED = {"POSTGRES_URL", "KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL"}
INHERITED = "DATABASE_URL,DJANGO_SETTINGS_MODULE"


def say(text: str) -> None:
    print(text, flush=True)


class Run:
    """One run: ``figures`` is what ``bench.json`` will hold."""

    def __init__(self, sizes: Sizes, directory: Path) -> None:
        self.sizes = sizes
        self.directory = directory
        self.figures: dict[str, Any] = {"sizes": dataclasses.asdict(sizes), "events": []}

    # --- processes ---

    def python(self, *arguments: str | int, **env: str) -> str:
        """What a Python process printed that ended well."""
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.bench.settings", **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout

    def answer(self, *arguments: str | int, **env: str) -> Any:
        """What a Python process printed as JSON in its last line."""
        return json.loads(self.python(*arguments, **env).splitlines()[-1])

    @contextmanager
    def databases(self, urls: Sequence[str]) -> Iterator[Iterator[str]]:
        """
        A migrated database beside each of the ``urls``; all are made at the same time, because that takes seconds each.
        One is dropped when the next one is asked for, so that its server is done with it.
        """
        say(f"databases: {len(urls)}")
        with ExitStack() as stack:
            each = [stack.enter_context(ExitStack()) for _ in urls]
            made = [own.enter_context(servers.fresh(url, self.directory)) for own, url in zip(each, urls, strict=True)]
            with ThreadPoolExecutor(len(urls)) as pool:
                list(pool.map(self.migrate, made))
            yield _one_after_the_other(each, made)

    def migrate(self, database: str) -> None:
        self.python("manage.py", "migrate", "--verbosity=0", DATABASE_URL=database)

    # --- measurements ---

    def events(self, name: str, database: str) -> None:
        """What one event costs, with more and more templates."""
        for templates in self.sizes.templates:
            say(f"events: {name}, {templates:,} templates")
            self.figures["events"] += self._events(name, database, templates)

    def _events(self, name: str, database: str, templates: int) -> list[dict[str, Any]]:
        output, statements = (self.directory / f"{part}-{name}-{templates}.json" for part in ("events", "statements"))
        self.python(
            *("-m", "tests.bench.events", "--templates", templates, "--statements", statements),
            *("--processes", self.sizes.processes or 1, "--values", self.sizes.values, "--loops", 1, "--warmups", 5),
            *("--quiet", "--output", output, "--inherit-environ", INHERITED),
            *([] if self.sizes.processes else ["--in-process"]),
            DATABASE_URL=database,
        )
        counts = json.loads(statements.read_text())
        return [
            {
                "database": name,
                "templates": templates,
                "event": measured.get_name(),
                "median": measured.median() * 1e6,
                "p99": measured.percentile(99) * 1e6,
                "values": measured.get_nvalue(),
                "statements": counts[measured.get_name()],
            }
            for measured in pyperf.BenchmarkSuite.load(str(output))
        ]

    def memory_and_rules(self, database: str) -> None:
        """The rulebook last: it adds templates to the site that the memory's events meet, and needs as many or more."""
        asked = {"memory": (self.sizes.memory_events, MEMORY_TEMPLATES), "rules": (self.sizes.templates[-1],)}
        for part, arguments in asked.items():
            say(f"{part}: {arguments[0]:,} {'events' if part == 'memory' else 'templates'}")
            self.figures[part] = self.answer("-m", f"tests.bench.{part}", *arguments, DATABASE_URL=database)

    def deliveries(self, name: str, database: str) -> None:
        say(f"deliveries: {name}")
        badges = self.sizes.deliveries
        threads = min(CONCURRENCY, badges)
        with running_credly(latency_ms=LATENCY_MS) as credly:
            self.figures["delivery"] = {
                "database": name,
                "latency_ms": LATENCY_MS,
                "concurrency": threads,
                **self.answer(
                    *("-m", "tests.bench.delivering", badges, threads),
                    DATABASE_URL=database,
                    CREDLY_API_BASE_URL=credly.url,
                ),
            }

    def consumers(self, database: str) -> None:
        say("consumers")
        sizes = json.dumps(self.figures["sizes"])
        self.figures["consumer"] = self.answer("-m", "tests.bench.consuming", sizes, DATABASE_URL=database)


def _one_after_the_other(each: Sequence[ExitStack], made: Sequence[str]) -> Iterator[str]:
    for own, database in zip(each, made, strict=True):
        with own:
            yield database


def measure(sizes: Sizes, reachable: Mapping[str, str]) -> dict[str, Any]:
    """Everything that can be measured with what is reachable."""
    urls = servers.databases(reachable)
    served = "PostgreSQL" if "PostgreSQL" in urls else "SQLite"
    began = time.monotonic()
    with TemporaryDirectory(prefix="bench-") as directory:
        run = Run(sizes, Path(directory))
        run.figures["machine"] = machine()
        run.figures["versions"] = versions(urls)
        consumes = reachable.keys() >= CONSUMERS_NEED
        asked = [servers.SQLITE, *[urls[served]] * (2 if consumes else 1), *urls.values()]
        with run.databases(asked) as made:
            run.memory_and_rules(next(made))
            if consumes:
                run.consumers(next(made))
            run.deliveries(served, next(made))
            for name, database in zip(urls, made, strict=True):
                run.events(name, database)
    run.figures["seconds"] = time.monotonic() - began
    return run.figures


def machine() -> dict[str, Any]:
    load = os.getloadavg()[0]
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "load_before": round(load, 2),
        "busy": load > BUSY * (os.cpu_count() or 1),
        "measured_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def versions(databases: Mapping[str, str]) -> dict[str, str]:
    installed = {found.metadata["Name"]: found.version for found in metadata.distributions()}
    return {
        "Python": platform.python_version(),
        **{package: installed[package] for package in PACKAGES if package in installed},
        **{name: servers.version(url) for name, url in databases.items()},
    }


def document(figures: Mapping[str, Any]) -> str:
    """What ``docs/concepts/performance.rst`` includes."""
    parts = [*map(as_rst, tables(figures)), *map(as_rst, capacity.tables(figures))]
    about = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    place = figures["machine"]
    return "\n\n".join(
        (
            ".. Made by make bench: python -m tests.bench --document",
            f"Measured {place['measured_at'][:10]} on {place['cores']} cores ({place['processor']}), "
            f"{place['memory_gib']} GiB, servers on the same machine, load before {place['load_before']}. {about}.",
            *parts,
            "",
        )
    )


def show(figures: Mapping[str, Any]) -> None:
    for table in (*tables(figures), *capacity.tables(figures)):
        say(f"\n{as_text(table)}")
    broken = [promise for promise in contract(figures) if not promise.kept]
    say(f"\nThe contract is {'NOT ' if broken else ''}met in what was measured.")
    if not rates_tell(figures):
        say("Rates of so short a run are mostly those of warming up: shown, and not compared with the contract.")
    if figures["machine"]["busy"]:
        say(f"The machine was busy (load {figures['machine']['load_before']}): times are worth little, ratios more.")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="What an event costs.")
    parser.add_argument("--quick", action="store_true", help="at most two minutes on an idle machine")
    parser.add_argument("--output", type=Path, default=RESULT, help="default: bench.json")
    parser.add_argument(
        "--document", action="store_true", help=f"measure nothing: write {DOCUMENTED.relative_to(ROOT)} from the output"
    )
    options = parser.parse_args(arguments)
    if options.document:
        DOCUMENTED.write_text(document(json.loads(options.output.read_text())))
        return 0
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that databases are dropped
    figures = measure(QUICK if options.quick else FULL, servers.reachable(addresses.known()))
    options.output.write_text(json.dumps(figures, indent=2) + "\n")
    show(figures)
    say(f"{figures['seconds']:.0f} s; all figures in {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
