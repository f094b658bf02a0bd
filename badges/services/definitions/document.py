"""
A YAML document as texts, lists and mappings, each with its line.

Nothing is typed: ``yes``, ``0123`` and ``2026-05-01`` are the texts they look like, quoted or not. What a value means
is for the reader of its field to say.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any, Literal

import yaml

from badges.exceptions import DefinitionsError

MAX_SIZE = 16 * 1024 * 1024
"""Characters; some 15,000 templates."""

MAX_DEPTH = 10
"""Nested lists and mappings; a definition needs 6."""

LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML 1.1 does not allow in a document, https://yaml.org/spec/1.1/#id868524."""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: its line, counted from 1, and its path, as in ``templates[0].name``."""

    line: int
    path: str = ""

    def __str__(self) -> str:
        return f"line {self.line}, {self.path}" if self.path else f"line {self.line}"


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """One value. ``plain`` is a text without quotes; ``value`` holds what ``kind`` says, a mapping as pairs."""

    kind: Literal["text", "list", "mapping"]
    place: Place
    value: Any
    plain: bool = False


def compose(text: str) -> Node:
    """The document in ``text``. Raises :class:`DefinitionsError` for what is not one YAML document, or too large."""
    if len(text) > MAX_SIZE:
        raise DefinitionsError(
            [f"the file is longer than {MAX_SIZE:,} characters; split it, a template a file if need be"]
        )
    if bad := UNPRINTABLE.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        raise DefinitionsError([f"line {line}: the character {bad[0]!r} is not allowed in YAML; remove it"])
    try:
        return _document(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DefinitionsError([f"line {mark.line + 1 if mark else 1}: not YAML: {error.problem}"]) from None


def _document(text: str) -> Node:
    events: Iterator[Any] = yaml.parse(text, Loader=LOADER)
    root: Node | None = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            if root is not None:
                raise _refused(event, "a second document begins; a file holds one")
            root = _node(next(events), events, "", 0)
    if root is None:
        raise DefinitionsError(["line 1: the file is empty; it needs at least 'version: 1'"])
    return root


def _node(event: Any, events: Iterator[Any], path: str, depth: int) -> Node:
    place = Place(event.start_mark.line + 1, path)
    if isinstance(event, yaml.AliasEvent):
        raise _refused(event, "aliases (*name) are not supported; write the value out")
    if event.tag is not None:
        raise _refused(event, f"tags ({event.tag}) are not supported; every value is text")
    if isinstance(event, yaml.ScalarEvent):
        return Node("text", place, event.value, plain=not event.style)
    if depth == MAX_DEPTH:
        raise _refused(event, "lists or mappings are nested too deeply")
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Node] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_node(event, events, f"{path}[{len(items)}]", depth + 1))
        return Node("list", place, items)
    pairs: list[tuple[Node, Node]] = []
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _node(event, events, path, depth + 1)
        inner = f"{path}.{key.value}" if path else str(key.value)
        pairs.append((key, _node(next(events), events, inner, depth + 1)))
    return Node("mapping", place, pairs)


def _refused(event: Any, what: str) -> DefinitionsError:
    return DefinitionsError([f"line {event.start_mark.line + 1}: {what}"])
