"""
Four ledgers that have to agree: events published, our journal, what another app was told, badges at the provider.

A pure function over plain data. ``lost`` is what should have happened and did not, or did not last; ``duplicated`` what
happened once more than there is a reason for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

HELD = "awarded"
DECISIONS = ("awarded", "revoked")


class Model(Protocol):
    """What events have to lead to, see ``tests.integration.courses.Badge``."""

    def fulfilled(self, lines: Sequence[Mapping[str, Any]], /) -> list[str]: ...

    def is_complete(self, fulfilled: Sequence[str], /) -> bool: ...


@dataclass(frozen=True)
class Entry:
    """One line of the journal; ``kind``: fulfilled, reset, awarded or revoked, ``subject``: the requirement."""

    username: str
    kind: str
    subject: str
    event_id: str


@dataclass(frozen=True)
class Credential:
    uuid: str
    status: str


@dataclass(frozen=True)
class Ours:
    """What we keep of one badge: the journal in its order; what is fulfilled and the credentials, by username."""

    journal: Sequence[Entry]
    fulfilled: Mapping[str, Sequence[str]]
    credentials: Mapping[str, Credential]


@dataclass(frozen=True)
class Announcement:
    """As another app received it; the three together are its identity (S21). ``kind``: awarded or revoked."""

    kind: str
    credential: str
    time: str


@dataclass(frozen=True)
class External:
    """Of one learner's badges at the provider: how many were made in all, how many are neither revoked nor rejected."""

    created: int
    live: int


@dataclass
class Findings:
    """``repeats`` are announcements that came again, which is allowed: they can be recognised."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    repeats: int = 0


def reconcile(
    model: Model,
    published: Mapping[str, Sequence[Mapping[str, Any]]],
    ours: Ours,
    announced: Sequence[Announcement],
    external: Mapping[str, External],
) -> Findings:
    """
    Compare the ledgers of one badge.

    ``published`` are the different events by username; ``announced`` what was received, repeats included.
    """
    findings = Findings(repeats=len(announced) - len(set(announced)))
    decisions = _decisions(ours.journal)
    _events(model, published, ours, findings)
    _journal(ours, decisions, findings)
    _announcements(ours, decisions, announced, findings)
    _badges(ours, decisions, external, findings)
    return findings


def _decisions(journal: Sequence[Entry]) -> Mapping[str, list[str]]:
    """Awarded, revoked, … by username."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for entry in journal:
        if entry.kind in DECISIONS:
            found[entry.username].append(entry.kind)
    return found


def _events(model: Model, published: Mapping[str, Sequence[Mapping[str, Any]]], ours: Ours, findings: Findings) -> None:
    """What is fulfilled, and who holds the badge, is what the events lead to, each handled once in time order."""
    for name, history in published.items():
        expected, found = sorted(model.fulfilled(history)), sorted(ours.fulfilled.get(name, ()))
        if found != expected:
            findings.lost.append(f"{name}: fulfilled is {found}, the events lead to {expected}")
        holds = _status(ours, name) == HELD
        if holds != model.is_complete(expected):
            findings.lost.append(f"{name}: {'holds' if holds else 'does not hold'} the badge, against the events")
    for name in (ours.fulfilled.keys() | ours.credentials.keys()) - published.keys():
        findings.duplicated.append(f"{name}: nobody sent an event about this learner")


def _journal(ours: Ours, decisions: Mapping[str, Sequence[str]], findings: Findings) -> None:
    """Each event had an effect once, and awards and revocations take turns and end in the status."""
    steps = Counter(entry for entry in ours.journal if entry.kind not in DECISIONS)
    for entry, times in steps.items():
        if times > 1:
            what = f"{entry.subject} {entry.kind} {times} times by event {entry.event_id}"
            findings.duplicated.append(f"{entry.username}: {what}")
    for name, taken in decisions.items():
        if taken != [DECISIONS[number % 2] for number in range(len(taken))]:
            findings.duplicated.append(f"{name}: decided {' '.join(taken)}")
    for name in ours.credentials.keys() | decisions.keys():
        last = decisions[name][-1] if name in decisions else None
        if last != _status(ours, name):
            findings.lost.append(f"{name}: the journal ends with {last}, the status is {_status(ours, name)}")


def _announcements(
    ours: Ours, decisions: Mapping[str, Sequence[str]], announced: Sequence[Announcement], findings: Findings
) -> None:
    """Each decision was announced under one identity, and the last by time is the status."""
    told: defaultdict[str, list[Announcement]] = defaultdict(list)
    for announcement in set(announced):
        told[announcement.credential].append(announcement)
    for name, credential in ours.credentials.items():
        heard = [one.kind for one in sorted(told.pop(credential.uuid, []), key=lambda one: one.time)]
        decided = list(decisions.get(name, ()))
        missing, surplus = Counter(decided) - Counter(heard), Counter(heard) - Counter(decided)
        findings.lost += [f"{name}: {kind} was not announced" for kind in missing.elements()]
        findings.duplicated += [f"{name}: {kind} was announced under another identity" for kind in surplus.elements()]
        if heard and not missing and not surplus and heard != decided:
            findings.lost.append(f"{name}: announced {' '.join(heard)}, decided {' '.join(decided)}")
        if heard and heard[-1] != credential.status:
            findings.lost.append(f"{name}: the last announcement is {heard[-1]}, the status is {credential.status}")
    findings.duplicated += [f"credential {uuid} was announced and does not exist" for uuid in told]


def _badges(
    ours: Ours, decisions: Mapping[str, Sequence[str]], external: Mapping[str, External], findings: Findings
) -> None:
    """At the provider a learner has one live badge, or none, as our status says; each was made for an award."""
    for name in ours.credentials.keys() | external.keys():
        badge = external.get(name, External(0, 0))
        status = _status(ours, name)
        findings.duplicated += _surplus(name, badge, awards=list(decisions.get(name, ())).count(HELD))
        if badge.live == 0 and status == HELD:
            findings.lost.append(f"{name}: awarded, but no badge is live at the provider")
        elif badge.live and status != HELD:
            findings.lost.append(f"{name}: {status or 'never awarded'}, but a badge is live at the provider")


def _surplus(name: str, badge: External, awards: int) -> Iterator[str]:
    if badge.live > 1:
        yield f"{name}: {badge.live} badges are live at the provider"
    if badge.created > awards:
        yield f"{name}: {badge.created} badges were made at the provider for {awards} awards"


def _status(ours: Ours, name: str) -> str | None:
    return ours.credentials[name].status if name in ours.credentials else None
