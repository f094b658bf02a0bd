"""What the server keeps: organizations, badge templates, badges, webhook events. Plain JSON values only."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

TEMPLATE_STATES = ("draft", "active", "archived")
BADGE_STATES = ("pending", "accepted", "rejected", "revoked")
LIVE_STATES = ("pending", "accepted")


class ApiError(Exception):
    """What the API answers instead: an HTTP status and the text of ``data.message``."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def timestamp(moment: datetime.datetime | None = None) -> str:
    """A moment (default: now) as Credly writes it, UTC: ``2014-04-01T14:41:00.000Z``. Such texts sort by time."""
    moment = moment or datetime.datetime.now(tz=datetime.UTC)
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def new_id() -> str:
    return str(uuid4())


@dataclass
class Organization:
    id: str
    key: str = field(repr=False)
    name: str


@dataclass
class Template:
    id: str
    organization_id: str
    name: str
    description: str = ""
    image_url: str = ""
    state: str = "active"
    allow_duplicate_badges: bool = False
    public: bool = True
    reporting_tags: list[str] = field(default_factory=list)
    skills: list[str] = field(default_factory=list)
    created_at: str = field(default_factory=timestamp)
    updated_at: str = field(default_factory=timestamp)


@dataclass
class Badge:
    organization_id: str
    badge_template_id: str
    recipient_email: str = field(repr=False)
    issued_to_first_name: str = field(repr=False)
    issued_to_last_name: str = field(repr=False)
    issued_at: str
    issued_to_middle_name: str | None = field(default=None, repr=False)
    issuer_earner_id: str | None = None
    locale: str = "en"
    expires_at: str | None = None
    suppress_badge_notification_email: bool = False
    country_name: str | None = None
    state_or_province: str | None = None
    evidence: list[dict[str, Any]] = field(default_factory=list, repr=False)
    id: str = field(default_factory=new_id)
    state: str = "pending"
    public: bool = False
    revocation_reason: str | None = None
    created_at: str = field(default_factory=timestamp)
    updated_at: str = field(default_factory=timestamp)
    state_updated_at: str = field(default_factory=timestamp)

    @property
    def live(self) -> bool:
        return self.state in LIVE_STATES

    def identities(self) -> list[tuple[str, str, str]]:
        """
        What makes another badge of the template a duplicate of this one.

        Credly also compares its own user; here an e-mail address stands for exactly one user.
        """
        found = [(self.badge_template_id, "email", self.recipient_email.casefold())]
        if self.issuer_earner_id:
            found.append((self.badge_template_id, "earner", self.issuer_earner_id))
        return found


@dataclass
class WebhookEvent:
    organization_id: str
    event_type: str
    subject_name: str
    subject: dict[str, Any] = field(repr=False)
    id: str = field(default_factory=new_id)
    occurred_at: str = field(default_factory=timestamp)


@dataclass
class PostCount:
    """How often one badge of one learner was asked for, answered or not."""

    badge_template_id: str
    issuer_earner_id: str | None
    recipient_email: str | None = field(repr=False)
    posts: int = 0
    created: int = 0
