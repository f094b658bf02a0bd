"""Which of the statements that were executed read a whole large table, as the database's own plan says."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection

LARGE = 100_000
"""Rows from which on reading a whole table is a finding."""


@dataclasses.dataclass(frozen=True)
class Statement:
    sql: str
    parameters: Any


@contextmanager
def noted() -> Iterator[dict[str, Statement]]:
    """The different SELECTs that are executed in the block, with the parameters that they came with first."""
    found: dict[str, Statement] = {}

    def note(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if sql.lstrip(" (").startswith("SELECT"):
            found.setdefault(sql, Statement(sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        yield found


def whole_reads(statement: Statement, rows: Mapping[str, int]) -> list[str]:
    """
    The tables that the database reads from end to end for ``statement``; of those with ``LARGE`` ``rows`` or more.

    Reading in the order of a key until a LIMIT is reached is no such read.
    """
    large = {table for table, count in rows.items() if count >= LARGE}
    explain = {"postgresql": "EXPLAIN (FORMAT JSON) ", "mysql": "EXPLAIN FORMAT=JSON "}.get(connection.vendor)
    if explain is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(explain + statement.sql, statement.parameters)
        (plan,) = cursor.fetchone()
    plan = json.loads(plan) if isinstance(plan, str) else plan
    is_limited = " LIMIT " in statement.sql
    return sorted(table for table in set(_scanned(plan, is_limited=is_limited)) if table in large)


def _scanned(node: Any, *, is_limited: bool) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _scanned(each, is_limited=is_limited)
    if not isinstance(node, dict):
        return
    if node.get("Node Type") in ("Seq Scan", "Parallel Seq Scan") and not (is_limited and "Filter" not in node):
        yield node["Relation Name"]
    # MariaDB names a table by its alias only; Django's first alias of a table is its name.
    if node.get("access_type") == "ALL" or (node.get("access_type") == "index" and not is_limited):
        yield node["table_name"]
    for each in node.values():
        yield from _scanned(each, is_limited=is_limited)
