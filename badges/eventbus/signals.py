"""
Public signals: which there are, whether they can take part, and turning one that was sent into an :class:`Event`.

What a payload holds (``fields``) and whose it is (``find_learner``) can be had from here too.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from openedx_events.tooling import OpenEdxPublicSignal

from badges.conf import conf
from badges.data import Event
from badges.eventbus.catalogue import is_known, known_event_types, payload_shape, signal_of
from badges.eventbus.fields import check_rule, field_at, fields, shape_at
from badges.eventbus.learners import can_carry_learner, find_learner, is_learner

__all__ = [
    "check_rule",
    "connect",
    "disconnect",
    "field_at",
    "fields",
    "find_learner",
    "is_from_bus",
    "known_event_types",
    "payload_of",
    "problem_with",
    "signal_of",
    "to_event",
]


def payload_of(signal: OpenEdxPublicSignal, kwargs: Mapping[str, Any]) -> Any:
    """
    The payload of what a receiver got, in ``kwargs``: the signal's one data argument, or a mapping of them when it has
    several. Nothing is copied.
    """
    arguments = signal.init_data
    if len(arguments) == 1:
        (name,) = arguments
        return kwargs[name]
    return {name: kwargs[name] for name in arguments}


def is_from_bus(kwargs: Mapping[str, Any]) -> bool:
    """Whether a consumer read what a receiver got; else it was sent in this process."""
    return kwargs.get("from_event_bus") is True


def to_event(signal: OpenEdxPublicSignal, kwargs: Mapping[str, Any]) -> Event:
    """What a receiver got, as an event: ``kwargs`` are the metadata, ``from_event_bus`` and the signal's data."""
    metadata = kwargs["metadata"]
    return Event(str(metadata.id), signal.event_type, metadata.time, payload_of(signal, kwargs), is_from_bus(kwargs))


def connect(receiver: Callable[..., Any], event_types: Iterable[str], *, dispatch_uid: str) -> None:
    """
    Have ``receiver`` called for every event of the types, once however often this is called.

    Types that openedx-events does not know are left out; :func:`problem_with` is where they are told.
    """
    for event_type in event_types:
        if is_known(event_type):
            signal_of(event_type).connect(receiver, dispatch_uid=dispatch_uid, weak=False)


def disconnect(event_types: Iterable[str], *, dispatch_uid: str) -> None:
    """Undo :func:`connect`."""
    for event_type in event_types:
        if is_known(event_type):
            signal_of(event_type).disconnect(dispatch_uid=dispatch_uid)


def problem_with(event_type: str) -> str | None:
    """Why events of this type cannot take part, in a sentence; None when they can (S5)."""
    if not is_known(event_type):
        near = difflib.get_close_matches(event_type, known_event_types(), n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        return f"the installed openedx-events knows no such event type.{hint}"
    payload = payload_shape(event_type)
    path = conf.learner_paths.get(event_type)
    if path is None:
        if can_carry_learner(payload):
            return None
        return "its payload holds no UserData, so nobody can tell whose event it is."
    shape = shape_at(payload, path)
    if shape is not None and is_learner(shape):
        return None
    return f"LEARNER_PATHS sends it to {path!r}, where its payload holds no UserData."
