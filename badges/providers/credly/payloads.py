"""
Credly's JSON and our value objects, both ways. Pure.

Unknown keys are ignored: Credly adds attributes without calling that a change. A key that is needed and missing
makes the answer :class:`Unreadable`. Sources: https://www.credly.com/docs/issued_badges, /badge_templates,
/organizations, /webhooks.
"""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Mapping
from typing import Any, Literal

from badges.data import (
    IssueRequest,
    ProviderAccountInfo,
    ProviderBadge,
    ProviderBadgeState,
    ProviderEvent,
    ProviderTemplate,
)
from badges.providers.reading import Unreadable, mapping, objects, optional_text, text

SEPARATORS = frozenset("|,:")
"""What has a meaning in a filter (``key::value|key::v1,v2``); Credly documents no way to escape it."""

_BADGE_STATES: Mapping[str, ProviderBadgeState] = {
    "pending": "pending",
    "accepted": "accepted",
    "rejected": "rejected",
    "revoked": "revoked",
}

_TEMPLATE_STATES: Mapping[str, Literal["draft", "active", "archived"]] = {
    "draft": "draft",
    "active": "active",
    "archived": "archived",
}


@dataclasses.dataclass(frozen=True, slots=True)
class BadgeRecord:
    """A badge with what tells whose it is. ``earner_id`` is empty for a badge that was issued without one."""

    badge: ProviderBadge
    template_id: str
    earner_id: str = dataclasses.field(repr=False)
    email: str = dataclasses.field(repr=False)
    created_at: datetime.datetime


# --- to Credly -----------------------------------------------------------------------------------------------


def issue_body(request: IssueRequest) -> dict[str, str]:
    """
    The body of a request to issue. Nothing is sent that would change Credly's own defaults (expiry, language,
    notification).
    """
    return {
        "badge_template_id": request.template_external_id,
        "recipient_email": request.recipient.email,
        "issued_to_first_name": request.recipient.first_name,
        "issued_to_last_name": request.recipient.last_name,
        "issuer_earner_id": request.recipient.earner_id,
        "issued_at": request.issued_at.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S %z"),
    }


def badge_filter(template_id: str, key: str, value: str) -> str:
    """
    A filter for the badges of a template whose ``key`` is ``value``.

    A value with a separator in it would be read as a condition of its own, so it is left out: the filter then lets
    through too much, never something else, and the answer has to be compared. Raises ValueError for such a template id.
    """
    if SEPARATORS & set(template_id):
        raise ValueError("the template id holds a separator of Credly's filters")
    of_template = f"badge_template_id::{template_id}"
    return of_template if SEPARATORS & set(value) else f"{key}::{value}|{of_template}"


# --- from Credly ---------------------------------------------------------------------------------------------


def data(body: Any) -> Mapping[str, Any]:
    """What is in the envelope of a single object."""
    return mapping(mapping(body, "the answer").get("data"), "data")


def page(body: Any, number: int) -> tuple[list[Mapping[str, Any]], bool]:
    """The objects of page ``number`` of a list, and whether it is the last one."""
    envelope = mapping(body, "the answer")
    found = objects(envelope.get("data"), "data")
    metadata = mapping(envelope.get("metadata"), "metadata")
    if metadata.get("current_page", number) != number:
        raise Unreadable(f"it is not page {number}")
    if "next_page_url" in metadata:
        return found, not (found and metadata["next_page_url"])
    total = metadata.get("total_pages")
    if not isinstance(total, int):
        raise Unreadable("metadata does not tell whether there are more pages")
    return found, not found or number >= total


def badge(source: Mapping[str, Any]) -> ProviderBadge:
    """
    A badge. A state that we don't know counts as ``pending``: the badge is there, so it is neither issued a second
    time nor taken for revoked.
    """
    told = text(source, "id", "the badge")
    try:
        external_id = str(uuid.UUID(told))
    except ValueError:
        raise Unreadable("the badge's id is not a UUID") from None
    return ProviderBadge(external_id, _BADGE_STATES.get(text(source, "state", "the badge").casefold(), "pending"))


def badge_record(source: Mapping[str, Any]) -> BadgeRecord:
    """A badge of a list."""
    return BadgeRecord(
        badge=badge(source),
        template_id=text(mapping(source.get("badge_template"), "the badge's template"), "id", "the badge's template"),
        earner_id=optional_text(source, "issuer_earner_id"),
        email=optional_text(source, "recipient_email"),
        created_at=_moment(source.get("created_at")),
    )


def template(source: Mapping[str, Any]) -> ProviderTemplate:
    """A badge template. A state that we don't know counts as ``archived``: nothing is awarded until it is known."""
    image = source.get("image")
    return ProviderTemplate(
        external_id=text(source, "id", "the badge template"),
        name=text(source, "name", "the badge template"),
        description=optional_text(source, "description"),
        image_url=optional_text(source, "image_url")
        or (optional_text(image, "url") if isinstance(image, dict) else ""),
        state=_TEMPLATE_STATES.get(text(source, "state", "the badge template").casefold(), "archived"),
    )


def account(source: Mapping[str, Any]) -> ProviderAccountInfo:
    """An organization."""
    return ProviderAccountInfo(text(source, "id", "the organization"), text(source, "name", "the organization"))


def event(source: Mapping[str, Any]) -> ProviderEvent:
    """An event, or the webhook that hints at it; ``organization_id`` is known to be absent at times."""
    occurred_at = _moment(source.get("occurred_at"))
    return ProviderEvent(
        id=text(source, "id", "the event"),
        type=text(source, "event_type", "the event"),
        account_id=optional_text(source, "organization_id"),
        badge_id=_id_of(source.get("badge")),
        template_id=_id_of(source.get("badge_template")),
        occurred_at=occurred_at if occurred_at.year > 1 else None,
    )


def message(body: Any) -> str:
    """
    What Credly says in a refusal: ``{"data": {"message": …}}`` as seen, or ``{"errors": [{"field", "message"}]}`` as
    some describe it; empty when it is neither.
    """
    envelope = body if isinstance(body, dict) else {}
    inner = envelope.get("data")
    said = [optional_text(inner, "message")] if isinstance(inner, dict) else []
    errors = envelope.get("errors")
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            said.append(" ".join(filter(None, (optional_text(error, "field"), optional_text(error, "message")))))
    return "; ".join(filter(None, said))


def _id_of(source: Any) -> str:
    return optional_text(source, "id") if isinstance(source, dict) else ""


def _moment(value: Any) -> datetime.datetime:
    """The moment, else the beginning of time: it only decides an order."""
    try:
        moment = datetime.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return datetime.datetime.min.replace(tzinfo=datetime.UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
