"""The event types that the installed openedx-events knows, with those that other apps have defined."""

from __future__ import annotations

import functools
from typing import Any

from openedx_events.tooling import OpenEdxPublicSignal, load_all_signals

from badges.eventbus.annotations import Member, Shape, shape_of


@functools.cache
def _load() -> None:
    load_all_signals()


def known_event_types() -> tuple[str, ...]:
    """Every event type that can be listed in the configuration, sorted."""
    _load()
    return tuple(sorted(signal.event_type for signal in OpenEdxPublicSignal.all_events()))


def is_known(event_type: str) -> bool:
    """Whether openedx-events has a signal of that type."""
    try:
        signal_of(event_type)
    except KeyError:
        return False
    return True


def signal_of(event_type: str) -> OpenEdxPublicSignal:
    """The signal of that type. Raises ``KeyError`` for one that openedx-events does not know."""
    _load()
    return OpenEdxPublicSignal.get_signal_by_type(event_type)


def name_of(receiver: Any) -> str:
    """What a log line calls a receiver of a signal."""
    named = receiver if hasattr(receiver, "__qualname__") else type(receiver)
    return f"{named.__module__}.{named.__qualname__}"


def payload_shape(event_type: str) -> Shape:
    """
    The shape of the type's payload: of the signal's data argument, or of all of them when it has several.

    Raises ``KeyError`` for an unknown type.
    """
    arguments = signal_of(event_type).init_data
    if len(arguments) == 1:
        return shape_of(*arguments.values())
    return Shape("object", arguments=tuple(Member(name, shape_of(argument)) for name, argument in arguments.items()))
