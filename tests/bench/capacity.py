"""What a large site needs, computed from what was measured. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import Any

from tests.bench.report import BATCHED, Table, number, rates_tell

EVENTS_PER_SECOND = 5_000
LEARNERS = 10_000_000
FULFILMENTS_A_LEARNER = 5
SHARES = (0.001, 0.01, 0.05)
"""How many of the events change something."""

AWARDS_A_FULFILMENT = 0.2
BUSY_SHARE = 0.6
"""How much of its time a consumer or worker may be busy, so that it catches up after a restart."""

ROW_BYTES = {"fulfilments": 250, "journal": 450, "progress": 200}
"""With their indexes, as PostgreSQL stores them."""


def tables(figures: Mapping[str, Any]) -> list[Table]:
    """Consumers and workers for a site of that size; empty when rates of consumers or deliveries were not measured."""
    rates = {row["variant"]: statistics.median(row["rates"]) for row in figures.get("consumer", ())}
    delivery = figures.get("delivery")
    if BATCHED not in rates or delivery is None or not rates_tell(figures):
        return []
    rows = tuple(_row(share, rates["our class, unmatched"], rates[BATCHED], delivery["per_second"]) for share in SHARES)
    title = (
        f"{LEARNERS:,} learners and {EVENTS_PER_SECOND:,} events a second, each part busy {BUSY_SHARE:.0%} of its time"
    )
    workers_head = f"Delivery workers of {delivery['concurrency']} threads"
    head = ("Events that change something", "Changes/s", "Consumers", "Awards/s", workers_head)
    return [Table(title, head, rows), _rows_table()]


def _row(share: float, unmatched: float, changing: float, delivered: float) -> tuple[str, ...]:
    changes = EVENTS_PER_SECOND * share
    awards = changes * AWARDS_A_FULFILMENT
    return (
        f"{share:.1%}",
        number(changes),
        str(consumers(share, unmatched, changing)),
        number(awards),
        str(workers(awards, delivered)),
    )


def consumers(share: float, unmatched: float, changing: float) -> int:
    """How many it takes, when one handles so many a second of events that match nothing, and that change something."""
    busy = EVENTS_PER_SECOND * ((1 - share) / unmatched + share / changing)
    return math.ceil(busy / BUSY_SHARE)


def workers(awards: float, delivered: float) -> int:
    """How many it takes to issue ``awards`` badges a second, when one issues ``delivered``."""
    return math.ceil(awards / delivered / BUSY_SHARE)


def _rows_table() -> Table:
    fulfilments = LEARNERS * FULFILMENTS_A_LEARNER
    counts = {"fulfilments": fulfilments, "journal": fulfilments, "progress": LEARNERS}
    return Table(
        f"Rows of {LEARNERS:,} learners with {FULFILMENTS_A_LEARNER} fulfilments each",
        ("Table", "Rows", "GB"),
        tuple((name, f"{count:,}", number(count * ROW_BYTES[name] / 1e9)) for name, count in counts.items()),
    )
