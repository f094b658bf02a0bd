"""Every statement in ``docs/references/semantics.rst`` is proved by a test that names it."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
STATEMENTS = TESTS.parent / "docs" / "references" / "semantics.rst"


def test_every_statement_is_named_by_a_test() -> None:
    stated = set(re.findall(r"^\*\*(S\d+)\*\*$", STATEMENTS.read_text(), flags=re.MULTILINE))
    named = {
        number
        for path in TESTS.rglob("*")
        if path.suffix in {".py", ".yaml"} and path.name != Path(__file__).name
        for line in path.read_text().splitlines()
        if "#" in line or line.startswith("statements:")
        for number in re.findall(r"\bS\d{1,2}\b", line.partition("#")[2] or line)
    }
    assert len(stated) == 40
    assert sorted(stated - named, key=lambda number: int(number[1:])) == []
    assert sorted(named - stated) == []
