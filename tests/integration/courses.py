"""Badges for passing courses, and what events about them have to lead to."""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from credentials_settings.sandbox.credly import DEMO_ORGANIZATION
from tests import builders

numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True)
class Penalty:
    """Passing or failing ``course`` resets the requirements of the courses in ``resets``."""

    course: str
    passing: bool
    resets: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Badge:
    """
    A template with a requirement ``pass-x`` for each course x, in the group that ``groups`` has for it.

    Courses are named by a letter; ``number`` makes their keys the badge's own.
    """

    groups: Mapping[str, str]
    penalties: tuple[Penalty, ...] = ()
    number: int = dataclasses.field(default_factory=lambda: next(numbers))

    @property
    def uuid(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"badge {self.number}"))

    def line(self, course: str, **fields: Any) -> dict[str, Any]:
        """An event about one of its courses, see ``tests.builders.line``."""
        return builders.line(f"{course}{self.number}", **fields)

    # --- for load_badges ---

    def definition(self) -> dict[str, Any]:
        return {
            "uuid": self.uuid,
            "provider": "credly",
            "account": str(DEMO_ORGANIZATION),
            "name": f"Badge {self.number}",
            "is_active": True,
            "requirements": [
                {"key": key(course), "event_type": builders.PASSING, "group": group, "rules": self._rules(course, True)}
                for course, group in self.groups.items()
            ],
            "penalties": [
                {
                    "key": f"penalty-{number}",
                    "event_type": builders.PASSING,
                    "requirements": sorted(map(key, penalty.resets)),
                    "rules": self._rules(penalty.course, penalty.passing),
                }
                for number, penalty in enumerate(self.penalties)
            ],
        }

    def _rules(self, course: str, passing: bool) -> list[dict[str, str]]:
        return [
            {"path": "is_passing", "operator": "eq", "value": str(passing).lower()},
            {
                "path": "course.course_key",
                "operator": "eq",
                "value": builders.course_key(f"{course}{self.number}"),
            },
        ]

    # --- what has to come of it ---

    def fulfilled(self, lines: Iterable[Mapping[str, Any]]) -> list[str]:
        """
        The keys of what these events of one learner leave fulfilled, each handled once in time order.

        For each requirement the newest event that applied counts; at equal times, and of one event, a reset (S6, S8).
        """
        newest: dict[str, tuple[str, bool]] = {}
        for line in lines:
            for course, resets in self._effects(line["data"]["course_passing_status"]):
                newest[course] = max(newest.get(course, ("", False)), (line["time"], resets))
        return sorted(key(course) for course, (_, resets) in newest.items() if not resets)

    def _effects(self, status: Mapping[str, Any]) -> list[tuple[str, bool]]:
        """The courses whose requirement the event touches, and whether it resets it."""
        passing = status["is_passing"]
        courses = {builders.course_key(f"{course}{self.number}"): course for course in "ABCDEF"}
        course = courses[status["course"]["course_key"]]
        fulfils = [(course, False)] if passing and course in self.groups else []
        return fulfils + [
            (reset, True)
            for penalty in self.penalties
            if (penalty.course, penalty.passing) == (course, passing)
            for reset in penalty.resets
        ]

    def is_complete(self, fulfilled: Iterable[str]) -> bool:
        """Whether every group has a fulfilled requirement; one without a group is a group of its own (S16)."""
        done = set(fulfilled)
        groups: dict[str, set[str]] = {}
        for course, group in self.groups.items():
            groups.setdefault(group or f"only {course}", set()).add(key(course))
        return all(members & done for members in groups.values())


def key(course: str) -> str:
    return f"pass-{course.lower()}"


def badge(courses: str, *, penalties: str = "") -> Badge:
    """Every course in ``courses`` is needed; failing one in ``penalties`` takes it back."""
    return Badge(
        dict.fromkeys(courses, ""),
        tuple(Penalty(course, False, frozenset(course)) for course in penalties),
    )
