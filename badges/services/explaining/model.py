"""An explanation: plain data, which can say itself in words. Times are ISO 8601 in UTC, empty where there is none."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class RequirementStanding:
    """One requirement, its rules in words, and what is remembered: the newest event that applied, and what it left."""

    key: str
    description: str
    event_type: str
    rules: tuple[str, ...]
    fulfilled: bool = False
    time: str = ""
    event_id: str = ""

    def __str__(self) -> str:
        described = f" ({self.description})" if self.description else ""
        terms = f"{self.key}{described}: {_terms(self.event_type, self.rules)}"
        if not self.time:
            return f"{terms}. Nothing recorded."
        if self.fulfilled:
            return f"{terms}. Fulfilled; the newest event is {self.event_id} of {self.time}."
        return f"{terms}. Not fulfilled; reset by event {self.event_id} of {self.time}."


@dataclasses.dataclass(frozen=True, slots=True)
class GroupStanding:
    """Requirements that are alternatives; ``name`` is empty for one that stands alone (S16)."""

    name: str
    done: bool
    requirements: tuple[RequirementStanding, ...]

    def lines(self) -> Iterator[str]:
        if len(self.requirements) == 1:
            yield f"- {self.requirements[0]}"
            return
        yield f"- group {self.name}, one of:"
        yield from (f"  - {requirement}" for requirement in self.requirements)


@dataclasses.dataclass(frozen=True, slots=True)
class PenaltyTerms:
    """One penalty, its rules in words, and the keys of the requirements that it resets."""

    key: str
    description: str
    event_type: str
    rules: tuple[str, ...]
    resets: tuple[str, ...]

    def __str__(self) -> str:
        described = f" ({self.description})" if self.description else ""
        return f"{self.key}{described}: {_terms(self.event_type, self.rules)} resets {', '.join(self.resets)}."


@dataclasses.dataclass(frozen=True, slots=True)
class JournalLine:
    """One entry of the journal (S37): when, what happened, and the event that caused it with what the rules saw."""

    when: str
    what: str
    event_id: str
    event_type: str
    event_time: str
    saw: tuple[dict[str, Any], ...]

    def lines(self) -> Iterator[str]:
        cause = f", by event {self.event_id} ({self.event_type}) of {self.event_time}" if self.event_id else ""
        yield f"- {self.when}: {self.what}{cause}"
        for rule in self.saw:
            had = "no such field" if rule["saw"] is None else json.dumps(rule["saw"], ensure_ascii=False)
            yield f'    rule {rule["path"]} {rule["operator"]} "{rule["value"]}": payload had {had}'


@dataclasses.dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One delivery and how it stands; ``next_attempt`` only while one is to come."""

    kind: str
    decided_at: str
    state: str
    attempts: int
    next_attempt: str
    error: str

    def __str__(self) -> str:
        told = f"{self.kind}, decided at {self.decided_at}: {self.state}, attempts: {self.attempts}"
        if self.next_attempt:
            told += f", next at {self.next_attempt}"
        return f"{told}. {self.error}" if self.error else f"{told}."


@dataclasses.dataclass(frozen=True, slots=True)
class EventVerdict:
    """Whether one event counted for this learner and template, why, and what was looked at, rule by rule."""

    id: str
    type: str
    time: str
    counted: bool
    why: str
    details: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        yield f"- {self.id} ({self.type}) of {self.time}"
        yield f"    {'Counted' if self.counted else 'Did not count'}. {self.why}"
        yield from (f"    {detail}" for detail in self.details)


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """
    Where one learner stands with one badge template.

    ``status`` is ours (``awarded``, ``revoked``), ``state`` the provider's, both None before the first award; ``notes``
    say what keeps things from going on.
    """

    username: str = dataclasses.field(repr=False)
    template: str
    template_name: str
    groups_done: int
    groups_in_all: int
    complete: bool
    status: str | None
    state: str | None
    external_id: str | None
    awarded_at: str | None
    notes: tuple[str, ...]
    groups: tuple[GroupStanding, ...]
    penalties: tuple[PenaltyTerms, ...]
    journal: tuple[JournalLine, ...]
    deliveries: tuple[DeliveryLine, ...]
    events: tuple[EventVerdict, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: dictionaries, lists, texts, numbers, booleans and None."""
        return dataclasses.asdict(self)

    def in_words(self) -> str:
        """Several lines, for a person to read."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.username}: {self.template_name} ({self.template})"
        yield f"Done: {self.groups_done} of {self.groups_in_all}. Badge: {self._badge()}."
        yield from self.notes
        yield from _section("Done", (line for group in self.groups if group.done for line in group.lines()))
        yield from _section("Missing", (line for group in self.groups if not group.done for line in group.lines()))
        yield from _section("What takes it back", (f"- {penalty}" for penalty in self.penalties))
        yield from _section("What happened", (line for entry in self.journal for line in entry.lines()))
        yield from _section("Deliveries", (f"- {delivery}" for delivery in self.deliveries))
        yield from _section("Events", (line for event in self.events for line in event.lines()))

    def _badge(self) -> str:
        if self.status is None:
            return "not awarded"
        known_as = f" as {self.external_id}" if self.external_id else ""
        return f"{self.status}, last awarded at {self.awarded_at}, {self.state} at the provider{known_as}"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    content = list(lines)
    if content:
        yield from ("", f"{title}:", *content)


def _terms(event_type: str, rules: tuple[str, ...]) -> str:
    return f"an event {event_type}" + (f" in which {' and '.join(rules)}" if rules else ", whatever is in it")
