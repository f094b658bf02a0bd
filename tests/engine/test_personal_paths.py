"""Which values are nobody's business (S36)."""

from __future__ import annotations

import decimal

import pytest

from badges.engine.disclosure import PERSONAL, in_words, is_personal, told
from badges.engine.rules import compile_rule
from tests.engine.specs import rule


@pytest.mark.parametrize(
    "path",
    [
        "user.pii",
        "user.pii.email",
        "users.0.pii.username",
        "name",
        "user.full_name",
        "user.FirstName",
        "last-name",
        "names.0",
        "email",
        "coach_email",
        "user_emails.0",
        "email_address",
        "author_username",
        "launch_params.extra_params.lis_person_contact_email_primary",
        "launch_params.extra_params.lis_person_name_given",
    ],
)
def test_paths_to_addresses_and_names_are_personal(path: str) -> None:
    # S36
    assert is_personal(path)
    payload: object = "learner1@example.com"
    for part in reversed(path.split(".")):
        payload = [payload] if part == "0" else {part: payload}
    assert compile_rule(rule(path, "exists", "yes")).saw(payload) == PERSONAL


@pytest.mark.parametrize(
    "path",
    [
        "course.course_key",
        "course.display_name",
        "is_passing",
        "user.id",
        "user.is_active",
        "org_key",
        "module_id",
        "pids",
    ],
)
def test_other_paths_are_not(path: str) -> None:
    # S37: hidden, they would make the journal useless
    assert not is_personal(path)


@pytest.mark.parametrize("value", [float("nan"), decimal.Decimal("nan"), decimal.Decimal("snan")])
def test_what_is_not_a_number_is_told_as_such(value: object) -> None:
    # S37, S38
    assert told(value) == "nan"
    assert told([value]) == ["nan"]
    assert in_words(value) == '"nan"'


def test_long_lists_and_texts_are_cut_where_they_become_long() -> None:
    # S37
    assert told("x" * 200) == "x" * 200
    assert told("x" * 201) == "x" * 199 + "…"
    assert told(list(range(20))) == list(range(20))
    assert told(list(range(21))) == [*range(20), "…"]


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63) + 1])
def test_integers_of_the_bus_are_told_whole_and_larger_ones_named(number: int) -> None:
    # S37
    assert told(number) == number
    assert told(number * 4) == "(integer)"
