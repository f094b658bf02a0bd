"""
What Credly checks before it issues a badge (``POST /organizations/{id}/badges``).

Required and optional fields, moments and locales: https://www.credly.com/docs/issued_badges. Of the texts only the
template's and the duplicate's are known; the others have the same shape.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from credentials_settings.sandbox.credly.records import ApiError, timestamp

REQUIRED = ("recipient_email", "issued_to_first_name", "issued_to_last_name", "badge_template_id", "issued_at")
OPTIONAL_TEXTS = ("issued_to_middle_name", "issuer_earner_id", "country_name", "state_or_province")
LOCALES = ("en", "fr", "de", "ko", "ja", "zh-CN", "pt", "es-ES", "es-US", "fr-CA", "pt-BR")
EVIDENCE_KEYS = {"UrlEvidence": ("name", "value"), "IdEvidence": ("title", "id")}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def read_issue(body: object) -> dict[str, Any]:
    """The fields of a new ``Badge`` from the body of a request. Raises ApiError 422. Unknown keys are ignored."""
    if not isinstance(body, dict):
        raise ApiError(422, "The request body must be a JSON object")
    fields: dict[str, Any] = {}
    for name in REQUIRED:
        value = body.get(name)
        if not isinstance(value, str) or not value.strip():
            raise ApiError(422, _missing(name, value))
        fields[name] = value
    for name in OPTIONAL_TEXTS:
        fields[name] = _text(name, body.get(name))
    if not EMAIL.fullmatch(fields["recipient_email"]):
        raise ApiError(422, "Recipient email is invalid")
    fields["issued_at"] = _moment("issued_at", fields["issued_at"])
    # False means "never expires", null "as the template says"; the templates here never expire.
    expires_at = body.get("expires_at")
    fields["expires_at"] = _moment("expires_at", expires_at) if expires_at else None
    fields["locale"] = body.get("locale") or "en"
    if fields["locale"] not in LOCALES:
        raise ApiError(422, "Locale is not included in the list")
    suppress = body.get("suppress_badge_notification_email") or False
    if not isinstance(suppress, bool):
        raise ApiError(422, "Suppress badge notification email must be true or false")
    fields["suppress_badge_notification_email"] = suppress
    fields["evidence"] = _evidence(body.get("evidence") or [])
    return fields


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _missing(name: str, value: object) -> str:
    if name == "badge_template_id":
        return f"Invalid or missing Badge Template ID: {value or ''}"
    return f"{_label(name)} can't be blank"


def _text(name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ApiError(422, f"{_label(name)} is invalid")


def _moment(name: str, value: object) -> str:
    """``2014-04-01 09:41:00 -0500`` (Credly's own form) or ISO 8601, with an offset."""
    if isinstance(value, str):
        for parse in (_credly_moment, datetime.datetime.fromisoformat):
            try:
                moment = parse(value)
            except ValueError:
                continue
            if moment.tzinfo is not None:
                return timestamp(moment)
    raise ApiError(422, f"{_label(name)} is invalid")


def _credly_moment(value: str) -> datetime.datetime:
    return datetime.datetime.strptime(value, "%Y-%m-%d %H:%M:%S %z")


def _evidence(items: object) -> list[dict[str, Any]]:
    if not isinstance(items, list):
        raise ApiError(422, "Evidence is invalid")
    for item in items:
        keys = EVIDENCE_KEYS.get(item.get("type", "")) if isinstance(item, dict) else None
        if keys is None or not all(item.get(key) for key in keys):
            raise ApiError(422, "Evidence is invalid")
    return items
