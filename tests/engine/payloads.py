"""Payloads as the engine meets them: attrs classes like those of openedx-events, and what else may be inside."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from typing import Any

import attrs
from opaque_keys.edx.keys import CourseKey


@attrs.frozen
class Person:
    username: str = "learner1"
    email: str = "learner1@example.com"


@attrs.frozen
class User:
    pii: Person = Person()
    id: int = 11
    is_active: bool = True


COURSE_A = CourseKey.from_string("course-v1:edX+A+1")


@attrs.frozen
class Course:
    course_key: Any = COURSE_A
    start: datetime.datetime | None = None
    _secret: str = "hidden"

    def method(self) -> str:
        raise AssertionError("a path must not call anything")

    @property
    def title(self) -> str:
        raise AssertionError("a path must not run a property")


@attrs.frozen
class Passing:
    is_passing: bool = True
    course: Course | None = Course()
    user: User = User()
    items: Any = ()
    extra: Any = None


@dataclasses.dataclass(frozen=True)
class Point:
    x: int = 1


class Mode(enum.Enum):
    HONOR = "honor"
    LEVEL = 7


class Level(enum.IntEnum):
    HIGH = 3
