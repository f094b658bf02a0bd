"""Reading the values of a document, and collecting what is wrong with them, so that all of it is told at once."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from badges.exceptions import DefinitionsError
from badges.services.definitions.document import Node, Place

BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}

UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What an escape like ``\\0`` can bring into a text, and no database takes."""


class Problems:
    """What is wrong with a file, each problem with its place."""

    def __init__(self) -> None:
        self._found: list[tuple[int, str]] = []

    def add(self, place: Place, what: str) -> None:
        self._found.append((place.line, f"{place}: {what}"))

    def missing(self, place: Place, keys: Collection[str], what: str) -> None:
        """Something new lacks ``keys``, which something stored can do without."""
        for key in keys:
            self.add(place, f"the key {key!r} is missing, and the {what} is new; add it")

    def check(self) -> None:
        """Raises :class:`DefinitionsError` with all problems so far, in the order of their lines, if there are any."""
        if self._found:
            raise DefinitionsError([problem for _, problem in sorted(self._found)])

    def unique(self, name: str, place: Place, seen: dict[str, Place], what: str) -> bool:
        """
        Whether ``name`` is not among those ``seen``, to which it is added.

        Names that differ in case only are the same: some databases think so (MariaDB, MySQL).
        """
        first = seen.setdefault(name.casefold(), place)
        if first is not place:
            self.add(place, f"{what} {name!r} is there twice, here and on line {first.line}; keep one")
        return first is place


class Fields:
    """
    The values of a mapping by key, each key one of ``known`` and there at most once.

    Whatever cannot be read is a problem, and None.
    """

    def __init__(
        self, problems: Problems, node: Node, known: Collection[str], *, required: Collection[str] = ()
    ) -> None:
        self.place = node.place
        self._problems = problems
        self._nodes: dict[str, Node] = {}
        if node.kind != "mapping":
            problems.add(node.place, f"expected a mapping with the keys {', '.join(known)}, found {_described(node)}")
            return
        for key, value in node.value:
            # The key's line, because the value may begin on another one.
            place = dataclasses.replace(value.place, line=key.place.line)
            if key.kind != "text":
                problems.add(key.place, f"a key has to be a text, found {_described(key)}")
            elif key.value not in known:
                problems.add(place, f"unknown key {key.value!r}; {closest(key.value, known)}")
            elif key.value in self._nodes:
                first = self._nodes[key.value].place.line
                problems.add(place, f"the key {key.value!r} is there twice, here and on line {first}; keep one")
            else:
                self._nodes[key.value] = dataclasses.replace(value, place=place)
        for name in required:
            if name not in self._nodes:
                problems.add(node.place, f"the key {name!r} is missing")

    def __contains__(self, key: str) -> bool:
        return key in self._nodes

    def place_of(self, key: str) -> Place:
        """Where the key stands; it has to be there."""
        return self._nodes[key].place

    @property
    def places(self) -> dict[str, Place]:
        return {key: node.place for key, node in self._nodes.items()}

    def items(self, key: str) -> list[Node]:
        """The items of a list; none when it is not there."""
        node = self._nodes.get(key)
        if node is None:
            return []
        if node.kind != "list":
            self._problems.add(node.place, f"expected a list, found {_described(node)}; an empty list is []")
            return []
        return list(node.value)

    def raw_text(self, key: str) -> str | None:
        """The text exactly as it was written; None when it is not there."""
        return read_raw_text(self._problems, self._nodes[key]) if key in self._nodes else None

    def text(self, key: str, model: type[models.Model] | None = None, name: str = "") -> str | None:
        """A text that the field ``name`` (else ``key``) of ``model`` takes; None when it is not there."""
        return read_text(self._problems, self._nodes[key], model, name or key) if key in self._nodes else None

    def texts(self, keys: Collection[str], model: type[models.Model]) -> dict[str, Any]:
        """Those of the texts that are there, each as the model's field of that name takes it."""
        return {key: self.text(key, model) for key in keys if key in self._nodes}

    def boolean(self, key: str) -> bool | None:
        """``true`` or ``false``, or one of YAML's other words for them."""
        written = self.raw_text(key)
        if written is None:
            return None
        value = BOOLEANS.get(written.lower())
        if value is None:
            self._problems.add(self.place_of(key), f"expected true or false, found {written!r}")
        return value


def read_raw_text(problems: Problems, node: Node) -> str | None:
    """A text exactly as it was written."""
    if node.kind != "text":
        problems.add(node.place, f"expected a text, found {_described(node)}")
        return None
    written: str = node.value
    if bad := UNSTORABLE.search(written):
        problems.add(node.place, f"the character {bad[0]!r} cannot be stored; remove it")
        return None
    return written


def read_text(problems: Problems, node: Node, model: type[models.Model] | None, name: str) -> str | None:
    """A text that the model's field takes. A bare ``null`` or ``~`` is refused: it may mean nothing, or the word."""
    written = read_raw_text(problems, node)
    if written is None:
        return None
    if node.plain and written.lower() in {"null", "~"}:
        problems.add(node.place, f"{written} may mean nothing or the word; write '' or '{written}', or leave it out")
        return None
    if model is None:
        return written
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field)
    choices = [str(value) for value, _ in field.flatchoices]
    if choices and written not in choices:
        problems.add(node.place, f"unknown {name} {written!r}; {closest(written, choices)}")
        return None
    try:
        field.clean(written, None)
    except ValidationError as error:
        problems.add(node.place, " ".join(error.messages))
        return None
    return written


def closest(name: str, known: Collection[str]) -> str:
    """What to use instead of ``name``, to end a sentence with: the most similar of ``known``, else all of them."""
    if not known:
        return "there is none"
    similar = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {similar[0]!r}?" if similar else f"use one of {', '.join(known)}"


def _described(node: Node) -> str:
    if node.kind != "text":
        return f"a {node.kind}"
    return f"the text {node.value!r}" if node.value else "nothing"
