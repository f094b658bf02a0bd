"""What is said of the figures: tables, whether the contract is met, what a large site needs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench import capacity, report
from tests.bench.report import Table, as_rst, as_text, contract, number
from tests.bench.variants import VARIANTS


def one_event(event: str = "unmatched", **changes: Any) -> dict[str, Any]:
    return {
        "database": "SQLite",
        "templates": 10,
        "event": event,
        "median": 11.0,
        "p99": 30.0,
        "statements": [0, 0],
        **changes,
    }


def figures(**parts: Any) -> dict[str, Any]:
    return {
        "sizes": {"backlog": 50_000, "deliveries": 400},
        "events": [one_event(), one_event("award", statements=[12, 4])],
        "rules": {
            "templates": 10_000,
            "build_seconds": 1.5,
            "build_megabytes": 52.0,
            "load_seconds": 1.0,
            "change_seconds": 0.01,
        },
        "memory": {"events": 1000, "templates": 100, "megabytes": [70.0, 80.0, 80.5]},
        "consumer": [
            {"variant": "stock class, empty receiver", "rates": [5000.0, 5000.0, 500.0]},
            {"variant": "our class, unmatched", "rates": [6000.0, 6000.0, 6000.0]},
            {"variant": report.BATCHED, "rates": [1500.0, 1500.0, 150.0]},
        ],
        "delivery": {"database": "SQLite", "latency_ms": 100, "concurrency": 8, "per_second": 60.0},
        **parts,
    }


def broken(**parts: Any) -> list[str]:
    return [promise.what for promise in contract(figures(**parts)) if not promise.kept]


def test_figures_within_every_limit_meet_the_contract() -> None:
    assert broken() == []
    assert len(contract(figures())) == 10


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ({"events": [one_event(statements=[1, 0])]}, "unmatched: to the commit"),
        ({"events": [one_event(), one_event(median=20.1)]}, "unmatched: over an empty receiver"),
        ({"events": [one_event("award", statements=[15, 0])]}, "award: to the commit"),
        ({"events": [one_event("award", statements=[14, 5])]}, "award: to announce"),
        ({"rules": {**figures()["rules"], "build_seconds": 2.1}}, "rulebook of 10,000 templates: building"),
        ({"rules": {**figures()["rules"], "build_megabytes": 101}}, "rulebook of 10,000 templates: memory"),
        ({"memory": {"events": 1000, "megabytes": [70.0, 80.0, 90.0]}}, "memory over 1,000 events: growth"),
        (
            {
                "consumer": [
                    *figures()["consumer"][:1],
                    {"variant": "our class, unmatched", "rates": [9e9, 5950.0, 1.0]},
                ]
            },
            "consumer: our class, unmatched",
        ),
        ({"delivery": {"per_second": 49.9}}, "deliveries of one worker"),
    ],
)
def test_a_figure_beyond_its_limit_is_told(parts: dict[str, Any], what: str) -> None:
    assert what in broken(**parts)


def test_written_together_is_compared_with_one_by_one() -> None:
    rows = figures()["consumer"]
    slow = {"variant": report.UNBATCHED, "rates": [151.0, 151.0, 15.0]}
    assert broken(consumer=[*rows, slow]) == ["consumer: written together, over one by one"]
    assert broken(consumer=[*rows, {**slow, "rates": [150.0, 150.0, 9.0]}]) == []


def test_a_receiver_that_takes_turns_is_compared_with_the_other_one_of_its_process() -> None:
    (stock, *_) = figures()["consumer"]
    turns = {"variant": "stock class, unmatched, in turn with the empty one", "rates": [96.0] * 3}
    assert broken(consumer=[stock, {**turns, "empty": [100.0] * 3}]) == []
    assert broken(consumer=[stock, {**turns, "empty": [102.0] * 3}]) == [f"consumer: {turns['variant']}"]


def test_the_contract_names_variants_that_there_are() -> None:
    named = {*report.CONSUMER_RATIOS, report.BATCHED, report.UNBATCHED, report.TWO, report.STOCK}
    assert named <= {variant.name for variant in VARIANTS}


def test_what_was_not_measured_is_neither_kept_nor_broken() -> None:
    assert contract({}) == []
    small = {**figures()["rules"], "templates": 1000, "build_seconds": 100}
    assert contract({"rules": small}) == []


def test_every_part_has_a_table() -> None:
    assert [table.title for table in report.tables(figures())] == [
        "One event, SQLite",
        "Rulebook, 10,000 templates",
        "Memory, 100 templates",
        "Consuming a backlog, PostgreSQL, medians of 3 rounds",
        "Delivering, SQLite",
        "The contract",
    ]
    award = report.tables(figures())[0].rows[1]
    assert award == ("award", "10", "11", "30", "12 + 4")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.25, "0.25"),
        (2.0, "2"),
        (9.8765, "9.88"),
        (12.0, "12"),
        (12.34, "12.3"),
        (123.4, "123"),
        (12_345.6, "12,346"),
    ],
)
def test_numbers_have_as_many_digits_as_are_worth_telling(value: float, text: str) -> None:
    assert number(value) == text


TABLE = Table("Title", ("What", "n"), (("a", "1"), ("longer", "22")))


def test_a_table_as_text_has_columns() -> None:
    assert as_text(TABLE).splitlines() == ["== Title", "What    n", "------  --", "a       1", "longer  22"]


def test_a_table_as_restructuredtext_is_a_list_table() -> None:
    assert as_rst(TABLE).splitlines() == [
        ".. list-table:: Title",
        "   :header-rows: 1",
        "",
        "   * - What",
        "     - n",
        "   * - a",
        "     - 1",
        "   * - longer",
        "     - 22",
    ]


def test_a_site_needs_consumers_for_what_matches_nothing_and_for_what_changes_something() -> None:
    assert capacity.consumers(0, 5000, 100) == 2  # all the time of one, and each may be busy 60 % of it
    assert capacity.consumers(0.1, 5000, 1000) == 3  # 0.9 and 0.5 seconds a second
    assert capacity.workers(30, 50) == 1
    assert capacity.workers(31, 50) == 2


def test_what_a_site_needs_is_told_only_from_measured_figures() -> None:
    assert [len(table.rows) for table in capacity.tables(figures())] == [len(capacity.SHARES), 3]
    assert capacity.tables(figures(consumer=[])) == []


@pytest.mark.parametrize("small", [{"backlog": 2_000}, {"deliveries": 40}])
def test_nothing_is_concluded_from_rates_of_a_short_run(small: dict[str, int]) -> None:
    slow = {"rates": [1.0] * 3}
    short = figures(
        sizes={"backlog": 50_000, "deliveries": 400, **small},
        consumer=[row | slow for row in figures()["consumer"][1:]] + figures()["consumer"][:1],
        delivery={**figures()["delivery"], "per_second": 1.0},
    )
    assert [promise.what for promise in contract(short) if not promise.kept] == []
    assert capacity.tables(short) == []
    assert "Delivering, SQLite" in [table.title for table in report.tables(short)]
