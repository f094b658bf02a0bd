"""Badges that learners hold, and what a person may decide about one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.db.models import Q
from django.db.models.lookups import Exact
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy as _

from badges import api
from badges.admin.base import SystemOwned
from badges.admin.columns import held, linked, moment, rows_of, templates_named
from badges.admin.large import LargeTable, row_by_row
from badges.admin.searching import among_templates, as_uuid, chosen_template
from badges.exceptions import BadgesError
from badges.host import UserCredential
from badges.models import BadgeProgress, CredlyBadge, Delivery, JournalEntry


class Status(admin.SimpleListFilter):
    """What we decided, which stands in the service's table."""

    title = _("status")
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return list(UserCredential._meta.get_field("status").choices)

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(Exact(row_by_row(CredlyBadge, "usercredential_ptr__status"), self.value()))


@admin.register(CredlyBadge)
class CredlyBadgeAdmin(LargeTable, SystemOwned):
    """The service's credential with what Credly knows of it."""

    list_display = ("username", "template_link", "status", "state", "awarded_at", "hold")
    list_filter = (Status, "state", chosen_template("badge_progress__template"))
    list_select_related = ("badge_progress__template",)
    search_help_text = _("A learner's exact username, the badge's id here or at Credly, or a part of a template's name")
    fields = (
        "uuid",
        "username",
        "template_link",
        "status",
        "state",
        "external_uuid",
        "earner_id",
        "awarded_at",
        "hold",
        "created",
        "modified",
    )
    readonly_fields = ("uuid", "template_link", "awarded_at", "hold", "created", "modified")
    actions = ("revoke", "release")
    change_form_template = "admin/badges/badge_change_form.html"

    def exactly(self, term: str) -> Iterator[Q]:
        yield Q(username=term)
        if identity := as_uuid(term):
            yield Q(uuid=identity)
            yield Q(external_uuid=identity)

    def roughly(self, term: str) -> Q | None:
        return among_templates(self.model, "badge_progress__template", templates_named(term))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        progress = progress_of(context["original"])
        if progress is not None:
            both = {"learner": progress.user_id, "template": progress.template_id}
            context["progress"] = linked(progress, gettext("Progress"))
            context["journal"] = rows_of(JournalEntry, **both)
            context["deliveries"] = rows_of(Delivery, **both)
        return super().render_change_form(request, context, *args, **kwargs)

    # --- columns ---

    @admin.display(description=_("template"))
    def template_link(self, badge: CredlyBadge) -> str:
        progress = progress_of(badge)
        return linked(progress.template if progress else None)

    @admin.display(description=_("hold"))
    def hold(self, badge: CredlyBadge) -> str:
        progress = progress_of(badge)
        return held(progress is not None and progress.held_back)

    @admin.display(description=_("awarded at"))
    def awarded_at(self, badge: CredlyBadge) -> str:
        progress = progress_of(badge)
        return moment(progress.awarded_at if progress else None)

    # --- actions ---

    @admin.action(description=_("Revoke by hand"), permissions=["operate"])
    def revoke(self, request: HttpRequest, queryset: models.QuerySet[CredlyBadge]) -> HttpResponse | None:
        question = gettext(
            "These badges will be revoked here and at Credly, and everybody who listens is told. They stay revoked, "
            "whatever the learners do, until somebody lifts the hold."
        )
        title = gettext("Revoke by hand")
        return self._decide(
            request, queryset, api.revoke_badge, "revoke", title, question, gettext("Badge %(badge)s was revoked.")
        )

    @admin.action(description=_("Lift the hold"), permissions=["operate"])
    def release(self, request: HttpRequest, queryset: models.QuerySet[CredlyBadge]) -> HttpResponse | None:
        question = gettext(
            "These badges were revoked by hand. Once the hold is lifted, the learner's next event that completes the "
            "template awards the badge again; nothing happens before that."
        )
        done = gettext("Badge %(badge)s is no longer held back.")
        return self._decide(request, queryset, api.release_badge, "release", gettext("Lift the hold"), question, done)

    def _decide(
        self,
        request: HttpRequest,
        queryset: models.QuerySet[CredlyBadge],
        decide: Callable[..., None],
        action: str,
        title: str,
        question: str,
        done: str,
    ) -> HttpResponse | None:
        badges = self.picked(request, queryset)
        if not badges:
            return None
        asking = self.confirmation(request, badges, action=action, title=title, question=question)
        if asking is not None:
            return asking
        for badge in badges:
            try:
                decide(credential_uuid=badge.uuid)
            except BadgesError as error:
                self.message_user(
                    request,
                    gettext("Badge %(badge)s: %(error)s") % {"badge": badge.uuid, "error": error},
                    messages.ERROR,
                )
            else:
                self.message_user(request, done % {"badge": badge.uuid}, messages.SUCCESS)
        return None


def progress_of(badge: CredlyBadge) -> BadgeProgress | None:
    """The record that the badge was awarded with, None for a badge that came here by another way."""
    progress: BadgeProgress | None = getattr(badge, "badge_progress", None)
    return progress
