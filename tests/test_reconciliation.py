"""The comparison at the end of a fault scenario: every kind of discrepancy is found, and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.chaos.reconciliation import Announcement, Credential, Entry, External, Findings, Ours, reconcile
from tests.integration.courses import badge

BOTH = badge("AB", penalties="B")
HOLDER, LOSER, BEGINNER = "learner1", "learner2", "learner3"

PUBLISHED: Mapping[str, Sequence[Mapping[str, Any]]] = {
    HOLDER: [BOTH.line("A", learner=1, at="10:00"), BOTH.line("B", learner=1, at="10:01")],
    LOSER: [
        BOTH.line("A", learner=2, at="10:00"),
        BOTH.line("B", learner=2, at="10:01"),
        BOTH.line("B", learner=2, at="10:02", passing=False),
    ],
    BEGINNER: [BOTH.line("A", learner=3, at="10:00")],
}
JOURNAL = [
    Entry(HOLDER, "fulfilled", "pass-a", "1"),
    Entry(HOLDER, "fulfilled", "pass-b", "2"),
    Entry(HOLDER, "awarded", "", "2"),
    Entry(LOSER, "fulfilled", "pass-a", "3"),
    Entry(LOSER, "fulfilled", "pass-b", "4"),
    Entry(LOSER, "awarded", "", "4"),
    Entry(LOSER, "reset", "pass-b", "5"),
    Entry(LOSER, "revoked", "", "5"),
    Entry(BEGINNER, "fulfilled", "pass-a", "6"),
]
OURS = Ours(
    JOURNAL,
    {HOLDER: ["pass-a", "pass-b"], LOSER: ["pass-a"], BEGINNER: ["pass-a"]},
    {HOLDER: Credential("one", "awarded"), LOSER: Credential("two", "revoked")},
)
ANNOUNCED = [
    Announcement("awarded", "one", "10:01"),
    Announcement("awarded", "two", "10:01"),
    Announcement("revoked", "two", "10:02"),
]
EXTERNAL = {HOLDER: External(created=1, live=1), LOSER: External(created=1, live=0)}


def compare(**changes: Any) -> Findings:
    """The ledgers agree but for ``changes``, whose names are those of :func:`reconcile` or fields of ``Ours``."""
    ours = {name: changes.pop(name) for name in ("journal", "fulfilled", "credentials") if name in changes}
    ledgers = {
        "published": PUBLISHED,
        "ours": dataclasses.replace(OURS, **ours),
        "announced": ANNOUNCED,
        "external": EXTERNAL,
    }
    return reconcile(BOTH, **{**ledgers, **changes})


def without(entry: Entry) -> list[Entry]:
    return [one for one in JOURNAL if one != entry]


def test_ledgers_that_agree_have_no_findings() -> None:
    assert compare() == Findings()


def test_announcements_that_came_again_are_counted_apart() -> None:  # S21
    assert compare(announced=[*ANNOUNCED, *ANNOUNCED, ANNOUNCED[0]]) == Findings(repeats=4)


def test_announcements_may_come_in_any_order() -> None:  # S21
    assert compare(announced=ANNOUNCED[::-1]) == Findings()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"fulfilled": {**OURS.fulfilled, BEGINNER: []}},
            ["learner3: fulfilled is [], the events lead to ['pass-a']"],
        ),
        (
            {"credentials": {HOLDER: OURS.credentials[HOLDER]}},
            ["learner2: the journal ends with revoked, the status is None"],
        ),
        (
            {"journal": without(Entry(LOSER, "revoked", "", "5"))},
            ["learner2: the journal ends with awarded, the status is revoked"],
        ),
        ({"announced": ANNOUNCED[1:]}, ["learner1: awarded was not announced"]),
        ({"announced": [ANNOUNCED[0], ANNOUNCED[2]]}, ["learner2: awarded was not announced"]),
        (
            {"announced": ANNOUNCED[:2]},
            [
                "learner2: revoked was not announced",
                "learner2: the last announcement is awarded, the status is revoked",
            ],
        ),
        (
            {"announced": [*ANNOUNCED[:2], Announcement("revoked", "two", "10:00")]},
            [
                "learner2: announced revoked awarded, decided awarded revoked",
                "learner2: the last announcement is awarded, the status is revoked",
            ],
        ),
        ({"external": {LOSER: EXTERNAL[LOSER]}}, ["learner1: awarded, but no badge is live at the provider"]),
        (
            {"external": {**EXTERNAL, HOLDER: External(created=1, live=0)}},
            ["learner1: awarded, but no badge is live at the provider"],
        ),
        (
            {"external": {**EXTERNAL, LOSER: External(created=1, live=1)}},
            ["learner2: revoked, but a badge is live at the provider"],
        ),
    ],
)
def test_what_is_missing_is_lost(changes: dict[str, Any], told: list[str]) -> None:
    assert compare(**changes).lost == told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"journal": [*JOURNAL, Entry(BEGINNER, "fulfilled", "pass-a", "6")]},
            "learner3: pass-a fulfilled 2 times by event 6",
        ),
        ({"journal": [*JOURNAL, Entry(HOLDER, "awarded", "", "2")]}, "learner1: decided awarded awarded"),
        (
            {"announced": [*ANNOUNCED, Announcement("awarded", "one", "10:03")]},
            "learner1: awarded was announced under another identity",
        ),
        (
            {"announced": [*ANNOUNCED, Announcement("awarded", "three", "10:03")]},
            "credential three was announced and does not exist",
        ),
        (
            {"external": {**EXTERNAL, HOLDER: External(created=1, live=2)}},
            "learner1: 2 badges are live at the provider",
        ),
        (
            {"external": {**EXTERNAL, LOSER: External(created=2, live=0)}},
            "learner2: 2 badges were made at the provider for 1 awards",
        ),
        (
            {"fulfilled": {**OURS.fulfilled, "learner4": ["pass-a"]}},
            "learner4: nobody sent an event about this learner",
        ),
    ],
)
def test_what_happened_once_too_often_is_a_duplicate(changes: dict[str, Any], told: str) -> None:
    found = compare(**changes)
    assert found.duplicated == [told]


def test_a_badge_that_the_events_do_not_lead_to_is_told() -> None:
    published = {**PUBLISHED, HOLDER: PUBLISHED[HOLDER][:1]}
    assert compare(published=published).lost == [
        "learner1: fulfilled is ['pass-a', 'pass-b'], the events lead to ['pass-a']",
        "learner1: holds the badge, against the events",
    ]


def test_a_badge_at_the_provider_of_somebody_without_one_here_is_told() -> None:
    found = compare(external={**EXTERNAL, BEGINNER: External(created=1, live=1)})
    assert found.lost == ["learner3: never awarded, but a badge is live at the provider"]
    assert found.duplicated == ["learner3: 1 badges were made at the provider for 0 awards"]
