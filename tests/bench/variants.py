"""The ways to consume that are compared; without what running them needs, so that the report can be tested anywhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tests.integration.bus import OUR_CONSUMER, STOCK_CONSUMER


@dataclasses.dataclass(frozen=True)
class Variant:
    """
    One way to consume. ``backlog`` names what is read; ``badges`` are options of ``BADGES``; each of ``consumers`` has
    such a backlog in a topic of its own. With ``turns`` the empty receiver and ours take turns. ``quick``: a quick run
    has it, too.
    """

    name: str
    consumer: str
    backlog: str
    badges: Mapping[str, Any]
    consumers: int = 1
    turns: bool = False
    quick: bool = False


VARIANTS = (
    Variant("stock class, empty receiver", STOCK_CONSUMER, "unmatched", {"EVENT_TYPES": []}, quick=True),
    Variant("stock class, unmatched", STOCK_CONSUMER, "unmatched", {}),
    Variant(
        "stock class, unmatched, in turn with the empty one",
        STOCK_CONSUMER,
        "unmatched",
        {"RULEBOOK_MAX_AGE": 2},  # half of the time is ours, so that is one look for each second of it
        turns=True,
    ),
    Variant("our class, unmatched", OUR_CONSUMER, "unmatched", {}, quick=True),
    Variant("our class, every event fulfils", OUR_CONSUMER, "changing", {}, quick=True),
    Variant("the same, one by one", OUR_CONSUMER, "unbatched", {"BATCH_SIZE": 1}),
    Variant("one by one, two consumers", OUR_CONSUMER, "unbatched twice", {"BATCH_SIZE": 1}, consumers=2),
)
