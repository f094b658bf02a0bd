"""The rulebook: what an event matches, what it saw, and what is left out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from badges.data import TemplateSpec
from badges.engine.rulebook import MOST_AMENDED, Match, Rulebook
from badges.engine.rules import Rule

from .payloads import Passing, Person, User
from .specs import PASSING, penalty, requirement, rule, template

KEY_A, KEY_B = "course-v1:edX+A+1", "course-v1:edX+B+1"
PASSED, FAILED = rule("is_passing", "eq", "true"), rule("is_passing", "eq", "no")


def course(key: str) -> Any:
    return rule("course.course_key", "eq", key)


def book_of(*templates: TemplateSpec) -> Rulebook:
    return Rulebook(templates, version=1)


def matched(book: Rulebook, payload: object) -> Match:
    match = book.match(PASSING, payload)
    assert match is not None
    return match


@pytest.fixture
def book() -> Rulebook:
    return book_of(
        template(
            1,
            [requirement(1, PASSED, course(KEY_A)), requirement(2, PASSED, course(KEY_B)), requirement(3)],
            [penalty(1, [1, 3], FAILED, course(KEY_A)), penalty(2, [1], FAILED)],
        ),
        template(2, [requirement(4, PASSED, course(KEY_A)), requirement(5, event_type="other")]),
    )


# S10, S11
def test_a_requirement_applies_when_all_its_rules_hold_or_it_has_none(book: Rulebook) -> None:
    match = matched(book, Passing())
    assert match.fulfils == (1, 3, 4)
    assert not match.resets
    assert [touched.id for touched in match.templates] == [1, 2]
    assert match.requirement_ids == (1, 3, 4)


# S23
def test_a_penalty_resets_the_requirements_linked_to_it(book: Rulebook) -> None:
    match = matched(book, Passing(is_passing=False))
    assert match.fulfils == ()  # S6: requirement 3 applies too, but is reset
    assert match.resets == {1: 1, 3: 1}  # the first of the two penalties
    assert [touched.id for touched in match.templates] == [1]
    assert match.requirement_ids == (1, 3)


# S11
def test_a_penalty_without_rules_applies_to_every_event_of_its_type() -> None:
    assert matched(book_of(template(1, [requirement(1, FAILED)], [penalty(9, [1])])), Passing()).resets == {1: 9}


@pytest.mark.parametrize("event_type", ["other", "unknown", ""])
def test_an_event_meets_only_what_is_of_its_type(book: Rulebook, event_type: str) -> None:
    match = book.match(event_type, Passing())
    assert (match.fulfils if match else None) == ((5,) if event_type == "other" else None)


# S10
def test_an_empty_book_matches_nothing() -> None:
    assert book_of().match(PASSING, Passing()) is None
    assert book_of(template(1)).match(PASSING, Passing()) is None


# S14
@pytest.mark.parametrize(
    ("operator", "value", "payloads"),
    [
        ("eq", "1", (True, 1, 1.0, "1")),
        ("eq", "1.0", (1, 1.0, "1.0")),
        ("eq", "YES", (True, "YES")),
        ("in", "0, 1.0", (0, 0.0, 1, 1.0, "0", "1.0")),
        ("in", "yes, 1.0", ("yes", "1.0")),
        ("starts_with", "1", ("1", "10", "1.0")),
        ("matches", "1*0", ("10", "1.0")),
        ("matches", "[1Y]*", ("1", "10", "1.0", "YES")),
        ("ne", "1", (False, 0, 0.0, "0", "10", "1.0", "yes", "YES")),
    ],
)
def test_what_a_rule_compares_is_found_in_payloads_of_every_kind(
    operator: str, value: str, payloads: tuple[object, ...]
) -> None:
    book = book_of(template(1, [requirement(1, rule("extra", operator, value))]))
    every: list[object] = [True, False, 0, 1, 0.0, 1.0, "0", "1", "10", "1.0", "yes", "YES", None, [1], {"1": 1}]
    found = [payload for payload in every if book.match(PASSING, Passing(extra=payload))]
    assert [(type(payload), payload) for payload in found] == [
        (type(payload), payload)
        for payload in every
        if any(type(payload) is type(expected) and payload == expected for expected in payloads)
    ]


# S14
@pytest.mark.parametrize(("payload", "fulfilled"), [(7, (1, 2, 3)), (7.0, (1, 2, 3)), ("7", (1,)), ("7.0", (2,))])
def test_texts_that_mean_the_same_value_are_all_found(payload: object, fulfilled: tuple[int, ...]) -> None:
    texts = ["7", "7.0", "70e-1"]
    book = book_of(
        template(1, [requirement(id_, rule("extra", "eq", text)) for id_, text in enumerate(texts, start=1)])
    )
    assert matched(book, Passing(extra=payload)).fulfils == fulfilled


def test_items_that_mean_the_same_value_match_once() -> None:
    book = book_of(template(1, [requirement(1, rule("extra", "in", "7, 7.0, 7"))]))
    assert matched(book, Passing(extra=7)).fulfils == (1,)


def test_matches_come_in_the_order_of_the_book_however_they_are_found() -> None:
    rules = [rule("user.id", "gte", "1"), course(KEY_A), PASSED, rule("course.course_key", "matches", "course-v1:*")]
    book = book_of(template(1, [requirement(id_, rules[id_ % 4]) for id_ in range(1, 9)]))
    assert matched(book, Passing()).fulfils == tuple(range(1, 9))


# --- what it costs -------------------------------------------------------------------------------------------


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The rules that were tried, as they are tried."""
    rules: list[str] = []
    accepts = Rule.accepts

    def recorded(rule_: Rule, *found: Any) -> bool:
        rules.append(f"{rule_.spec.path} {rule_.spec.operator} {rule_.spec.value}")
        return accepts(rule_, *found)

    monkeypatch.setattr(Rule, "accepts", recorded)
    return rules


def many(*others: Any) -> Rulebook:
    """A hundred templates with a course of their own each, beside other rules."""
    return book_of(*(template(id_, [requirement(id_, *others, course(f"course-{id_}"))]) for id_ in range(1, 101)))


def test_an_event_that_no_value_is_filed_for_tries_no_rule(tried: list[str]) -> None:
    assert many(PASSED).match(PASSING, Passing()) is None
    assert tried == []


@pytest.mark.parametrize("number", [1, 2])
def test_however_few_there_are_no_rule_is_tried_for_a_truth_value_alone(tried: list[str], number: int) -> None:
    failed = rule("is_passing", "in", "false,no")
    rules = [(PASSED, course("course-1")), (failed, course("course-1"))]
    book = book_of(template(1, [requirement(id_ + 1, *rules[id_]) for id_ in range(number)]))
    assert book.match(PASSING, Passing()) is None
    assert tried == []
    assert matched(book, {"is_passing": True, "course": {"course_key": "course-1"}}).fulfils == (1,)


@pytest.mark.parametrize(
    "others",
    [(PASSED,), (rule("user.id", "gte", "1"),), (rule("user.pii.username", "starts_with", "learner"), PASSED)],
)
def test_an_event_tries_the_rules_of_those_only_that_ask_for_its_value(
    tried: list[str], others: tuple[Any, ...]
) -> None:
    payload = {"is_passing": True, "user": User(), "course": {"course_key": "course-7"}}
    assert matched(many(*others), payload).fulfils == (7,)
    assert len(tried) == len(others) + 1


def test_equal_rules_are_tried_once_an_event(tried: list[str]) -> None:
    rules = (rule("user.id", "gte", "1"), rule("user.id", "lte", "5"))
    book = book_of(*(template(id_, [requirement(id_, *rules)]) for id_ in range(1, 101)))
    assert book.match(PASSING, Passing()) is None
    assert tried == ["user.id gte 1", "user.id lte 5"]


def test_requirements_with_the_same_rules_are_tried_together_and_all_apply() -> None:
    everyone = rule("user.id", "gt", "5")
    book = book_of(*(template(number, [requirement(number, everyone)]) for number in (3, 1, 2)))
    assert matched(book, Passing(user=User(id=6))).fulfils == (1, 2, 3)
    assert book.match(PASSING, Passing(user=User(id=5))) is None


# --- what is in it -------------------------------------------------------------------------------------------


def test_the_book_knows_its_templates_requirements_and_penalties_by_id(book: Rulebook) -> None:
    assert book.version == 1
    assert book.template(2).name == "Template 2"
    assert book.requirement(4).key == "requirement-4"
    assert book.penalty(2).key == "penalty-2"
    for look_up in (book.template, book.requirement, book.penalty):
        with pytest.raises(KeyError):
            look_up(99)


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (rule("is_passing", "like", "x"), "there is no such operator"),
        (rule("_private", "eq", "x"), "is not a path"),
        (rule("user.id", "gt", "seven"), "write a number"),
        (rule("user.id", "in", '"open'), "close double quotes"),
    ],
)
def test_a_rule_that_cannot_be_used_breaks_only_what_it_belongs_to(broken: Any, problem: str) -> None:
    book = book_of(
        template(1, [requirement(1, PASSED, broken), requirement(2, PASSED)], [penalty(1, [2], broken)]),
        template(2, [requirement(3, broken, key="third")]),
    )
    assert matched(book, Passing()).fulfils == (2,)
    assert len(book.problems) == 3
    assert all(problem in text for text in book.problems)
    assert book.problems[2].startswith("Template 00000000-0000-0000-0000-000000000002, third: rule ")
    assert book.requirement(1).key == "requirement-1"


@pytest.mark.parametrize("linked", [(), (2,), (99,)])
def test_a_penalty_that_resets_nothing_of_its_template_never_applies(linked: tuple[int, ...]) -> None:
    book = book_of(template(1, [requirement(1, FAILED)], [penalty(1, linked)]), template(2, [requirement(2, FAILED)]))
    assert book.match(PASSING, Passing()) is None
    [problem] = book.problems
    assert problem.endswith("penalty-1: the penalty resets no requirement of its template. Link it to one.")


def test_a_book_without_faults_has_no_problems(book: Rulebook) -> None:
    assert book.problems == ()


# --- what a match tells --------------------------------------------------------------------------------------


# S37
def test_a_match_tells_what_the_rules_of_a_requirement_saw(book: Rulebook) -> None:
    match = matched(book, Passing())
    assert match.saw(1) == [
        {"path": "is_passing", "operator": "eq", "value": "true", "saw": True},
        {"path": "course.course_key", "operator": "eq", "value": KEY_A, "saw": KEY_A},
    ]
    assert match.saw(3) == []


# S37
def test_a_match_tells_what_the_rules_of_the_penalty_saw(book: Rulebook) -> None:
    match = matched(book, Passing(is_passing=False))
    assert match.saw(1, 2) == [{"path": "is_passing", "operator": "eq", "value": "no", "saw": False}]


# S38
def test_a_match_explains_itself_in_words(book: Rulebook) -> None:
    match = matched(book, Passing(course=None, is_passing=False))
    assert match.explain(4) == [
        'rule is_passing eq "true": payload had false',
        f'rule course.course_key eq "{KEY_A}": payload has no such field',
    ]
    assert match.explain(1, 2) == ['rule is_passing eq "no": payload had false']


# S36
def test_a_match_tells_no_personal_data() -> None:
    payload = Passing(user=User(pii=Person(email="learner1@example.com")))
    book = book_of(template(1, [requirement(1, rule("user.pii.email", "eq", "learner1@example.com"))]))
    match = matched(book, payload)
    assert match.saw(1) == [{"path": "user.pii.email", "operator": "eq", "value": "(personal)", "saw": "(personal)"}]
    assert "learner1" not in json.dumps([match.saw(1), match.explain(1), repr(match)])


# --- amended -------------------------------------------------------------------------------------------------


def some_template(id_: int, topics: str) -> TemplateSpec:
    """One that wants a topic for each letter, and is reset by the last of them in capitals."""
    wanted = [requirement(id_ * 10 + place, rule("topics", "contains", topic)) for place, topic in enumerate(topics)]
    reset = penalty(id_, [one.id for one in wanted], rule("topics", "contains", topics[-1].upper()))
    return template(id_, wanted, [reset])


ids = st.integers(1, 6)
steps = st.lists(
    st.tuples(st.dictionaries(ids, st.text("abc", min_size=1, max_size=3), max_size=3), st.sets(ids, max_size=2)),
    max_size=6,
)


@given(steps)
def test_an_amended_book_says_what_a_new_one_says(changes: list[tuple[dict[int, str], set[int]]]) -> None:
    amended, now = book_of(), dict[int, TemplateSpec]()
    for number, (changed, removed) in enumerate(changes, start=2):
        new = {id_: some_template(id_, topics) for id_, topics in changed.items() if id_ not in removed}
        now = {id_: one for id_, one in (now | new).items() if id_ not in removed}
        amended = amended.amended(new.values(), removed, number)
        made = Rulebook(now.values(), number)
        for topic in "abcABC":
            found, expected = (book.match(PASSING, {"topics": [topic]}) for book in (amended, made))
            assert found == expected
            assert found is None or dict(found.resets) == dict(expected.resets)  # type: ignore[union-attr]
        for id_, one in now.items():
            assert amended.template(id_) is one
            assert amended.requirement(one.requirements[0].id) is one.requirements[0]
        for id_ in set(range(1, 7)) - now.keys():
            with pytest.raises(KeyError):
                amended.template(id_)


def test_a_book_that_was_amended_often_is_made_anew() -> None:
    book = book_of(some_template(1, "a"))
    for number in range(2, MOST_AMENDED + 1):
        book = book.amended([some_template(number, "b")], [], number)
    assert len(book._layers) == 2
    book = book.amended([some_template(MOST_AMENDED + 1, "b"), some_template(MOST_AMENDED + 2, "b")], [], 9)
    assert len(book._layers) == 1
    match = book.match(PASSING, {"topics": ["b"]})
    assert match is not None and len(match.templates) == MOST_AMENDED + 1


def test_an_amended_book_tells_the_problems_of_what_changed() -> None:
    book = book_of(template(1, [requirement(1, rule("a..b", "eq", "1"))]))
    assert len(book.problems) == 1
    assert book.amended([some_template(2, "a")], [], 2).problems == ()
