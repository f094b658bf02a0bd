"""
The shapes of event payloads, read from the annotations of openedx-events' data classes.

One reading for everything that needs it: the learner search, the paths that forms offer, the reading of JSON lines.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from typing import Any, Literal

import attrs
from openedx_events.learning.data import UserData

ShapeKind = Literal["object", "list", "mapping", "value", "any"]


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """
    What may stand at one place of a payload.

    ``object`` is an attrs class (``type``), or the several arguments of one signal (``arguments``); ``list`` and
    ``mapping`` hold ``item``; ``value`` is an instance of ``type``; ``any`` is not known. ``nullable`` allows None.
    """

    kind: ShapeKind
    type: type[Any] | None = None
    item: Shape | None = None
    nullable: bool = False
    arguments: tuple[Member, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """One named field of an object; a required one has no default."""

    name: str
    shape: Shape
    required: bool = True


ANYTHING = Shape("any", nullable=True)


@functools.cache
def shape_of(annotation: Any) -> Shape:
    """The shape that ``annotation`` (a class, or a typing construct around classes) describes."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        choices = [choice for choice in arguments if choice is not types.NoneType]
        shape = shape_of(choices[0]) if len(choices) == 1 else ANYTHING
        return dataclasses.replace(shape, nullable=len(choices) < len(arguments))
    if list in (annotation, origin):
        return Shape("list", list, shape_of(arguments[0]) if arguments else ANYTHING)
    if dict in (annotation, origin):
        return Shape("mapping", dict, shape_of(arguments[1]) if arguments else ANYTHING)
    if annotation in (Any, object) or not isinstance(annotation, type):
        return ANYTHING
    return Shape("object" if attrs.has(annotation) else "value", annotation)


def members(shape: Shape) -> tuple[Member, ...]:
    """The fields of an object, in the order of their definition; nothing for any other shape."""
    if shape.kind != "object" or shape.type is None:
        return shape.arguments
    data_class: Any = shape.type
    return _members_of(data_class)


@functools.cache
def _members_of(data_class: Any) -> tuple[Member, ...]:
    return tuple(_member(data_class, attribute) for attribute in attrs.fields(data_class))


def _member(data_class: type[Any], attribute: attrs.Attribute[Any]) -> Member:
    annotation: Any = attribute.type
    if isinstance(annotation, str):  # a module with postponed annotations
        annotation = typing.get_type_hints(data_class)[attribute.name]
    shape = shape_of(Any if annotation is None else annotation)
    # A default of None is openedx-events' way of saying Optional; a learner the LMS does not know yet has no id.
    if attribute.default is None or (data_class is UserData and attribute.name == "id"):
        shape = dataclasses.replace(shape, nullable=True)
    return Member(attribute.name, shape, required=attribute.default is attrs.NOTHING)
