"""
The JSON that Credly answers with: envelopes, pages, and how each record looks.

Shapes: https://www.credly.com/docs/organizations, /badge_templates, /issued_badges and /webhooks. Clients ignore what
they do not know, so attributes that nobody reads are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from credentials_settings.sandbox.credly.records import Badge, Organization, Template, WebhookEvent
from credentials_settings.sandbox.credly.store import Store

PER_PAGE = 50

Json = dict[str, Any]


def single(data: Json) -> Json:
    return {"data": data, "metadata": {}}


def failure(message: str) -> Json:
    return {"data": {"message": message}, "metadata": None}


def page(rows: Sequence[Json], number: str, list_url: str) -> Json:
    """
    Page ``number`` of ``rows``; a page past the end is empty, what is no number above 0 is the first page.

    As at Credly, the URLs of the neighbours carry neither filter nor sort.
    """
    current = int(number) if number.isdecimal() and int(number) > 0 else 1
    pages = math.ceil(len(rows) / PER_PAGE)
    chosen = rows[(current - 1) * PER_PAGE : current * PER_PAGE]
    return {
        "data": list(chosen),
        "metadata": {
            "count": len(chosen),
            "current_page": current,
            "total_count": len(rows),
            "total_pages": pages,
            "per": PER_PAGE,
            "previous_page_url": f"{list_url}?page={current - 1}" if current > 1 else None,
            "next_page_url": f"{list_url}?page={current + 1}" if current < pages else None,
        },
    }


class Renderer:
    """Records as JSON; ``origin`` (``http://host:port``) is where images and accept links point to."""

    def __init__(self, store: Store, origin: str) -> None:
        self._store = store
        self._origin = origin

    def organization(self, organization: Organization) -> Json:
        slug = organization.name.lower().replace(" ", "-")
        return {
            "id": organization.id,
            "name": organization.name,
            "verified": True,
            "vanity_slug": slug,
            "vanity_url": f"{self._origin}/organizations/{slug}",
            "website_url": None,
            "webhook_url": None,
            "contact_email": None,
            "allowed_webhooks": ["badge.created", "badge.deleted", "badge_template.created", "badge_template.changed"],
        }

    def template(self, template: Template) -> Json:
        owner = self._store.organizations[template.organization_id]
        image_url = template.image_url or f"{self._origin}/_sandbox/images/{template.id}.svg"
        return {
            "id": template.id,
            "name": template.name,
            "description": template.description,
            "state": template.state,
            "public": template.public,
            "allow_duplicate_badges": template.allow_duplicate_badges,
            "badges_count": self._store.badges_count[template.id],
            "skills": [{"name": skill} for skill in template.skills],
            "reporting_tags": template.reporting_tags,
            "alignments": [],
            "badge_template_activities": [],
            "image": {"id": template.id, "url": image_url},
            "image_url": image_url,
            "url": f"{self._origin}/badge_templates/{template.id}",
            "owner": {"id": owner.id, "name": owner.name},
            "created_at": template.created_at,
            "updated_at": template.updated_at,
        }

    def badge(self, badge: Badge) -> Json:
        template = self.template(self._store.templates[badge.badge_template_id])
        issuer = self._store.organizations[badge.organization_id]
        names = (badge.issued_to_first_name, badge.issued_to_middle_name, badge.issued_to_last_name)
        rendered = {
            "id": badge.id,
            "state": badge.state,
            "user": self._user(badge),
            "issuer": {"summary": f"issued by {issuer.name}", "entities": [{"id": issuer.id, "name": issuer.name}]},
            "badge_template": template,
            "image": template["image"],
            "image_url": template["image_url"],
            "issued_to": " ".join(name for name in names if name),
            "issued_to_first_name": badge.issued_to_first_name,
            "issued_to_middle_name": badge.issued_to_middle_name,
            "issued_to_last_name": badge.issued_to_last_name,
            "issuer_earner_id": badge.issuer_earner_id,
            "recipient_email": badge.recipient_email,
            "locale": badge.locale,
            "public": badge.public,
            "replacement_badge_id": None,
            "replaces_badge_id": None,
            "revocation_reason": badge.revocation_reason,
            "suppress_badge_notification_email": badge.suppress_badge_notification_email,
            "country": badge.country_name,
            "state_or_province": badge.state_or_province,
            "alignments": [],
            "evidence": badge.evidence,
            "issued_at": badge.issued_at,
            "issued_at_date": badge.issued_at[:10],
            "expires_at": badge.expires_at,
            "expires_at_date": badge.expires_at and badge.expires_at[:10],
            "created_at": badge.created_at,
            "updated_at": badge.updated_at,
            "state_updated_at": badge.state_updated_at,
        }
        if badge.state == "pending":
            rendered["accept_badge_url"] = f"{self._origin}/badges/{badge.id}/accept"
        if badge.state == "accepted":
            rendered["badge_url"] = f"{self._origin}/badges/{badge.id}"
        return rendered

    def event(self, event: WebhookEvent) -> Json:
        return {
            "id": event.id,
            "organization_id": event.organization_id,
            "event_type": event.event_type,
            "occurred_at": event.occurred_at,
            event.subject_name: event.subject,
        }

    @staticmethod
    def _user(badge: Badge) -> Json:
        """Empty as long as Credly has no user for the address; accepting a badge makes one."""
        if badge.state != "accepted":
            return {}
        return {
            "id": f"user-of-{badge.id}",
            "email": badge.recipient_email,
            "first_name": badge.issued_to_first_name,
            "last_name": badge.issued_to_last_name,
        }
