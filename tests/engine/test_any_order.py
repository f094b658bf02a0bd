"""Lateness and redelivery: any order and any repetition of the same events ends in the same state (S7, S8)."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence

from hypothesis import given, settings, strategies as st

from badges.data import Outcome, RequirementState, Status, TemplateSpec, TemplateState
from badges.engine.progress import count_groups, decide, is_news
from badges.engine.rulebook import Rulebook
from tests.engine.specs import PASSING, at, penalty, requirement, rule, template

TOPICS = "abcd"


@dataclasses.dataclass(frozen=True)
class Happening:
    """An event: the topics it names, and when."""

    topics: frozenset[str]
    time: datetime.datetime


class Record:
    """What is remembered of one learner: the services' part, without a database."""

    def __init__(self, book: Rulebook) -> None:
        self.book = book
        self.states: dict[int, RequirementState] = {}
        self.statuses: dict[int, Status] = {}
        self.announced: list[tuple[int, str]] = []

    def snapshot(self) -> dict[int, TemplateState]:
        return {
            one.id: TemplateState(
                {r.id: self.states[r.id] for r in one.requirements if r.id in self.states}, self.statuses.get(one.id)
            )
            for one in map(self.book.template, range(1, 4))
        }

    def handle(self, event: Happening) -> None:
        match = self.book.match(PASSING, {"topics": sorted(event.topics)})
        if match is None:
            return
        news = is_news(match, self.states, event.time)
        outcome = decide(match, self.snapshot(), event.time)
        # False is final: nothing is written, and nobody is notified.
        assert news == bool(outcome.changes)
        if not news:
            assert all(one.decision is None for one in outcome.templates)
        self.write(outcome, event.time)
        assert not is_news(match, self.states, event.time)  # S7

    def write(self, outcome: Outcome, time: datetime.datetime) -> None:
        for change in outcome.changes:
            before = self.states.get(change.requirement_id)
            assert before is None or before.time <= time
            assert change.flipped == ((before is not None and before.fulfilled) != change.fulfilled)
            assert (change.penalty_id is None) == change.fulfilled
            self.states[change.requirement_id] = RequirementState(time, change.fulfilled)
        for one in outcome.templates:
            spec = self.book.template(one.template_id)
            assert (one.groups_done, one.groups) == count_groups(spec.requirements, self.fulfilled)
            if one.decision is not None:
                assert one.complete is (one.decision == "award")
                self.statuses[one.template_id] = "awarded" if one.decision == "award" else "revoked"
                self.announced.append((one.template_id, one.decision))

    @property
    def fulfilled(self) -> frozenset[int]:
        return frozenset(pk for pk, state in self.states.items() if state.fulfilled)

    @property
    def held(self) -> frozenset[int]:
        """Never awarded and revoked are both no."""
        return frozenset(pk for pk, status in self.statuses.items() if status == "awarded")


def named(topics: Iterable[str]) -> tuple[object, ...]:
    return tuple(rule("topics", "contains", topic) for topic in topics)


@st.composite
def books(draw: st.DrawFn) -> Rulebook:
    """Three templates with alternatives and penalties; one topic may fulfil and reset the same requirement."""
    templates: list[TemplateSpec] = []
    for template_id in range(1, 4):
        ids = range(10 * template_id, 10 * template_id + draw(st.integers(0, 4)))
        topics = st.sets(st.sampled_from(TOPICS), min_size=1, max_size=2).map(sorted)
        requirements = [
            requirement(id_, *named(draw(topics)), group=draw(st.sampled_from(["", "", "A", "B"]))) for id_ in ids
        ]
        penalties = [
            penalty(id_, draw(st.sets(st.sampled_from(ids), min_size=1)), *named(draw(topics)))
            for id_ in range(10 * template_id + 5, 10 * template_id + 5 + (draw(st.integers(0, 2)) if ids else 0))
        ]
        templates.append(template(template_id, requirements, penalties))
    return Rulebook(templates, version=1)


happenings = st.builds(Happening, st.frozensets(st.sampled_from(TOPICS), max_size=3), st.integers(0, 4).map(at))


def after(book: Rulebook, events: Sequence[Happening]) -> Record:
    record = Record(book)
    for event in events:
        record.handle(event)
    return record


@settings(max_examples=120, deadline=None)
@given(books(), st.lists(happenings, max_size=7), st.data())
def test_any_order_and_any_repetition_ends_in_the_same_state(
    book: Rulebook, events: list[Happening], data: st.DataObject
) -> None:
    # S7, S8, S16, S19
    once = after(book, sorted(events, key=lambda event: event.time))
    repeated = [*events, *data.draw(st.lists(st.sampled_from(events), max_size=5))] if events else []
    shuffled = after(book, data.draw(st.permutations(repeated)))
    assert shuffled.fulfilled == once.fulfilled
    assert shuffled.states == once.states
    assert shuffled.held == once.held
    for one in map(book.template, range(1, 4)):
        done, groups = count_groups(one.requirements, once.fulfilled)
        assert (one.id in once.held) == (0 < groups == done)


@settings(max_examples=40, deadline=None)
@given(books(), st.lists(happenings, max_size=6))
def test_events_a_second_time_notify_nobody(book: Rulebook, events: list[Happening]) -> None:
    # S7
    record = after(book, events)
    announced, states = list(record.announced), dict(record.states)
    for event in [*events, *reversed(events)]:
        record.handle(event)
    assert record.announced == announced
    assert record.states == states


@settings(max_examples=40, deadline=None)
@given(books(), st.lists(happenings, max_size=8))
def test_awards_and_revocations_of_a_badge_alternate(book: Rulebook, events: list[Happening]) -> None:
    # S19
    record = after(book, events)
    for template_id in range(1, 4):
        decisions = [decision for of, decision in record.announced if of == template_id]
        assert decisions[::2] == ["award"] * len(decisions[::2])
        assert decisions[1::2] == ["revoke"] * len(decisions[1::2])
