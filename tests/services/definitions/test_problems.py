"""What the file alone can get wrong: each message names line and key, and says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings as hypothesis_settings, strategies as st

from badges.exceptions import DefinitionsError
from badges.services.definitions.document import MAX_DEPTH, MAX_SIZE
from badges.services.definitions.parsing import parse
from tests.services.definitions.examples import ACCOUNT, PASSING, TEMPLATE, TWO_COURSES, changed

FIRST_RULE = '{path: is_passing, operator: eq, value: "true"}'

# What is replaced, by what, and where that is told in which words.
WRONG = [
    # --- the document ---
    ("version: 1\n", "", "line 1", "the key 'version' is missing"),
    ("version: 1", "version: 2", "line 1, version", "version '2' is not known here; write version: 1"),
    ("version: 1", "version: [1]", "line 1, version", "expected a text, found a list"),
    ("accounts:", "account:", "line 2, account", "unknown key 'account'; did you mean 'accounts'?"),
    ("version: 1", "version: 1\nversion: 1", "line 2, version", "the key 'version' is there twice, here and on line 1"),
    ("version: 1", "version: 1\n[a]: b", "line 2", "a key has to be a text, found a list"),
    # --- accounts ---
    (f"    id: {ACCOUNT}\n", "", "line 3, accounts[0]", "the key 'id' is missing"),
    (f"id: {ACCOUNT}", "id: ''", "line 4, accounts[0].id", "This field cannot be blank."),
    (f"id: {ACCOUNT}", f"id: {'x' * 65}", "line 4, accounts[0].id", "at most 64 characters"),
    ("- provider: credly", "- provider: credley", "line 3, accounts[0].provider", "no badge provider 'credley'"),
    ("api_key: key-1", "api_key: ''", "line 6, accounts[0].api_key", "leave api_key out to keep the stored one"),
    ("api_key: key-1", "api_key_env: NO_SUCH", "line 6, accounts[0].api_key_env", "variable 'NO_SUCH' is not set"),
    ("api_key: key-1", "apikey: key-1", "line 6, accounts[0].apikey", "did you mean 'api_key'?"),
    ("name: Demo University", "name: null", "line 5, accounts[0].name", "null may mean nothing or the word"),
    ("name: Demo University", "name: [a]", "line 5, accounts[0].name", "expected a text, found a list"),
    (
        "templates:",
        f"  - {{provider: credly, id: {ACCOUNT.upper()}}}\ntemplates:",
        "line 7, accounts[1].id",
        "is there twice, here and on line 4; keep one",
    ),
    # --- templates ---
    (f"- uuid: {TEMPLATE}\n    provider", "- provider", "line 8, templates[0]", "the key 'uuid' is missing"),
    (f"uuid: {TEMPLATE}", "uuid: 12", "line 8, templates[0].uuid", "'12' is not a UUID; write it like"),
    (
        f"uuid: {TEMPLATE}",
        f"uuid: {TEMPLATE.replace('-4f2e', '-ff2e')}",
        "line 8, templates[0].uuid",
        "of version 15 cannot",
    ),
    ("name: Two courses", "name: ''", "line 11, templates[0].name", "This field cannot be blank."),
    ("name: Two courses", "name: {a: b}", "line 11, templates[0].name", "expected a text, found a mapping"),
    ("name: Two courses", "name: ~", "line 11, templates[0].name", "~ may mean nothing or the word; write '' or '~'"),
    ("name: Two courses", 'name: "a\\0b"', "line 11, templates[0].name", "the character '\\x00' cannot be stored"),
    ("https://example.com/badge.png", "example", "line 13, templates[0].image_url", "Enter a valid URL."),
    ("state: active", "state: activ", "line 14, templates[0].state", "unknown state 'activ'; did you mean 'active'?"),
    ("state: active", "state: gone", "line 14, templates[0].state", "use one of draft, active, archived"),
    ("is_active: true", "is_active: maybe", "line 15, templates[0].is_active", "expected true or false, found 'maybe'"),
    ("is_active: true", "is_active:", "line 15, templates[0].is_active", "expected true or false, found ''"),
    ("is_active: true", "is_active: [true]", "line 15, templates[0].is_active", "expected a text, found a list"),
    ("account: 6f", "acount: 6f", "line 10, templates[0].acount", "did you mean 'account'?"),
    (
        "    requirements:\n",
        "    requirements:\n    requirements:\n",
        "line 18, templates[0].requirements",
        "the key 'requirements' is there twice, here and on line 17; keep one",
    ),
    # --- requirements ---
    (
        "      - key: pass-b\n        event",
        "      - event",
        "line 25, templates[0].requirements[1]",
        "'key' is missing",
    ),
    ("key: pass-b", "key: pass b", "line 25, templates[0].requirements[1].key", "letters, numbers, underscores"),
    ("key: pass-b", "key: PASS-A", "line 25, templates[0].requirements[1].key", "twice, here and on line 18; keep one"),
    (
        f"pass-b\n        event_type: {PASSING}",
        "pass-b\n        event_type: org.openedx.learning.course.passing.status.update.v1",
        "line 26, templates[0].requirements[1].event_type",
        f"no such event type. Did you mean {PASSING}",
    ),
    (
        f"pass-b\n        event_type: {PASSING}",
        "pass-b\n        event_type: org.openedx.learning.course.enrollment.created.v1",
        "line 26, templates[0].requirements[1].event_type",
        "take no part here; list it in BADGES['EVENT_TYPES']",
    ),
    ("group: A", "groups: A", "line 20, templates[0].requirements[0].groups", "did you mean 'group'?"),
    ("group: A", f"group: {'x' * 101}", "line 20, templates[0].requirements[0].group", "at most 100 characters"),
    # --- rules ---
    (
        FIRST_RULE,
        '{path: is_passing, operator: equals, value: "true"}',
        "line 23, templates[0].requirements[0].rules[0].operator",
        "unknown operator 'equals'; use one of eq, ne, gt",
    ),
    (
        "operator: eq\n",
        "operator: like\n",
        "line 29, templates[0].requirements[1].rules[0].operator",
        "unknown operator 'like'",
    ),
    (
        "path: course.course_key\n",
        "path: course.key\n",
        "line 28, templates[0].requirements[1].rules[0].path",
        "course.course_key",
    ),
    (
        FIRST_RULE,
        '{path: is_passing, operator: gt, value: "7"}',
        "line 23, templates[0].requirements[0].rules[0]",
        "gt does not compare",
    ),
    (
        FIRST_RULE,
        '{path: is_passing, operator: eq, value: "maybe"}',
        "line 23, templates[0].requirements[0].rules[0]",
        "maybe",
    ),
    (
        FIRST_RULE,
        "{path: is_passing}",
        "line 23, templates[0].requirements[0].rules[0]",
        "the key 'operator' is missing",
    ),
    (FIRST_RULE, "is_passing", "line 23, templates[0].requirements[0].rules[0]", "with the keys path, operator, value"),
    (FIRST_RULE, "", "line 23, templates[0].requirements[0].rules[0]", "path, operator, value, found nothing"),
    (
        FIRST_RULE,
        "{path: is_passing, operator: eq, value: {a: b}}",
        "line 23, templates[0].requirements[0].rules[0].value",
        "expected a text, found a mapping",
    ),
    (
        f"pass-b\n        event_type: {PASSING}\n        rules:",
        f"pass-b\n        event_type: {PASSING}\n        rules: {{}}\n      - key: pass-c\n        rules:",
        "line 27, templates[0].requirements[1].rules",
        "expected a list, found a mapping; an empty list is []",
    ),
    # --- penalties ---
    (
        "requirements: [pass-a]",
        "requirements: [pass-c]",
        "line 34, templates[0].penalties[0].requirements[0]",
        "the template has no requirement 'pass-c'; did you mean 'pass-",
    ),
    (
        "requirements: [pass-a]",
        "requirements: [pass-a, pass-a]",
        "line 34, templates[0].penalties[0].requirements[1]",
        "the requirement 'pass-a' is there twice",
    ),
    (
        "requirements: [pass-a]",
        "requirements: []",
        "line 34, templates[0].penalties[0].requirements",
        "a penalty resets at least one requirement; name it",
    ),
    (
        "requirements: [pass-a]",
        "requirements: [[pass-a]]",
        "line 34, templates[0].penalties[0].requirements[0]",
        "expected a text, found a list",
    ),
    (
        "requirements: [pass-a]",
        "requirement: [pass-a]",
        "line 34, templates[0].penalties[0].requirement",
        "unknown key 'requirement'; did you mean 'requirements'?",
    ),
    (
        "key: fail-a",
        "name: fail-a",
        "line 32, templates[0].penalties[0].name",
        "use one of key, event_type, description",
    ),
]


def problems_of(text: str) -> list[str]:
    with pytest.raises(DefinitionsError) as error:
        parse(text)
    assert str(error.value) == "\n".join(error.value.problems)
    return error.value.problems


@pytest.mark.parametrize(("old", "new", "place", "what"), WRONG, ids=[f"{place} {what}" for _, _, place, what in WRONG])
def test_a_problem_is_told_with_its_line_and_key(old: str, new: str, place: str, what: str) -> None:
    told = [problem for problem in problems_of(changed((old, new))) if problem.startswith(f"{place}: ")]

    assert any(what in problem for problem in told), told


# Not one YAML document that can be read.
UNREADABLE = [
    ("", "line 1: the file is empty; it needs at least 'version: 1'"),
    ("# nothing but a comment\n", "line 1: the file is empty"),
    ("version: 1\naccounts: [", "line 3: not YAML: "),
    ("version: 1\n  accounts: []", "line 2: not YAML: "),
    ("version: 1\n---\nversion: 1\n", "line 2: a second document begins; a file holds one"),
    ("version: 1\naccounts: &a []\ntemplates: *a\n", "line 3: aliases (*name) are not supported"),
    ("version: !!int 1\n", "line 1: tags (tag:yaml.org,2002:int) are not supported"),
    ("version: 1\ntemplates: !!python/object:os.system []\n", "line 2: tags "),
    ("version: 1\nname: \a\n", "line 2: the character '\\x07' is not allowed in YAML"),
    ("version: 1\nname: \ud800\n", "line 2: the character '\\ud800' is not allowed in YAML"),
    ("version: 1\ntemplates: " + "[" * 20_000, "line 2: lists or mappings are nested too deeply"),
    ("x" * (MAX_SIZE + 1), "the file is longer than 16,777,216 characters; split it"),
]


@pytest.mark.parametrize(("text", "problem"), UNREADABLE, ids=[problem for _, problem in UNREADABLE])
def test_a_file_that_is_not_one_yaml_document_is_refused_at_once(text: str, problem: str) -> None:
    [told] = problems_of(text)

    assert told.startswith(problem)


def test_a_document_may_be_as_deep_as_a_definition_needs() -> None:
    assert parse(TWO_COURSES).templates[0].requirements
    assert MAX_DEPTH > 6


@pytest.mark.parametrize("text", ["just words", "[]", "- version: 1", "''"])
def test_a_document_that_is_no_mapping_is_told_what_belongs_there(text: str) -> None:
    assert "line 1: expected a mapping with the keys version, accounts, templates, found" in problems_of(text)[0]


def test_all_problems_are_told_at_once_in_the_order_of_the_lines() -> None:
    text = changed(
        ("is_active: true", "is_active: 3"),
        ("name: Demo", "nam: Demo"),
        ("operator: eq", "operator: is"),
        ("requirements: [pass-a]", "requirements: [pass-z]"),
    )

    problems = problems_of(text)

    assert [problem.split(":")[0] for problem in problems] == [
        "line 5, accounts[0].nam",
        "line 15, templates[0].is_active",
        "line 23, templates[0].requirements[0].rules[0].operator",
        "line 34, templates[0].penalties[0].requirements[0]",
    ]


def test_two_templates_with_one_uuid_are_told_with_both_lines() -> None:
    text = f"version: 1\ntemplates:\n- uuid: {TEMPLATE}\n- name: x\n  uuid: '{{{TEMPLATE.upper()}}}'\n"

    assert problems_of(text) == [
        f"line 5, templates[1].uuid: the template '{TEMPLATE}' is there twice, here and on line 3; keep one"
    ]


def test_both_ways_of_giving_a_key_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDLY_API_KEY", "key-1")
    text = changed(("    api_key: key-1\n", "    api_key_env: CREDLY_API_KEY\n    api_key: key-1\n"))

    assert problems_of(text) == ["line 7, accounts[0].api_key: api_key and api_key_env are both there; keep one"]


# S36
def test_no_problem_repeats_a_key(settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "ACCOUNT_KEYS": {ACCOUNT: "another-secret"}}
    text = changed(("api_key: key-1", "api_key: a-secret"))

    [problem] = problems_of(text)

    assert problem.startswith("line 6, accounts[0].api_key: BADGES['ACCOUNT_KEYS'] has another key")
    assert "secret" not in problem
    assert "a-secret" not in repr(parse(changed(("api_key: key-1", "api_key: a-secret"), (ACCOUNT, "other"))))


def test_an_event_type_that_cannot_carry_a_learner_is_refused(settings: Any) -> None:
    event_type = "org.openedx.content_authoring.course.catalog_info.changed.v1"
    settings.BADGES = {**settings.BADGES, "EVENT_TYPES": [event_type]}
    text = f"version: 1\ntemplates:\n- uuid: {TEMPLATE}\n  requirements:\n  - {{key: a, event_type: {event_type}}}\n"

    [problem] = problems_of(text)

    assert problem.startswith("line 5, templates[0].requirements[0].event_type: ")
    assert "its payload holds no UserData" in problem


@hypothesis_settings(max_examples=200, deadline=None)
@given(
    start=st.integers(0, len(TWO_COURSES)),
    length=st.integers(0, 40),
    inserted=st.text(max_size=20) | st.text("{}[]:,-&*!|>'\"#%@`~?\n \t", max_size=20),
)
@example(start=0, length=10, inserted="%YAML 1.2\n---\n")
@example(start=0, length=0, inserted="? ")
@example(start=0, length=0, inserted="<<: {}\n")
def test_a_damaged_file_is_refused_with_words_or_can_be_read(start: int, length: int, inserted: str) -> None:
    text = TWO_COURSES[:start] + inserted + TWO_COURSES[start + length :]
    assert all(problem.startswith("line ") for problem in _read(text))


def _read(text: str) -> list[str]:
    try:
        parse(text)
    except DefinitionsError as error:
        return error.problems
    return []
