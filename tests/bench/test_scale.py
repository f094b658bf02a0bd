"""That the tables are filled with what learners would leave, and that everything runs; not how long it takes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from badges import api
from badges.models import BadgeProgress, Delivery, Fulfillment, JournalEntry
from tests.bench import filling
from tests.bench.filling import fill, make_templates
from tests.bench.operations import milliseconds, operations, prepare
from tests.bench.plans import Statement, _scanned, noted, whole_reads
from tests.bench.scale import findings, table


@pytest.fixture
def filled(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    settings.BADGES = {**settings.BADGES, "FUTURE_TOLERANCE": 10**9, "ENQUEUE": False}
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    monkeypatch.setattr(filling, "BEGUN", 99)
    monkeypatch.setattr(filling, "COMPLETE", 3)
    prepare()
    make_templates()
    yield fill(20, lambda text: None)
    with connection.cursor() as cursor:
        for made in ("bench_place", "bench_choice"):
            cursor.execute(f"DROP TABLE {made}")


def test_the_tables_are_filled_as_learners_would(filled: filling.Filled) -> None:
    fill(5, lambda text: None)
    connection.check_constraints()
    assert (Fulfillment.objects.count(), BadgeProgress.objects.count()) == (250, 75)
    assert (JournalEntry.objects.count(), Delivery.objects.count()) == (275, 50)
    standing = api.report(username=filled.username)["learners"][filled.username]
    assert sorted((one["groups_done"], one["groups"], one["status"]) for one in standing.values()) == [
        (2, 2, "awarded"),
        (4, 5, None),
        (4, 5, None),
    ]


def test_everything_that_is_measured_works(filled: filling.Filled) -> None:
    with noted() as statements:
        spent = {name: milliseconds(operation, 1) for name, (operation, _) in operations(filled.username).items()}
    assert len(spent) > 50 and all(spent.values())
    assert any('FROM "openedx_badges_fulfillment"' in sql for sql in statements)


PLANS = [
    ([{"Plan": {"Node Type": "Seq Scan", "Relation Name": "large"}}], ["large"]),
    ([{"Plan": {"Node Type": "Limit", "Plans": [{"Node Type": "Index Scan", "Relation Name": "large"}]}}], []),
    ({"query_block": {"nested_loop": [{"table": {"table_name": "large", "access_type": "ALL"}}]}}, ["large"]),
    ({"query_block": {"table": {"table_name": "large", "access_type": "index"}}}, ["large"]),
    ({"query_block": {"table": {"table_name": "large", "access_type": "range"}}}, []),
]


@pytest.mark.parametrize(("plan", "found"), PLANS)
def test_a_plan_tells_what_is_read_from_end_to_end(plan: Any, found: list[str]) -> None:
    assert list(_scanned(plan, is_limited=False)) == found


def test_the_order_of_a_key_may_be_read_until_a_limit() -> None:
    assert list(_scanned({"table_name": "large", "access_type": "index"}, is_limited=True)) == []


def test_sqlite_tells_no_plan() -> None:
    assert whole_reads(Statement("SELECT 1", ()), {"large": 10**6}) == []


def test_findings_are_what_got_slower_and_what_reads_everything() -> None:
    figures = {
        "rows": {"core_user": 10, "openedx_badges_fulfillment": 100},
        "operations": [
            {"name": "list: one", "empty": 10.0, "full": 19.0},
            {"name": "list: other", "empty": 10.0, "full": 21.0},
            {"name": "event: noise", "empty": 1.0, "full": 5.9},
            {"name": "filtered list: one, new", "empty": None, "full": 19.9},
            {"name": "filtered list: one, rare", "empty": 1.0, "full": 21.0},
        ],
        "whole_reads": {"SELECT everything": ["large"]},
    }
    assert findings(figures) == [
        "list: other takes 21 ms, on an empty database 10",
        "filtered list: one, rare takes 21 ms, on an empty database 10",
        "reads all of large: SELECT everything",
    ]
    assert [row[0] for row in table("Some", figures).rows] == [
        "list: one",
        "list: other",
        "event: noise",
        "filtered list: one, rare",
    ]
