"""What an event changes for one learner, table by table (S6, S8, S16-S19, S23, S25, S26)."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping

import pytest
from hypothesis import given, settings, strategies as st

from badges.data import (
    Decision,
    Outcome,
    RequirementChange,
    RequirementState,
    Status,
    TemplateOutcome,
    TemplateSpec,
    TemplateState,
)
from badges.engine.progress import count_groups, decide, groups_of, is_news
from badges.engine.rulebook import Match, Rulebook
from tests.engine.specs import PASSING, at, penalty, requirement, rule, template

NOW = at(10)
DONE, UNDONE = RequirementState(at(5), True), RequirementState(at(5), False)


def topic(name: str) -> tuple[object, ...]:
    return (rule("topics", "contains", name),)


def badge(*, allow_reaward: bool = True) -> TemplateSpec:
    """Two groups; topics a and b fulfil them, x resets the first."""
    return template(
        1,
        [requirement(1, *topic("a")), requirement(2, *topic("b"))],
        [penalty(7, [1], *topic("x"))],
        allow_reaward=allow_reaward,
    )


def match(spec: TemplateSpec, *topics: str) -> Match:
    found = Rulebook([spec], version=1).match(PASSING, {"topics": topics})
    assert found is not None
    return found


def outcome(
    spec: TemplateSpec,
    topics: str,
    states: Mapping[int, RequirementState],
    status: Status | None = None,
    *,
    held_back: bool = False,
    time: int = 10,
) -> Outcome:
    return decide(match(spec, *topics), {spec.id: TemplateState(states, status, held_back)}, at(time))


def decision(*args: object, **kwargs: object) -> Decision | None:
    [only] = outcome(*args, **kwargs).templates  # type: ignore[arg-type]
    return only.decision


def test_first_fulfilment_of_two_is_remembered_and_awards_nothing() -> None:
    # S8, S17, S19
    assert decide(match(badge(), "a"), {}, NOW) == Outcome(
        (RequirementChange(1, 1, fulfilled=True, flipped=True),), (TemplateOutcome(1, 1, 2),)
    )


def test_last_fulfilment_awards() -> None:
    # S16, S19
    result = outcome(badge(), "b", {1: DONE})
    assert result.changes == (RequirementChange(1, 2, fulfilled=True, flipped=True),)
    assert result.templates == (TemplateOutcome(1, 2, 2, "award"),)
    assert result.templates[0].complete


def test_one_event_can_fulfil_everything() -> None:
    # S19
    assert decision(badge(), "ab", {}) == "award"


def test_event_that_fulfils_and_resets_a_requirement_resets_it() -> None:
    # S6
    found = match(badge(), "a", "x")
    assert found.fulfils == ()
    assert dict(found.resets) == {1: 7}
    assert decide(found, {}, NOW).changes == (RequirementChange(1, 1, fulfilled=False, flipped=False, penalty_id=7),)


def test_what_is_reset_does_not_count_as_confirmed() -> None:
    # S6, S19: a match never says both of one requirement; the decision does not rely on it
    spec = template(
        1,
        [requirement(1, *topic("a"), group="A"), requirement(2, *topic("b"), group="A")],
        [penalty(7, [1], *topic("x"))],
    )
    both = dataclasses.replace(match(spec, "x"), fulfils=(1,))
    assert decide(both, {1: TemplateState({1: DONE, 2: DONE})}, NOW) == Outcome(
        (RequirementChange(1, 1, fulfilled=False, flipped=True, penalty_id=7),), (TemplateOutcome(1, 1, 1),)
    )


def test_event_that_resets_one_group_and_fulfils_the_last_other_does_not_award() -> None:
    # S6, S19
    assert decision(badge(), "bx", {1: DONE}) is None
    assert decision(badge(), "bx", {1: DONE}, "awarded") == "revoke"


@pytest.mark.parametrize(
    ("topics", "before", "time", "expected"),
    [
        # Newer events move the remembered time whether or not they change anything (S8).
        ("a", DONE, 6, RequirementChange(1, 1, fulfilled=True, flipped=False)),
        ("a", UNDONE, 6, RequirementChange(1, 1, fulfilled=True, flipped=True)),
        ("x", DONE, 6, RequirementChange(1, 1, fulfilled=False, flipped=True, penalty_id=7)),
        ("x", UNDONE, 6, RequirementChange(1, 1, fulfilled=False, flipped=False, penalty_id=7)),
        ("x", None, 6, RequirementChange(1, 1, fulfilled=False, flipped=False, penalty_id=7)),
        ("a", None, 6, RequirementChange(1, 1, fulfilled=True, flipped=True)),
        # At equal times a reset wins (S8).
        ("a", DONE, 5, None),
        ("a", UNDONE, 5, None),
        ("x", DONE, 5, RequirementChange(1, 1, fulfilled=False, flipped=True, penalty_id=7)),
        ("x", UNDONE, 5, None),
        # An older event changes nothing (S8).
        ("a", DONE, 4, None),
        ("a", UNDONE, 4, None),
        ("x", DONE, 4, None),
        ("x", UNDONE, 4, None),
    ],
)
def test_lateness(topics: str, before: RequirementState | None, time: int, expected: RequirementChange | None) -> None:
    # S7, S8, S23
    states = {} if before is None else {1: before}
    result = outcome(badge(), topics, states, time=time)
    assert result.changes == (() if expected is None else (expected,))
    assert is_news(match(badge(), *topics), states, at(time)) is (expected is not None)


@pytest.mark.parametrize(
    ("topics", "states", "status", "time", "expected"),
    [
        # Confirming awards what an edit made complete (S26) (S19).
        ("a", {1: DONE, 2: DONE}, None, 6, "award"),
        ("a", {1: DONE, 2: DONE}, None, 5, "award"),
        # late, so it applied to nothing
        ("a", {1: DONE, 2: DONE}, None, 4, None),
        # Held already (S19).
        ("a", {1: DONE, 2: DONE}, "awarded", 6, None),
        # incomplete
        ("a", {1: DONE}, None, 6, None),
        # Complete again (S19, S25).
        ("a", {1: UNDONE, 2: DONE}, "revoked", 6, "award"),
        ("a", {1: DONE, 2: DONE}, "revoked", 6, "award"),
        # At equal times the reset stands (S8).
        ("a", {1: UNDONE, 2: DONE}, "revoked", 5, None),
        # A group that was fulfilled is not any more (S19).
        ("x", {1: DONE, 2: DONE}, "awarded", 6, "revoke"),
        ("x", {1: DONE, 2: DONE}, "awarded", 5, "revoke"),
        ("x", {1: DONE, 2: DONE}, "awarded", 4, None),
        # Held though incomplete since an edit; the group lost is one that was fulfilled (S26).
        ("x", {1: DONE}, "awarded", 6, "revoke"),
        # Nothing to reset, so nobody is notified (S23).
        ("x", {1: UNDONE, 2: DONE}, "awarded", 6, None),
        ("x", {2: DONE}, "awarded", 6, None),
        ("x", {}, None, 6, None),
        # Not held (S19).
        ("x", {1: DONE, 2: DONE}, None, 6, None),
        ("x", {1: DONE, 2: DONE}, "revoked", 6, None),
        # Fulfilling a new requirement of a badge that is held gives nothing (S26).
        ("b", {1: DONE}, "awarded", 6, None),
    ],
)
def test_award_and_revocation(
    topics: str, states: dict[int, RequirementState], status: Status | None, time: int, expected: Decision | None
) -> None:
    # S19, S23, S25, S26
    assert decision(badge(), topics, states, status, time=time) == expected


@pytest.mark.parametrize("allow_reaward", [True, False])
@pytest.mark.parametrize("held_back", [True, False])
@pytest.mark.parametrize("status", [None, "revoked", "awarded"])
@pytest.mark.parametrize("before", [{1: DONE, 2: DONE}, {1: UNDONE, 2: DONE}, {2: DONE}])
def test_reaward(
    allow_reaward: bool, held_back: bool, status: Status | None, before: dict[int, RequirementState]
) -> None:
    # What a person revoked stays revoked, and a template can switch re-award off (S25).
    awarded = status != "awarded" and not held_back and (status is None or allow_reaward)
    spec = badge(allow_reaward=allow_reaward)
    assert decision(spec, "a", before, status, held_back=held_back) == ("award" if awarded else None)


def test_penalty_revokes_whatever_reaward_says() -> None:
    # S24, S25
    for allow_reaward, held_back in itertools.product([True, False], repeat=2):
        spec = badge(allow_reaward=allow_reaward)
        assert decision(spec, "x", {1: DONE, 2: DONE}, "awarded", held_back=held_back) == "revoke"


def test_alternative_that_is_left_keeps_the_badge() -> None:
    # S16, S19
    spec = template(
        1,
        [requirement(1, *topic("a"), group="A"), requirement(2, *topic("b"), group="A"), requirement(3, *topic("c"))],
        [penalty(7, [1], *topic("x")), penalty(8, [1, 2], *topic("y"))],
    )
    states = {1: DONE, 2: DONE, 3: DONE}
    assert outcome(spec, "x", states, "awarded").templates == (TemplateOutcome(1, 2, 2),)
    assert outcome(spec, "y", states, "awarded").templates == (TemplateOutcome(1, 1, 2, "revoke"),)
    assert outcome(spec, "x", {1: DONE, 3: DONE}, "awarded").templates == (TemplateOutcome(1, 1, 2, "revoke"),)
    # The event moves the badge from one alternative to the other.
    assert outcome(spec, "bx", {1: DONE, 3: DONE}, "awarded").templates == (TemplateOutcome(1, 2, 2),)


def test_groups_are_alternatives_and_what_has_none_stands_alone() -> None:
    # S16
    requirements = [requirement(id_, group=group) for id_, group in enumerate(["", "A", "", "B", "A", "1"], start=1)]
    assert len(groups_of(requirements)) == 5  # the group named 1 is not the requirement with that id
    assert count_groups(requirements, set()) == (0, 5)
    assert count_groups(requirements, {2, 5}) == (1, 5)
    assert count_groups(requirements, {1, 2, 3, 4, 6}) == (5, 5)
    assert count_groups(requirements, {1, 999}) == (1, 5)


def test_template_without_requirements_is_never_complete() -> None:
    # S16
    assert count_groups((), {1}) == (0, 0)
    assert not TemplateOutcome(1, 0, 0).complete


@pytest.mark.parametrize("missing", [0, 1])
def test_299_of_300_groups_are_not_complete(missing: int) -> None:
    # S17
    spec = template(1, [requirement(id_, *topic(str(id_))) for id_ in range(1, 301)])
    states = dict.fromkeys(range(1, 300 - missing), DONE)
    [result] = outcome(spec, ["300"], states).templates  # type: ignore[arg-type]
    assert (result.groups_done, result.groups) == (300 - missing, 300)
    assert result.complete is not bool(missing)
    assert result.decision == (None if missing else "award")


def test_states_of_requirements_that_are_gone_do_not_count() -> None:
    # S26
    assert outcome(badge(), "a", {99: DONE, 98: DONE}).templates == (TemplateOutcome(1, 1, 2),)


def test_requirement_added_by_an_edit_has_to_be_fulfilled_again_only_for_what_comes() -> None:
    # S26
    smaller = dataclasses.replace(badge(), requirements=badge().requirements[:1])
    assert decision(smaller, "a", {1: DONE}) == "award"
    assert decision(badge(), "a", {1: DONE}, "awarded") is None


def test_templates_do_not_touch_each_other() -> None:
    # S19
    first = template(1, [requirement(1, *topic("a"))], [penalty(5, [1], *topic("x"))])
    second = template(2, [requirement(2, *topic("a")), requirement(3, *topic("x"))])
    book = Rulebook([first, second], version=1)
    found = book.match(PASSING, {"topics": ["a", "x"]})
    assert found is not None
    result = decide(found, {1: TemplateState({1: DONE}, "awarded"), 2: TemplateState({}, None)}, NOW)
    assert {one.template_id: one.decision for one in result.templates} == {1: "revoke", 2: "award"}
    assert [change.requirement_id for change in result.changes if change.template_id == 2] == [2, 3]


states = st.builds(RequirementState, st.integers(3, 7).map(at), st.booleans())


@settings(max_examples=60, deadline=None)
@given(
    st.sets(st.sampled_from("abx"), min_size=1),
    st.dictionaries(st.sampled_from([1, 2]), states),
    st.sampled_from([None, "awarded", "revoked"]),
    st.booleans(),
    st.booleans(),
)
def test_old_news_change_nothing_and_revoke_nothing_whatever_is_recorded(
    topics: set[str], known: dict[int, RequirementState], status: Status | None, held_back: bool, allow_reaward: bool
) -> None:
    # S7, S8
    spec = badge(allow_reaward=allow_reaward)
    found = match(spec, *topics)
    result = decide(found, {1: TemplateState(known, status, held_back)}, at(5))
    if is_news(found, known, at(5)):
        assert result.changes
        return
    assert result.changes == ()
    # An award is all that old news could still bring: confirming at the same time what an edit made complete (S26).
    assert result.templates[0].decision in {None, "award"}
    confirmed = any(state == RequirementState(at(5), True) for state in known.values())
    assert result.templates[0].decision is None or confirmed
