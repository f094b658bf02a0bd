"""What all pages share: records that nobody edits, and actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth import get_permission_codename
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext

ACTED_ON = 100
"""Rows that one action takes, because it works while the browser waits."""


class BadgesAdmin(admin.ModelAdmin):
    """
    The base of every page.

    Lists are served outside a transaction even where the service wraps requests in one (``ATOMIC_REQUESTS``), because
    their actions start transactions of their own and talk to providers (S27).
    """

    @transaction.non_atomic_requests
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, extra_context)

    def may(self, request: HttpRequest, what: str) -> bool:
        """Whether the user has the permission ``what`` (add, change, delete, view) on this model."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename(what, self.opts)}"))

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """For actions: the rows cannot be edited, but whoever may change them may have the system act on them."""
        return self.may(request, "change")

    def picked(self, request: HttpRequest, rows: models.QuerySet[Any], *, command: str = "") -> list[Any]:
        """
        The rows that an action works on; none, with a message, when there are too many for one request.

        ``command`` is the management command that does the same for any number.
        """
        found = list(rows[: ACTED_ON + 1])
        if len(found) <= ACTED_ON:
            return found
        text = gettext("Nothing was done: select at most %(most)d rows at once.") % {"most": ACTED_ON}
        if command:
            text += " " + gettext("For more, run: %(command)s") % {"command": command}
        self.message_user(request, text, messages.ERROR)
        return []

    def confirmation(
        self, request: HttpRequest, rows: Iterable[Any], *, action: str, title: str, question: str
    ) -> TemplateResponse | None:
        """The page that asks before ``action`` is done to ``rows``; None when the user has said yes on it."""
        if request.POST.get("confirmed"):
            return None
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "question": question,
            "rows": rows,
            "action": action,
            "checkbox": ACTION_CHECKBOX_NAME,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/badges/confirm_action.html", context)


class SystemOwned(BadgesAdmin):
    """
    Records that the system keeps: they are read here, and nobody adds, edits or deletes one.

    Deleting something else that takes them along (a learner, in the service's own pages) stays possible.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        match = request.resolver_match
        own_pages = f"{self.opts.app_label}_{self.opts.model_name}_"
        if match is None or (match.url_name or "").startswith(own_pages):
            return False
        return super().has_delete_permission(request, obj)


class Unlisted(SystemOwned):
    """Bookkeeping: it can be looked at by its address and does not clutter the index."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False
