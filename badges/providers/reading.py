"""Reading the parts of a provider's answer. Errors name the place, never the content (S36)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Unreadable(ValueError):
    """An answer does not have the form that the provider documents."""


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """``value`` as a JSON object."""
    if not isinstance(value, dict):
        raise Unreadable(f"{where} is not an object")
    return value


def objects(value: Any, where: str) -> list[Mapping[str, Any]]:
    """``value`` as a list of JSON objects."""
    if not isinstance(value, list):
        raise Unreadable(f"{where} is not a list")
    return [mapping(item, f"an item of {where}") for item in value]


def text(source: Mapping[str, Any], key: str, where: str) -> str:
    """The non-empty text under ``key``."""
    value = source.get(key)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{where} has no {key}")
    return value


def optional_text(source: Mapping[str, Any], key: str) -> str:
    """The text under ``key``; empty when it is absent, null or no text."""
    value = source.get(key)
    return value if isinstance(value, str) else ""
