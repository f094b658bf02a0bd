"""Whose event it is: the search for the learner in a payload (S1, S2)."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Any

from openedx_events.learning.data import UserData

from badges.conf import conf
from badges.data import Event, Learner
from badges.engine.paths import compile_path
from badges.eventbus.annotations import Shape, members, shape_of

RANKS = {"user": 0, "student_user": 1, "student": 1, "learner": 1}
OTHER_NAMES = 2


def find_learner(event: Event) -> Learner | None:
    """
    The learner whom ``event`` is about, None when it is about nobody who can be told (S1, S2).

    A configured path (``LEARNER_PATHS``) is taken as it is; without one the payload is searched.
    """
    path = conf.learner_paths.get(event.type)
    user = _search(event.payload) if path is None else compile_path(path)(event.payload)
    if not isinstance(user, UserData):
        return None
    username = user.pii.username or ""
    lms_user_id = user.id or None
    if not username and lms_user_id is None:
        return None
    return Learner(
        lms_user_id=lms_user_id,
        username=username,
        email=user.pii.email or "",
        full_name=user.pii.name or "",
        is_active=bool(user.is_active),
    )


def can_carry_learner(shape: Shape) -> bool:
    """Whether the search can find a learner in payloads of that shape, going by their types."""
    return any(spot.typed for spot in _spots(shape))


def is_learner(shape: Shape) -> bool:
    """Whether what stands at a place of that shape is a ``UserData``."""
    return shape.type is not None and issubclass(shape.type, UserData)


# --- the search ----------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Plan:
    """How to search payloads of one class: the places to look at, best first, then whether to go through all values."""

    places: tuple[tuple[str, ...], ...]
    scan: bool


def _search(payload: Any) -> UserData | None:
    payload_class: Any = type(payload)
    plan = _plan(payload_class)
    for place in plan.places:
        value = payload
        for name in place:
            value = getattr(value, name, None)
        if isinstance(value, UserData):
            return value
    return _scan(payload) if plan.scan else None


@functools.cache
def _plan(payload_class: Any) -> _Plan:
    """
    Types tell beforehand where the learner can be, but for lists, mappings and what has no type: those need a look at
    the values, unless a better place is filled.
    """
    spots = list(_spots(shape_of(payload_class)))
    places = sorted((spot for spot in spots if spot.typed and spot.fixed), key=lambda spot: (spot.rank, spot.depth))
    unsure = [spot.depth for spot in spots if not (spot.typed and spot.fixed)]
    if unsure:
        places = [spot for spot in places if spot.rank == 0 and spot.depth < min(unsure)]
    return _Plan(tuple(spot.path for spot in places), scan=bool(unsure))


@dataclasses.dataclass(frozen=True, slots=True)
class _Spot:
    """
    Where a learner may be. ``fixed``: always on that path, in no list or mapping; ``typed``: the annotation says so;
    ``depth`` counts names and items from the payload.
    """

    path: tuple[str, ...]
    depth: int
    fixed: bool
    typed: bool

    @property
    def rank(self) -> int:
        return _rank(self.path[-1] if self.path else "")


def _spots(
    shape: Shape,
    path: tuple[str, ...] = (),
    depth: int = 0,
    fixed: bool = True,
    within: frozenset[type[Any] | None] = frozenset(),
) -> Iterator[_Spot]:
    """Every spot in payloads of that shape, in the order of their fields; a class is not entered inside itself."""
    if is_learner(shape) or shape.kind == "any":
        yield _Spot(path, depth, fixed, typed=shape.kind != "any")
    elif shape.item is not None:
        yield from _spots(shape.item, path, depth + 1, False, within)
    elif shape.type is None or shape.type not in within:
        for member in members(shape):
            if not _is_actor(member.name):
                yield from _spots(member.shape, (*path, member.name), depth + 1, fixed, within | {shape.type})


def _scan(payload: Any) -> UserData | None:
    """Go through the values, level by level: of each rank the shallowest counts, on one level the first."""
    found: dict[int, UserData] = {}
    level: list[tuple[str, Any]] = [("", payload)]
    while level and 0 not in found:
        for name, value in level:
            if isinstance(value, UserData):
                found.setdefault(_rank(name), value)
        level = [inner for name, value in level for inner in _values(name, value)]
    return found[min(found)] if found else None


def _values(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What is inside ``value``, with its name; the items of a list have the list's."""
    if isinstance(value, Mapping):
        yield from ((str(key), item) for key, item in value.items() if not _is_actor(str(key)))
    elif isinstance(value, list | tuple):
        yield from ((name, item) for item in value)
    elif not isinstance(value, UserData):
        value_class: Any = type(value)
        for member in members(shape_of(value_class)):
            if not _is_actor(member.name):
                yield member.name, getattr(value, member.name)


def _rank(name: str) -> int:
    return RANKS.get(name, OTHER_NAMES)


def _is_actor(name: str) -> bool:
    """Whether a field names who acted, not whom it is about."""
    return name == "requesting_user" or name.endswith("_by") or name.startswith("coach")
