"""Events of every type that openedx-events knows, made up from its data classes without the code under test."""

from __future__ import annotations

import datetime
import typing
import uuid
from typing import Any

import attrs
from ccx_keys.locator import CCXLocator  # type: ignore[import-untyped]
from hypothesis import strategies as st
from opaque_keys.edx.keys import CourseKey, UsageKey
from opaque_keys.edx.locator import (
    LibraryCollectionLocator,
    LibraryContainerLocator,
    LibraryLocatorV2,
    LibraryUsageLocatorV2,
)
from openedx_events.data import EventsMetadata
from openedx_events.event_bus import EventBusProducer
from openedx_events.learning.data import (
    CourseData,
    CoursePassingStatusData,
    UserData,
    UserPersonalData,
)
from openedx_events.tooling import OpenEdxPublicSignal, load_all_signals

from badges.data import Event

PASSING_KEY = "course_passing_status.course.course_key"
PASSING = "org.openedx.learning.course.passing.status.updated.v1"
TIME = datetime.datetime(2026, 5, 1, 10, tzinfo=datetime.UTC)

KEYS: dict[type[Any], list[str]] = {
    CourseKey: ["course-v1:edX+A+1", "course-v1:Ünï+Ç+2", "ccx-v1:edX+A+1+ccx@7"],
    CCXLocator: ["ccx-v1:edX+A+1+ccx@1"],
    UsageKey: ["block-v1:edX+A+1+type@problem+block@p1", "lb:edX:lib:html:b1"],
    LibraryLocatorV2: ["lib:edX:lib"],
    LibraryUsageLocatorV2: ["lb:edX:lib:html:b1"],
    LibraryCollectionLocator: ["lib-collection:edX:lib:c1"],
    LibraryContainerLocator: ["lct:edX:lib:unit:u1"],
}
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime.datetime: st.datetimes(timezones=st.sampled_from([None, datetime.UTC])),
    uuid.UUID: st.uuids(),
    dict: st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.none(), max_size=2),
}


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Values that fit ``annotation``."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Union:
        return st.none() | values(arguments[0])
    if origin is list:
        return st.lists(values(arguments[0]), max_size=2)
    if origin is dict:
        return st.dictionaries(st.text(max_size=5), values(arguments[1]), max_size=2)
    if annotation in KEYS:
        return st.sampled_from(KEYS[annotation]).map(annotation.from_string)
    if annotation in SCALARS:
        return SCALARS[annotation]
    return objects(annotation)


def objects(data_class: Any) -> st.SearchStrategy[Any]:
    """Instances with any of the fields that have a default left out, or None where None is the default."""
    required, optional = {}, {}
    for field in attrs.fields(data_class):
        inner = values(field.type)
        if field.default is attrs.NOTHING:
            required[field.name] = inner
        else:
            optional[field.name] = st.none() | inner if field.default is None else inner
    return st.fixed_dictionaries(required, optional=optional).map(lambda fields: data_class(**fields))


def signals() -> list[OpenEdxPublicSignal]:
    """All but those with files in them, which no bus can carry either."""
    load_all_signals()
    every = sorted(OpenEdxPublicSignal.all_events(), key=lambda signal: signal.event_type)
    return [signal for signal in every if ".certificate_config." not in signal.event_type]


@st.composite
def events(draw: st.DrawFn, signal: OpenEdxPublicSignal) -> Event:
    (argument,) = signal.init_data.values()
    return Event(
        id=str(draw(st.uuids())),
        type=signal.event_type,
        time=draw(st.datetimes(timezones=st.just(datetime.UTC))),
        payload=draw(objects(argument)),
    )


# --- one plain event -----------------------------------------------------------------------------------------


def user(number: int = 11, **changes: Any) -> UserData:
    fields = {"username": f"learner{number}", "email": f"learner{number}@example.com", "name": f"Learner {number}"}
    pii = UserPersonalData(**{name: changes.pop(name, value) for name, value in fields.items()})
    return UserData(id=changes.pop("id", number), is_active=changes.pop("is_active", True), pii=pii)


def passing(number: int = 11, course: str = "course-v1:edX+A+1", is_passing: bool = True) -> CoursePassingStatusData:
    return CoursePassingStatusData(
        is_passing=is_passing, course=CourseData(course_key=CourseKey.from_string(course)), user=user(number)
    )


def passing_event(number: int = 11, **fields: Any) -> Event:
    return Event(
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{number} {fields}")),
        type=PASSING,
        time=TIME,
        payload=passing(number, **fields),
    )


def send(producer: EventBusProducer, event: Event, topic: str, key_field: str) -> None:
    signal = OpenEdxPublicSignal.get_signal_by_type(event.type)
    (argument,) = signal.init_data
    producer.send(
        signal=signal,
        topic=topic,
        event_key_field=key_field,
        event_data={argument: event.payload},
        event_metadata=EventsMetadata(event_type=event.type, id=uuid.UUID(event.id), time=event.time),
    )
