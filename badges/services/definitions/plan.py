"""What has to be written, row by row, and how it is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from badges.data import RuleSpec
from badges.models import BadgeRequirement, ProviderAccount

Change = Literal["new", "changed", "removed", "unchanged"]

LONGEST = 80
"""Characters of a value in a line of the difference."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """
    One account, template, requirement or penalty and what is to become of it.

    ``row`` already has its new values, in memory; ``fields`` are those of a changed row that it did not have before.
    ``rules`` are the data rules, and ``resets`` the requirements a penalty resets, where they are to be replaced; None
    otherwise. ``line`` tells the change.
    """

    row: Any
    change: Change
    line: str = ""
    fields: Collection[str] = ()
    rules: Sequence[RuleSpec] | None = None
    resets: Sequence[BadgeRequirement] | None = None


class Plan:
    """All that a file is about; written as one."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, name: str, row: Any, changed: Mapping[str, str], told: Iterable[str] = (), **replaced: Any) -> None:
        """A row that is there already: a text about each field that changed, and about what else did."""
        words = "; ".join([*changed.values(), *told])
        change: Change = "changed" if words else "unchanged"
        self.entries.append(Entry(row, change, f"{name}: {words}", tuple(changed), **replaced))

    def of(self, model: type[Any], change: Change) -> list[Entry]:
        return [entry for entry in self.entries if entry.change == change and type(entry.row) is model]

    def rows(self, model: type[Any], change: Change) -> list[Any]:
        return [entry.row for entry in self.of(model, change)]

    def count(self, change: Change) -> int:
        return sum(entry.change == change for entry in self.entries)

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(entry.line for entry in self.entries if entry.change != "unchanged")

    @property
    def touches_rules(self) -> bool:
        """Something that every process keeps in memory changes; an account's key is read anew each time."""
        return any(entry.change != "unchanged" and type(entry.row) is not ProviderAccount for entry in self.entries)


def assign(row: Any, given: Mapping[str, Any]) -> dict[str, str]:
    """Set the fields of ``row`` that are not as ``given``; by their names, a text about each."""
    changed = {}
    for name, value in given.items():
        stored = getattr(row, name)
        if stored != value:
            setattr(row, name, value)
            changed[name] = f"{name} {_short(stored)} -> {_short(value)}"
    return changed


def compare_rules(stored: Sequence[RuleSpec], wanted: Sequence[RuleSpec]) -> Iterator[str]:
    """A text about each rule that goes or comes."""
    if tuple(stored) == tuple(wanted):
        return
    gone = [rule for rule in stored if rule not in wanted]
    come = [rule for rule in wanted if rule not in stored]
    yield from (f"rule removed: {_rule(rule)}" for rule in gone)
    yield from (f"rule added: {_rule(rule)}" for rule in come)
    if not (gone or come):
        yield "rules in another order"


def _rule(rule: RuleSpec) -> str:
    return f"{rule.path} {rule.operator} {_short(rule.value)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
