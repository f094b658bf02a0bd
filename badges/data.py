"""
Frozen value objects: what travels between the layers.

Nothing here knows Django, a database or a provider. Fields that hold personal data or keys are left out of ``repr``.
"""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Mapping
from typing import Any, Literal

Status = Literal["awarded", "revoked"]
"""The service's own word for what a learner's credential is."""

Decision = Literal["award", "revoke"]

# --- what comes in -------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """
    One public event.

    ``payload`` is the signal's data object as it came, nothing copied; ``time`` is aware and UTC; ``from_bus``
    tells an event that a consumer read from one that was sent in this process.
    """

    id: str
    type: str
    time: datetime.datetime
    payload: Any = dataclasses.field(repr=False)
    from_bus: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Learner:
    """The learner as an event tells it (S1, S2)."""

    lms_user_id: int | None
    username: str = dataclasses.field(repr=False)
    email: str = dataclasses.field(repr=False)
    full_name: str = dataclasses.field(repr=False)
    is_active: bool = True


# --- the configuration, as the engine takes it ---------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class RuleSpec:
    """One data rule as it was written: a dotted path, the name of an operator, a text (S12)."""

    path: str
    operator: str
    value: str


@dataclasses.dataclass(frozen=True, slots=True)
class RequirementSpec:
    """What must happen once. An empty ``group`` is a group of its own (S16)."""

    id: int
    key: str
    event_type: str
    group: str = ""
    rules: tuple[RuleSpec, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class PenaltySpec:
    """What resets the requirements with the ids ``requirement_ids`` (S23)."""

    id: int
    key: str
    event_type: str
    requirement_ids: tuple[int, ...]
    rules: tuple[RuleSpec, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class TemplateSpec:
    """An active badge template with all its requirements and penalties."""

    id: int
    uuid: uuid.UUID
    name: str
    allow_reaward: bool = True
    requirements: tuple[RequirementSpec, ...] = ()
    penalties: tuple[PenaltySpec, ...] = ()


# --- what is known about a learner, as the engine takes it ---------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class RequirementState:
    """``time`` is the time of the newest event that applied to the requirement for this learner (S8)."""

    time: datetime.datetime
    fulfilled: bool


@dataclasses.dataclass(frozen=True, slots=True)
class TemplateState:
    """
    What is recorded of one learner and one template.

    ``requirements`` holds the states by requirement id, absent where nothing was ever recorded. ``held_back`` is
    True for a badge that a person revoked by hand (S25).
    """

    requirements: Mapping[int, RequirementState] = dataclasses.field(default_factory=dict)
    status: Status | None = None
    held_back: bool = False


# --- what the engine decides ---------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class RequirementChange:
    """
    One requirement whose record has to be written: its remembered time moves to the event's.

    ``fulfilled`` is the state afterwards; ``flipped`` says whether that differs from before (only then it is
    journalled); ``penalty_id`` names the penalty that reset it, None for a fulfilment.
    """

    template_id: int
    requirement_id: int
    fulfilled: bool
    flipped: bool
    penalty_id: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class TemplateOutcome:
    """How one template stands after the event, in whole numbers (S17), and what follows from it (S19)."""

    template_id: int
    groups_done: int
    groups: int
    decision: Decision | None = None

    @property
    def complete(self) -> bool:
        return 0 < self.groups == self.groups_done


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that one event changes for one learner."""

    changes: tuple[RequirementChange, ...] = ()
    templates: tuple[TemplateOutcome, ...] = ()


# --- providers -----------------------------------------------------------------------------------------------

ProviderBadgeState = Literal["pending", "accepted", "rejected", "revoked"]


@dataclasses.dataclass(frozen=True, slots=True)
class AccountAccess:
    """How to reach one provider account. ``base_url`` ends in a slash."""

    provider: str
    external_id: str
    base_url: str
    api_key: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a badge is issued to; ``earner_id`` is the stable learner id of S22."""

    earner_id: str
    email: str = dataclasses.field(repr=False)
    first_name: str = dataclasses.field(repr=False)
    last_name: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class IssueRequest:
    """One badge to issue; ``issued_at`` is aware and UTC, the moment of the award (S22)."""

    template_external_id: str
    issued_at: datetime.datetime
    recipient: Recipient


@dataclasses.dataclass(frozen=True, slots=True)
class BadgeQuery:
    """Which badges to look up: of one template, of the stable learner id or else of the e-mail address (S31)."""

    template_external_id: str
    earner_id: str
    email: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class ProviderBadge:
    """One badge as the provider tells it."""

    external_id: str
    state: ProviderBadgeState

    @property
    def is_live(self) -> bool:
        """Neither revoked nor rejected (S31)."""
        return self.state not in {"revoked", "rejected"}


@dataclasses.dataclass(frozen=True, slots=True)
class ProviderAccountInfo:
    """The account as the provider tells it."""

    external_id: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class ProviderTemplate:
    """One badge template as the provider tells it."""

    external_id: str
    name: str
    description: str = ""
    image_url: str = ""
    state: Literal["draft", "active", "archived"] = "active"


@dataclasses.dataclass(frozen=True, slots=True)
class ProviderEvent:
    """
    Something that happened at the provider: the badge or template that it names is to be asked for.

    What it does not say is empty, or None; ``occurred_at`` is aware.
    """

    id: str
    type: str
    account_id: str = ""
    badge_id: str = ""
    template_id: str = ""
    occurred_at: datetime.datetime | None = None


# --- announcements -------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Announcement:
    """
    One BADGE_AWARDED or BADGE_REVOKED to send (S21).

    ``time`` is that of the decision, aware and UTC; (``decision``, ``credential_uuid``, ``time``) identifies it.
    """

    decision: Decision
    time: datetime.datetime
    credential_uuid: uuid.UUID
    learner: Learner
    template_uuid: uuid.UUID
    origin: str
    template_name: str
    template_description: str
    image_url: str
