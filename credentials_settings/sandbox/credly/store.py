"""
Credly's state and its rules: who holds a key, which badge may be issued, revoked, changed.

Not thread-safe by itself; the server's event loop is its only user, and no method waits, so each is atomic.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

from credentials_settings.sandbox.credly.journal import Journal, Record
from credentials_settings.sandbox.credly.records import (
    ApiError,
    Badge,
    Organization,
    PostCount,
    Template,
    WebhookEvent,
    timestamp,
)


class Store:
    """All records, by id, in the order in which they came."""

    def __init__(self, organizations: list[Organization], templates: list[Template], journal: Journal) -> None:
        self._seeds: list[Record] = [*organizations, *templates]
        self._journal = journal
        self._forget()
        for record, deleted in journal.read():
            if deleted:
                self._forget_badge(record)
            else:
                self._remember(record)

    def _forget(self) -> None:
        self.organizations: dict[str, Organization] = {}
        self.templates: dict[str, Template] = {}
        self.badges: dict[str, Badge] = {}
        self.events: dict[str, WebhookEvent] = {}
        self.posts: dict[tuple[str, str], PostCount] = {}
        self.badges_count: Counter[str] = Counter()
        self._holdings: defaultdict[tuple[str, str, str], dict[str, Badge]] = defaultdict(dict)
        for record in self._seeds:
            self._remember(replace(record))

    def _remember(self, record: Record) -> None:
        match record:
            case Organization():
                self.organizations[record.id] = record
            case Template():
                self.templates[record.id] = record
            case WebhookEvent():
                self.events[record.id] = record
            case PostCount():
                self.posts[_post_key(record)] = record
            case Badge():
                self.badges_count[record.badge_template_id] += record.id not in self.badges
                self.badges[record.id] = record
                for identity in record.identities():
                    self._holdings[identity][record.id] = record

    def _forget_badge(self, record: Record) -> None:
        assert isinstance(record, Badge)
        self.badges_count[record.badge_template_id] -= record.id in self.badges
        self.badges.pop(record.id, None)
        for identity in record.identities():
            self._holdings[identity].pop(record.id, None)

    def _save(self, record: Record) -> None:
        self._remember(record)
        self._journal.write(record)

    def reset(self) -> None:
        """Back to what the server was started with; the state file is emptied."""
        self._journal.clear()
        self._forget()

    # --- organizations and templates ---

    def organization_of(self, key: str) -> Organization | None:
        return next((owner for owner in self.organizations.values() if owner.key == key), None)

    def set_key(self, organization_id: str, key: str) -> None:
        """The old key is refused from now on, as after Credly's rotation. Raises ApiError 404."""
        organization = self.organizations.get(organization_id)
        if organization is None:
            raise ApiError(404, f"Organization {organization_id} is unknown")
        organization.key = key
        self._save(organization)

    def put_template(self, template: Template) -> None:
        """Add a template, or replace the one with this id."""
        known = self.templates.get(template.id)
        self._save(replace(template, created_at=known.created_at) if known else template)

    def template(self, organization_id: str, template_id: str) -> Template:
        """Raises ApiError 404."""
        template = self.templates.get(template_id)
        if template is None or template.organization_id != organization_id:
            raise ApiError(404, "Badge template not found")
        return template

    # --- badges ---

    def count_post(self, body: object) -> None:
        """Count a request to issue, whatever becomes of it."""
        if isinstance(body, dict):
            self._count(body, posts=1)

    def _count(self, body: dict[str, Any], *, posts: int = 0, created: int = 0) -> None:
        fresh = PostCount(
            badge_template_id=str(body.get("badge_template_id")),
            issuer_earner_id=_text_or_none(body.get("issuer_earner_id")),
            recipient_email=_text_or_none(body.get("recipient_email")),
        )
        count = self.posts.get(_post_key(fresh), fresh)
        count.posts += posts
        count.created += created
        self._save(count)

    def issue(self, organization_id: str, fields: dict[str, Any]) -> Badge:
        """Issue a badge from ``issuing.read_issue``'s fields. Raises ApiError 422."""
        template = self.templates.get(fields["badge_template_id"])
        if template is None or template.organization_id != organization_id:
            raise ApiError(422, f"Invalid or missing Badge Template ID: {fields['badge_template_id']}")
        # Credly says so of archived templates; that a draft can't be issued either is taken from its user interface.
        if template.state != "active":
            raise ApiError(422, f"Badge template is {template.state} and cannot be issued")
        badge = Badge(organization_id=organization_id, **fields)
        if not template.allow_duplicate_badges and self._held(badge):
            raise ApiError(422, "User already has this badge")
        self._save(badge)
        self._count(fields, created=1)
        return badge

    def _held(self, badge: Badge) -> bool:
        # Whether Credly counts revoked and rejected badges as duplicates is not public; here they are none.
        return any(other.live for identity in badge.identities() for other in self._holdings.get(identity, {}).values())

    def badge(self, organization_id: str, badge_id: str) -> Badge:
        """Raises ApiError 404."""
        badge = self.badges.get(badge_id)
        if badge is None or badge.organization_id != organization_id:
            raise ApiError(404, "Badge not found")
        return badge

    def revoke(self, badge: Badge, reason: object) -> None:
        """Raises ApiError 422: no reason given, or revoked before (what Credly answers then is not public)."""
        if not isinstance(reason, str) or not reason.strip():
            raise ApiError(422, "Reason can't be blank")
        if badge.state == "revoked":
            raise ApiError(422, "Badge has already been revoked")
        self.set_state(badge, "revoked", reason=reason)

    def set_state(self, badge: Badge, state: str, *, reason: str | None = None) -> None:
        badge.state = state
        badge.revocation_reason = reason
        badge.public = state == "accepted"
        badge.updated_at = badge.state_updated_at = timestamp()
        self._save(badge)

    def delete(self, badge: Badge) -> None:
        self._forget_badge(badge)
        self._journal.write(badge, deleted=True)

    # --- webhooks ---

    def add_event(self, event: WebhookEvent) -> None:
        self._save(event)

    def event(self, organization_id: str, event_id: str) -> WebhookEvent:
        """Raises ApiError 404."""
        event = self.events.get(event_id)
        if event is None or event.organization_id != organization_id:
            raise ApiError(404, "Event not found")
        return event


def _text_or_none(value: object) -> str | None:
    return str(value) if value else None


def _post_key(count: PostCount) -> tuple[str, str]:
    return count.badge_template_id, count.issuer_earner_id or count.recipient_email or ""
