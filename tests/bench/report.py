"""What was measured, as text and as reStructuredText, and whether it meets the contract. Pure."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Figures = Mapping[str, Any]
"""The content of ``bench.json``; a part that was not measured is absent."""

STATEMENTS = {"unmatched": (0, 0), "redelivered": (2, 0), "progress": (8, 0), "award": (14, 4), "revoke": (14, 4)}
"""At most so many to the commit, and to announce."""

UNMATCHED_MICROSECONDS = 20
BUILD_TEMPLATES, BUILD_SECONDS, BUILD_MEGABYTES = 10_000, 2, 100
GROWTH_MEGABYTES = 2
CONSUMER_RATIOS = {
    "stock class, unmatched": 0.8,  # roughly: an open connection would halve it
    "stock class, unmatched, in turn with the empty one": 0.95,
    "our class, unmatched": 1.2,
    "our class, every event fulfils": 0.3,
}
BATCHED, UNBATCHED, BATCHING_GAINS = "our class, every event fulfils", "the same, one by one", 10
TWO, SECOND_GAINS = "one by one, two consumers", 1.7
STOCK = "stock class, empty receiver"
BADGES_PER_SECOND = 50
TELLING_BACKLOG, TELLING_BADGES = 10_000, 100
"""The rate of fewer is mostly that of warming up: it is shown, and nothing is concluded from it."""


@dataclasses.dataclass(frozen=True)
class Promise:
    """One line of the contract. ``measured`` is the worst of all measurements that it is about."""

    what: str
    limit: str
    measured: str
    kept: bool


@dataclasses.dataclass(frozen=True)
class Table:
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


# --- the contract --------------------------------------------------------------------------------------------


def contract(figures: Figures) -> list[Promise]:
    """What ``figures`` can say about the contract; what was not measured is left out."""
    return [
        *_of_events(figures.get("events", ())),
        *_of_rules(figures.get("rules")),
        *_of_memory(figures.get("memory")),
        *(_of_rates(figures) if rates_tell(figures) else ()),
    ]


def rates_tell(figures: Figures) -> bool:
    """Whether what was consumed and delivered is enough for rates to mean something."""
    sizes = figures.get("sizes", {"backlog": 0, "deliveries": 0})
    return bool(sizes["backlog"] >= TELLING_BACKLOG and sizes["deliveries"] >= TELLING_BADGES)


def _at_most(what: str, measured: float, limit: float, unit: str) -> Promise:
    return Promise(what, f"≤ {limit:g} {unit}", f"{number(measured)} {unit}", measured <= limit)


def _at_least(what: str, measured: float, limit: float, unit: str) -> Promise:
    return Promise(what, f"≥ {limit:g} {unit}", f"{number(measured)} {unit}", measured >= limit)


def _of_events(rows: Sequence[Figures]) -> Iterable[Promise]:
    for kind, limits in STATEMENTS.items():
        spent = [row["statements"] for row in rows if row["event"] == kind]
        for phase, place, limit in zip(("to the commit", "to announce"), (0, 1), limits, strict=True):
            if spent and (limit or not place):
                worst = max(counts[place] for counts in spent)
                yield _at_most(f"{kind}: {phase}", worst, limit, "statements")
    medians = [row["median"] for row in rows if row["event"] == "unmatched"]
    if medians:
        yield _at_most("unmatched: over an empty receiver", max(medians), UNMATCHED_MICROSECONDS, "µs")


def _of_rules(row: Figures | None) -> Iterable[Promise]:
    if row is not None and row["templates"] >= BUILD_TEMPLATES:
        yield _at_most("rulebook of 10,000 templates: building", row["build_seconds"], BUILD_SECONDS, "s")
        yield _at_most("rulebook of 10,000 templates: memory", row["build_megabytes"], BUILD_MEGABYTES, "MB")


def _of_memory(row: Figures | None) -> Iterable[Promise]:
    if row is not None:
        yield _at_most(f"memory over {row['events']:,} events: growth", growth(row), GROWTH_MEGABYTES, "MB")


def growth(row: Figures) -> float:
    """In MB, once a tenth of the events has warmed everything up."""
    samples = row["megabytes"]
    return float(samples[-1] - samples[1])


def _of_rates(figures: Figures) -> Iterable[Promise]:
    yield from _of_consumers({row["variant"]: row for row in figures.get("consumer", ())})
    if "delivery" in figures:
        issued = figures["delivery"]["per_second"]
        yield _at_least("deliveries of one worker", issued, BADGES_PER_SECOND, "badges/s")


def _of_consumers(rows: Mapping[str, Figures]) -> Iterable[Promise]:
    for variant, limit in CONSUMER_RATIOS.items():
        if variant in rows:
            yield _at_least(f"consumer: {variant}", ratio(rows[variant], rows[STOCK]), limit, "of the empty one")
    if BATCHED in rows and UNBATCHED in rows:
        gain = ratio(rows[BATCHED], rows[UNBATCHED])
        yield _at_least("consumer: written together, over one by one", gain, BATCHING_GAINS, "times")
    if UNBATCHED in rows and TWO in rows:
        yield _at_least("consumer: two of them, over one", ratio(rows[TWO], rows[UNBATCHED]), SECOND_GAINS, "times")


def ratio(row: Figures, other: Figures) -> float:
    """
    The median over the rounds, in each of which both were measured; to the empty receiver's in the same process where
    ``row`` has that.

    A machine that gets faster or slower between rounds changes both alike, and one disturbed round changes nothing.
    """
    others = row.get("empty") or other["rates"]
    return statistics.median(one / another for one, another in zip(row["rates"], others, strict=True))


# --- tables --------------------------------------------------------------------------------------------------


def tables(figures: Figures) -> list[Table]:
    """All that was measured, and the contract."""
    found = [_events_table(database, rows) for database, rows in _by_database(figures.get("events", ()))]
    if "rules" in figures:
        found.append(_rules_table(figures["rules"]))
    if "memory" in figures:
        found.append(_memory_table(figures["memory"]))
    if "consumer" in figures:
        found.append(_consumer_table(figures["consumer"]))
    if "delivery" in figures:
        found.append(_delivery_table(figures["delivery"]))
    promises = contract(figures)
    rows = tuple((each.what, each.limit, each.measured, "yes" if each.kept else "NO") for each in promises)
    found.append(Table("The contract", ("What", "Limit", "Measured", "Kept"), rows))
    return found


def _by_database(rows: Sequence[Figures]) -> list[tuple[str, list[Figures]]]:
    databases = dict.fromkeys(row["database"] for row in rows)
    return [(database, [row for row in rows if row["database"] == database]) for database in databases]


def _events_table(database: str, rows: Sequence[Figures]) -> Table:
    return Table(
        f"One event, {database}",
        ("Event", "Templates", "Median µs", "p99 µs", "Statements"),
        tuple(
            (
                row["event"],
                f"{row['templates']:,}",
                number(row["median"]),
                number(row["p99"]),
                " + ".join(str(count) for count in row["statements"] if count) or "0",
            )
            for row in rows
        ),
    )


def _rules_table(row: Figures) -> Table:
    return Table(
        f"Rulebook, {row['templates']:,} templates",
        ("What", "Measured"),
        (
            ("Building it, 3 requirements a template, 3 rules a requirement", f"{number(row['build_seconds'])} s"),
            ("Its memory", f"{number(row['build_megabytes'])} MB"),
            ("Reading a site with 1 requirement a template from SQLite", f"{number(row['load_seconds'])} s"),
            ("There, the next event after a change of one template", f"{number(row['change_seconds'] * 1000)} ms"),
        ),
    )


def _memory_table(row: Figures) -> Table:
    samples = row["megabytes"]
    return Table(
        f"Memory, {row['templates']:,} templates",
        ("Events handled", "MB"),
        tuple(
            (f"{row['events'] * tenths // (len(samples) - 1):,}", number(megabytes))
            for tenths, megabytes in enumerate(samples)
        ),
    )


def _consumer_table(rows: Sequence[Figures]) -> Table:
    stock = rows[0]
    return Table(
        f"Consuming a backlog, PostgreSQL, medians of {len(stock['rates'])} rounds",
        ("Consumer", "Events/s", "Lowest", "Highest", "Ratio"),
        tuple(
            (
                row["variant"],
                *(number(choose(row["rates"])) for choose in (statistics.median, min, max)),
                f"{ratio(row, stock):.2f}",
            )
            for row in rows
        ),
    )


def _delivery_table(row: Figures) -> Table:
    return Table(
        f"Delivering, {row['database']}",
        ("Provider answers after", "Concurrency", "Badges/s"),
        ((f"{row['latency_ms']:g} ms", str(row["concurrency"]), number(row["per_second"])),),
    )


def number(value: float) -> str:
    """Three digits at least, and no more decimals than that takes."""
    if value >= 100:
        return f"{value:,.0f}"
    text = f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return text.rstrip("0").rstrip(".")


def as_text(table: Table) -> str:
    """For a terminal."""
    widths = [max(map(len, column)) for column in zip(table.head, *table.rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (table.head, tuple("-" * width for width in widths), *table.rows)
    ]
    return "\n".join((f"== {table.title}", *lines))


def as_rst(table: Table) -> str:
    """For the documentation."""
    lines = [f".. list-table:: {table.title}", "   :header-rows: 1", ""]
    for row in (table.head, *table.rows):
        for place, cell in enumerate(row):
            lines.append(f"   {'* -' if place == 0 else '  -'} {cell}")
    return "\n".join(lines)
