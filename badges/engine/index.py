"""
Finding what one event can trigger without trying everything that is configured.

Most requirements ask for one particular value, such as a course key. Each is listed under the value that the fewest
others ask for too, under "true" or "false" only for want of another; an event looks up the values it has. The index
only narrows: of what it finds, all rules are tried.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from badges.data import TemplateSpec
from badges.engine.operators import fixed_start, split_list
from badges.engine.paths import compile_path
from badges.engine.rules import Rule
from badges.engine.values import READERS, Kind, is_truth_value, read, typed, typing_of


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Trigger:
    """
    A requirement or a penalty as an event meets it.

    When all its rules hold, it changes the requirements with the ids ``targets``: a penalty, whose id is
    ``penalty_id``, resets them; a requirement, without one, fulfils itself. ``position`` is its place in the book: the
    template's id, and where it comes in the template.
    """

    position: tuple[int, int]
    template: TemplateSpec
    penalty_id: int | None
    targets: tuple[int, ...]
    rules: tuple[Rule, ...]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Bunch:
    """The triggers that have the same rules, so that these are tried once however many there are."""

    rules: tuple[Rule, ...]
    triggers: tuple[Trigger, ...]


class Reading:
    """One payload, of which each path is followed and each rule is tried at most once."""

    __slots__ = ("_payload", "_values", "_verdicts")

    def __init__(self, payload: object) -> None:
        self._payload = payload
        self._values: dict[str, tuple[Kind, Any]] = {}
        self._verdicts: dict[Rule, bool] = {}

    def value(self, path: str) -> tuple[Kind, Any]:
        """What is at ``path``, as :func:`badges.engine.values.typed` gives it."""
        found = self._values.get(path)
        if found is None:
            found = self._values[path] = typed(compile_path(path)(self._payload))
        return found

    def all_hold(self, rules: tuple[Rule, ...]) -> bool:
        """Whether all of ``rules`` hold; where there are none they do (S11)."""
        return all(self._holds(rule) for rule in rules)

    def _holds(self, rule: Rule) -> bool:
        verdict = self._verdicts.get(rule)
        if verdict is None:
            verdict = self._verdicts[rule] = rule.accepts(*self.value(rule.spec.path))
        return verdict


class Index:
    """The triggers of one event type. Once made, any number of threads can use it."""

    __slots__ = ("_others", "_paths")

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self._others: list[Bunch] = []
        by_path: dict[str, _PathIndex] = defaultdict(_PathIndex)
        uses = Counter(rule for trigger in triggers for rule in trigger.rules)
        clues = {rule: _clues(rule) for rule in uses}
        crowd: Counter[_Clue] = Counter()
        for rule, count in uses.items():
            crowd.update(dict.fromkeys(clues[rule], count))
        crowds = {
            rule: (any(clue.is_common for clue in clues[rule]), sum(crowd[clue] for clue in clues[rule]))
            for rule in uses
        }
        for bunch in _bunches(triggers):
            usable = [rule for rule in bunch.rules if clues[rule]]
            if not usable:
                self._others.append(bunch)
                continue
            for clue in clues[min(usable, key=crowds.__getitem__)]:
                by_path[clue.path].add(clue, bunch)
        self._paths = [(compile_path(path), index.find) for path, index in by_path.items()]

    def candidates(self, payload: object) -> Sequence[Bunch]:
        """All triggers that the payload can trigger, and few others; a bunch may come several times."""
        found = self._others
        for get, find in self._paths:
            value = get(payload)
            listed = find(*typing_of(type(value))(value))  # type: ignore[arg-type]  # classes are hashable
            if listed:
                found = [*found, *listed]
        return found


def _bunches(triggers: Sequence[Trigger]) -> Iterator[Bunch]:
    same: dict[tuple[Rule, ...], list[Trigger]] = defaultdict(list)
    for trigger in triggers:
        same[trigger.rules].append(trigger)
    return (Bunch(rules, tuple(members)) for rules, members in same.items())


class _Clue(NamedTuple):
    """What has to be at ``path`` before a rule can hold: what ``text`` says, or a text that starts with it."""

    path: str
    text: str
    is_start: bool

    @property
    def is_common(self) -> bool:
        """Whether it can be read as true or false, which every second event has; a ranking, no more."""
        return not self.is_start and is_truth_value(self.text)


def _clues(rule: Rule) -> tuple[_Clue, ...]:
    """The rule holds only where one of these is found; empty if that cannot be told."""
    path, operator, value = rule.spec.path, rule.spec.operator, rule.spec.value
    if operator == "eq":
        return (_Clue(path, value, is_start=False),)
    if operator == "in":
        return tuple(_Clue(path, item, is_start=False) for item in split_list(value))
    start = {"starts_with": value, "matches": fixed_start(value)}.get(operator)
    return (_Clue(path, start, is_start=True),) if start else ()


class _PathIndex:
    """
    The triggers that are listed under values of one path.

    The same text is another value for every kind of payload value: "1" is a text, a number, and true. So there is a
    table for each kind, made when the first value of that kind comes.
    """

    __slots__ = ("_lengths", "_starts", "_tables", "_texts")

    def __init__(self) -> None:
        self._texts: dict[str, list[Bunch]] = defaultdict(list)
        self._starts: dict[str, list[Bunch]] = defaultdict(list)
        self._lengths: set[int] = set()
        self._tables: dict[Kind, dict[Any, list[Bunch]]] = {Kind.TEXT: self._texts}

    def add(self, clue: _Clue, bunch: Bunch) -> None:
        """Only while the index is being made."""
        if clue.is_start:
            self._starts[clue.text].append(bunch)
            self._lengths.add(len(clue.text))
        else:
            self._texts[clue.text].append(bunch)

    def find(self, kind: Kind, value: Any) -> Sequence[Bunch]:
        """The triggers listed under ``value``, or under what it starts with."""
        table = self._tables.get(kind)
        if table is None:
            if kind not in READERS:  # nothing is filed under lists and structures, and not all of them can be looked up
                return ()
            table = self._tables[kind] = self._table(kind)
        found = table.get(value, ())
        if kind is not Kind.TEXT or not self._starts:
            return found
        return [*found, *(bunch for length in self._lengths for bunch in self._starts.get(value[:length], ()))]

    def _table(self, kind: Kind) -> dict[Any, list[Bunch]]:
        table: dict[Any, list[Bunch]] = defaultdict(list)
        for text, bunches in self._texts.items():
            try:
                table[read(text, kind)] += bunches
            except ValueError:  # for values of this kind, these rules are false
                continue
        return table
