"""Addresses of admin pages, and what they say."""

from __future__ import annotations

import html
import re
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags


def listing(model: str) -> str:
    return reverse(f"admin:badges_{model}_changelist")


def adding(model: str) -> str:
    return reverse(f"admin:badges_{model}_add")


def page(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def deleting(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_delete", args=[row.pk])


def text(response: Any) -> str:
    """What a reader sees of a page, in one line."""
    return re.sub(r"\s+", " ", html.unescape(strip_tags(response.content.decode())))


def messages(response: Any) -> list[str]:
    """The messages that the page, or the one it led to, shows."""
    return [str(message) for message in response.context["messages"]]


def act(client: Client, model: str, action: str, *rows: Any, **more: Any) -> Any:
    """Select rows of a list and choose an action."""
    data = {"action": action, ACTION_CHECKBOX_NAME: [row.pk for row in rows], **more}
    return client.post(listing(model), data, follow=True)


def rule_rows(*rules: tuple[str, str, str], stored: tuple[int, ...] = ()) -> dict[str, str]:
    """The form data of the rules below a requirement or penalty; the first ones are those with the ids ``stored``."""
    data = {"rules-TOTAL_FORMS": str(len(rules)), "rules-INITIAL_FORMS": str(len(stored))}
    for index, (path, operator, value) in enumerate(rules):
        data |= {f"rules-{index}-path": path, f"rules-{index}-operator": operator, f"rules-{index}-value": value}
        if index < len(stored):
            data[f"rules-{index}-id"] = str(stored[index])
    return data
