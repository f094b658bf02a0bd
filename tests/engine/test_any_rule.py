"""No rule and no payload makes the engine stumble, and the index finds what trying everything finds."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence

from hypothesis import given, settings, strategies as st

from badges.data import PenaltySpec, RequirementSpec, RuleSpec, TemplateSpec
from badges.engine.operators import OPERATORS
from badges.engine.rulebook import Rulebook
from badges.engine.rules import FieldType, check_rule, compile_rule
from badges.engine.values import Kind, kind_of
from badges.exceptions import RuleError
from tests.engine.specs import PASSING, holds, requirement, rule, template
from tests.engine.strategies import COURSES, Box, payload_values, texts

operators = st.sampled_from(sorted(OPERATORS))


@settings(max_examples=200, deadline=None)
@given(operators, texts, payload_values)
def test_no_rule_raises_whatever_the_payload_holds(operator: str, text: str, value: object) -> None:
    # S14
    assert holds(value, operator, text) in {True, False}
    try:
        compiled = compile_rule(rule("field", operator, text))
    except RuleError:
        return
    payload = Box({"field": value})
    assert compiled.holds(payload) is False or operator == "exists"
    assert isinstance(compiled.explain({"field": value}), str)
    stored = json.dumps(compiled.saw({"field": value}), allow_nan=False)
    assert "\\u0000" not in stored and "\\ud800" not in stored


@settings(max_examples=100, deadline=None)
@given(operators, texts, payload_values)
def test_what_is_refused_for_a_kind_of_field_never_holds_for_such_a_value(
    operator: str, text: str, value: object
) -> None:
    # S14, S15: the way in is never stricter than the run
    kind = kind_of(value)
    if kind is Kind.ABSENT:
        return
    try:
        check_rule(rule("field", operator, text), FieldType(kind))
    except RuleError:
        assert not holds(value, operator, text)


# --- the index -----------------------------------------------------------------------------------------------

PATHS = ["key", "state", "box.inner", "items.0", "items"]
rules = st.builds(rule, st.sampled_from(PATHS), operators, texts) | st.builds(
    rule,
    st.sampled_from(PATHS[:2]),
    st.sampled_from(["eq", "in", "matches", "starts_with"]),
    st.sampled_from(["course-v1:edX+A+1", "course-v1:edX+*", "1", "7", "7.0", "yes", "TRUE", "1, yes", "1.0, 7"]),
)
several_rules = st.lists(rules, max_size=3).map(tuple)
payloads = st.fixed_dictionaries(
    {},
    optional={
        "key": st.sampled_from([*COURSES, True, False, 1, 7, 7.0, "1", "yes", "7"]) | payload_values,
        "state": st.sampled_from([True, False, 1, 7.0, "7.0", "course-v1:edX+A+1"]) | payload_values,
        "box": st.builds(Box, payload_values),
        "items": st.lists(payload_values, max_size=2),
    },
)


@st.composite
def configurations(draw: st.DrawFn) -> list[TemplateSpec]:
    templates = []
    next_id = 1
    for template_id in range(1, draw(st.integers(1, 3)) + 1):
        requirements = []
        for _ in range(draw(st.integers(0, 4))):
            requirements.append(RequirementSpec(next_id, f"r{next_id}", PASSING, "", draw(several_rules)))
            next_id += 1
        ids = [requirement.id for requirement in requirements]
        penalties = []
        for _ in range(draw(st.integers(0, 2)) if ids else 0):
            resets = tuple(draw(st.lists(st.sampled_from(ids), min_size=1, max_size=3)))
            penalties.append(PenaltySpec(next_id, f"p{next_id}", PASSING, resets, draw(several_rules)))
            next_id += 1
        templates.append(
            TemplateSpec(
                id=template_id,
                uuid=draw(st.uuids()),
                name="T",
                requirements=tuple(requirements),
                penalties=tuple(penalties),
            )
        )
    return templates


def all_hold(specs: Sequence[RuleSpec], payload: object) -> bool:
    try:
        return not [spec for spec in specs if not compile_rule(spec).holds(payload)]
    except RuleError:
        return False


@settings(max_examples=120, deadline=None)
@given(configurations(), st.lists(payloads, min_size=1, max_size=4))
def test_index_finds_exactly_what_trying_every_rule_finds(
    templates: list[TemplateSpec], events: list[dict[str, object]]
) -> None:
    # S6, S10, S11, S14
    book = Rulebook(templates, version=1)
    for payload in events:
        resets = {
            requirement_id: True
            for template in templates
            for penalty in template.penalties
            if all_hold(penalty.rules, payload)
            for requirement_id in penalty.requirement_ids
        }
        fulfils = {
            requirement.id
            for template in templates
            for requirement in template.requirements
            if requirement.id not in resets and all_hold(requirement.rules, payload)
        }
        match = book.match(PASSING, payload)
        if match is None:
            assert not fulfils and not resets
            continue
        assert sorted(match.fulfils) == sorted(fulfils)
        assert set(match.resets) == set(resets)
        assert set(match.requirement_ids) == fulfils | set(resets)
        touched = {t.id for t in templates if not match_ids(t).isdisjoint(match.requirement_ids)}
        assert sorted(template.id for template in match.templates) == sorted(touched)
        for requirement_id in match.fulfils:
            json.dumps(match.saw(requirement_id), allow_nan=False)


def test_value_that_cannot_be_looked_up_finds_nothing() -> None:
    # S14
    book = Rulebook(
        [template(1, [requirement(1, rule("key", "eq", "1")), requirement(2, rule("key", "in", "1, 2"))])], 1
    )
    for value in ([1], {"1": 1}, {1}, Box([]), None, float("nan")):
        assert book.match(PASSING, {"key": value}) is None
    assert book.match(PASSING, {}) is None
    for value in (True, 1, 1.0, "1"):
        match = book.match(PASSING, {"key": value})
        assert match is not None and match.fulfils == ((1,) if value is True else (1, 2))


def test_one_value_written_in_several_ways_finds_all_who_ask_for_it() -> None:
    # S14
    written = ["7", "7.0", "+7", "1, 70e-1", "yes", "TRUE", "1", "2026-05-01", "2026-05-01T00:00Z"]
    requirements = [requirement(id_, rule("key", "in", text)) for id_, text in enumerate(written)]
    book = Rulebook([template(1, requirements)], 1)
    for value, expected in (
        (7, {0, 1, 2, 3}),
        (7.0, {0, 1, 2, 3}),
        (True, {4, 5, 6}),
        (1, {3, 6}),
        ("7", {0}),
        (datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC), {7, 8}),
    ):
        match = book.match(PASSING, {"key": value})
        assert match is not None and set(match.fulfils) == expected


def match_ids(template: TemplateSpec) -> frozenset[int]:
    return frozenset(requirement.id for requirement in template.requirements)
