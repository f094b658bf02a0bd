"""Links and cells that several lists show."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext

from badges.models import BadgeTemplate

NOTHING = "-"
"""In an empty cell, as Django shows it."""

SHORT = 60
"""Characters of a long text that a list shows."""

MOST_NAMED = 100
"""Badge templates that a search by a part of their name takes."""


def page(row: models.Model) -> str:
    """The address of a row's page; empty where the admin has none."""
    try:
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=(row.pk,))
    except NoReverseMatch:
        return ""


def rows_of(model: type[models.Model], **chosen: Any) -> str:
    """The address of a model's list, with only the rows that ``chosen`` names."""
    return f"{reverse(f'admin:{model._meta.app_label}_{model._meta.model_name}_changelist')}?{urlencode(chosen)}"


def linked(row: models.Model | None, text: str = "") -> str:
    """A row's name as a link to its page."""
    if row is None:
        return NOTHING
    address = page(row)
    return format_html('<a href="{}">{}</a>', address, text or row) if address else text or str(row)


def short(text: str) -> str:
    """The beginning of a long text."""
    return Truncator(text).chars(SHORT)


def lines(texts: list[str]) -> SafeString | str:
    """Texts below each other."""
    return format_html("<br>".join(["{}"] * len(texts)), *texts) if texts else ""


def held(held_back: bool) -> str:
    """Said where it is so; an icon would read as “fine” or “wrong”, and it is neither."""
    return gettext("held back by hand") if held_back else NOTHING


def moment(time: datetime.datetime | None) -> str:
    """A time as Django's own columns show it."""
    return NOTHING if time is None else date_format(localtime(time), "DATETIME_FORMAT")


def breakable(event_type: str) -> SafeString:
    """An event type that a narrow column may break after a dot."""
    return format_html_join(
        mark_safe(".<wbr>"),  # nosec B308  # a literal; what is joined is escaped
        "{}",
        ((part,) for part in event_type.split(".")),
    )


def learners_named(username: str) -> list[int]:
    """The ids of the user records with exactly that username; an index look-up."""
    return list(get_user_model()._default_manager.filter(username=username).values_list("pk", flat=True))


def templates_named(part: str) -> list[int]:
    """The ids of badge templates with ``part`` in the name; there are few templates, however many learners."""
    return list(BadgeTemplate.objects.filter(name__icontains=part).values_list("pk", flat=True)[:MOST_NAMED])
