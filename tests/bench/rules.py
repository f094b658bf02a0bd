"""
Building the rulebook, and following one change: ``python -m tests.bench.rules TEMPLATES`` prints JSON.

The book has three requirements a template and three rules a requirement; the site in the database is ``site``'s.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.settings")
# So that a change is seen at once, not when the rules are a second old.
os.environ["BENCH_BADGES"] = json.dumps({"RULEBOOK_MAX_AGE": 0})
django.setup()

# What follows needs Django set up.
from badges.data import TemplateSpec  # noqa: E402
from badges.engine.rulebook import Rulebook  # noqa: E402
from badges.models import BadgeTemplate  # noqa: E402
from badges.services import rulebook  # noqa: E402
from tests.bench.site import grow  # noqa: E402
from tests.engine.specs import requirement, rule, template  # noqa: E402

REPEATS = 3
EACH = 3


def specs(count: int) -> list[TemplateSpec]:
    return [
        template(
            number,
            [
                requirement(
                    number * EACH + part,
                    rule("is_passing", "eq", "true"),
                    rule("course.course_key", "eq", f"course-v1:edX+{number}+{part}"),
                    rule("user.id", "gte", "1"),
                )
                for part in range(EACH)
            ],
        )
        for number in range(1, count + 1)
    ]


def seconds(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def memory_of_a_book(count: int) -> float:
    """In MB, with the templates that it is made of."""
    tracemalloc.start()
    book = Rulebook(specs(count), version=1)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert book.template(count).id == count
    return held / 1e6


def after_one_change() -> float:
    """How long the next event waits after one template of the site was changed."""
    rulebook.current()
    changed = BadgeTemplate.objects.order_by("-pk")[0]
    changed.description += "."
    changed.save()
    return seconds(rulebook.current)


def main() -> None:
    count = int(sys.argv[1])
    templates = specs(count)
    grow(count)
    assert BadgeTemplate.objects.count() == count
    figures = {
        "templates": count,
        "build_seconds": min(seconds(lambda: Rulebook(templates, version=1)) for _ in range(REPEATS)),
        "build_megabytes": memory_of_a_book(count),
        "load_seconds": min(seconds(rulebook.load) for _ in range(REPEATS)),
        "change_seconds": statistics.median(after_one_change() for _ in range(REPEATS)),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
