"""Dotted paths into payloads."""

from __future__ import annotations

import copy
import pickle
from collections import defaultdict
from types import MappingProxyType
from typing import Any

import attrs
import pytest

from badges.engine.paths import MISSING, compile_path
from badges.exceptions import RuleError

from .payloads import Course, Mode, Passing, Point, User


# S12
@pytest.mark.parametrize(
    ("payload", "path", "expected"),
    [
        (Passing(), "is_passing", True),
        (Passing(is_passing=False), "is_passing", False),
        (Passing(), "user.id", 11),
        (Passing(), "user.pii.username", "learner1"),
        (Passing(user=User(id=0)), "user.id", 0),
        (Passing(items=["a", "b"]), "items.0", "a"),
        (Passing(items=("a", "b")), "items.1", "b"),
        (Passing(items=[{"score": [7]}]), "items.0.score.0", 7),
        (Passing(items=[]), "items", []),
        (Passing(extra=Point(x=5)), "extra.x", 5),
        (Passing(extra=""), "extra", ""),
        ({"status": {"is_passing": True}}, "status.is_passing", True),
        (MappingProxyType({"0": "key"}), "0", "key"),
        ({"with-hyphen": {"ключ": 1}}, "with-hyphen.ключ", 1),
        (["first", "second"], "1", "second"),
    ],
)
def test_a_path_leads_through_fields_keys_and_indices(payload: object, path: str, expected: object) -> None:
    assert compile_path(path)(payload) == expected


# S12
@pytest.mark.parametrize(
    ("payload", "path"),
    [
        pytest.param(Passing(), "nothing", id="no such field"),
        pytest.param(Passing(), "is_passing.deeper", id="a scalar has no fields"),
        pytest.param(Passing(), "extra", id="ends in None"),
        pytest.param(Passing(course=None), "course.course_key", id="passes through None"),
        pytest.param({"a": {}}, "a.b", id="no such key"),
        pytest.param({"a": None}, "a.b.c", id="key with None"),
        pytest.param({0: "a number"}, "0", id="keys are texts"),
        pytest.param(Passing(items=["a"]), "items.1", id="index behind the end"),
        pytest.param(Passing(items=["a"]), "items.-1", id="negative index"),
        pytest.param(Passing(items=["a"]), "items.first", id="name in a list"),
        pytest.param(Passing(items=["a"]), "items.9999999999", id="index of ten digits"),
        pytest.param(Passing(items=["a"]), "items." + "9" * 5000, id="index that Python does not read"),
        pytest.param(Passing(items=["a"]), "items.\N{ARABIC-INDIC DIGIT ZERO}", id="index in other digits"),
        pytest.param(Passing(items={"a"}), "items.0", id="a set has no order"),
        pytest.param(Passing(items="text"), "items.0", id="letters of a text"),
        pytest.param(Passing(items=b"bytes"), "items.0", id="bytes"),
        pytest.param(None, "a", id="no payload"),
    ],
)
def test_where_nothing_is_a_path_leads_to_missing(payload: object, path: str) -> None:
    assert compile_path(path)(payload) is MISSING


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        (Course(), "method"),
        (Course(), "title"),
        (Passing(items=[]), "items.append"),
        ({"a": 1}, "keys"),
        ("text", "upper"),
        (Mode.HONOR, "value"),
        (Point, "x"),
        (Course, "course_key"),
        (object(), "anything"),
    ],
)
def test_a_path_reaches_neither_methods_nor_properties_nor_other_attributes(payload: object, path: str) -> None:
    assert compile_path(path)(payload) is MISSING


def test_a_field_that_was_never_set_is_missing() -> None:
    @attrs.define
    class Late:
        value: int = attrs.field(init=False)

    assert compile_path("value")(Late()) is MISSING


def test_looking_for_a_key_does_not_create_it() -> None:
    payload: defaultdict[str, Any] = defaultdict(dict)
    assert compile_path("a.b")(payload) is MISSING
    assert not payload


@pytest.mark.parametrize(
    "path",
    ["", ".", "a.", ".a", "a..b", " a", "a ", "a. b", "_a", "a._secret", "__class__", "a.__dict__.b", "\n"],
)
def test_what_is_no_path_is_refused_with_its_remedy(path: str) -> None:
    with pytest.raises(RuleError, match=r"is not a path\. Write names of fields with dots"):
        compile_path(path)


def test_missing_stays_the_same_object_in_copies() -> None:
    assert copy.deepcopy(MISSING) is MISSING
    assert pickle.loads(pickle.dumps(MISSING)) is MISSING  # noqa: S301
