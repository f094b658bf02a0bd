"""How far learners are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db import models
from django.db.models.lookups import Exact
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy as _

from badges.admin.base import SystemOwned
from badges.admin.columns import NOTHING, held, linked, rows_of
from badges.admin.large import NewestList, row_by_row
from badges.admin.searching import LearnerSearch, chosen_learner, chosen_template
from badges.data import RequirementSpec
from badges.engine.progress import count_groups
from badges.host import UserCredential
from badges.models import BadgeProgress, BadgeRequirement, Delivery, Fulfillment, JournalEntry


def standings(rows: Iterable[BadgeProgress]) -> dict[int, tuple[int, int]]:
    """Groups done and groups in all, by the id of the progress record; two queries for any number of records (S17)."""
    rows = list(rows)
    requirements: dict[int, list[RequirementSpec]] = defaultdict(list)
    stored = BadgeRequirement.objects.filter(template__in={row.template_id for row in rows})
    for one in stored:
        requirements[one.template_id].append(RequirementSpec(one.pk, one.key, one.event_type, one.group))
    fulfilled: dict[int, set[int]] = defaultdict(set)
    done = Fulfillment.objects.filter(
        user__in={row.user_id for row in rows},
        requirement__in=[spec.id for specs in requirements.values() for spec in specs],
        fulfilled=True,
    )
    for user_id, requirement_id in done.values_list("user_id", "requirement_id"):
        fulfilled[user_id].add(requirement_id)
    return {row.pk: count_groups(requirements[row.template_id], fulfilled[row.user_id]) for row in rows}


def in_words(standing: tuple[int, int]) -> str:
    """For example “1 of 2 groups”."""
    done, groups = standing
    return gettext("%(done)d of %(groups)d groups") % {"done": done, "groups": groups}


class ProgressList(NewestList):
    """Looks up how far the learners of one page are, all at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        found = standings(rows)
        for row in rows:
            row.standing = in_words(found[row.pk])  # type: ignore[attr-defined]
        self.result_list = rows  # type: ignore[assignment]


class BadgeStatus(admin.SimpleListFilter):
    """What became of the learner's badge."""

    title = _("badge")
    parameter_name = "badge"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("none", _("not awarded yet")), *UserCredential._meta.get_field("status").choices]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        if self.value() == "none":
            return queryset.filter(credential__isnull=True)
        if not self.value():
            return queryset
        return queryset.filter(Exact(row_by_row(queryset.model, "credential__status"), self.value()))


@admin.register(BadgeProgress)
class BadgeProgressAdmin(LearnerSearch, SystemOwned):
    """One learner's way to one badge; the page shows each requirement."""

    list_display = ("identity", "learner_link", "template_link", "standing", "badge", "awarded_at", "hold")
    keys = {"learner": "user", "template": "template", "held_back__exact": "held_back"}
    list_filter = (BadgeStatus, "held_back", chosen_learner(), chosen_template())
    list_select_related = ("user", "template", "credential")
    change_form_template = "admin/badges/progress_change_form.html"
    fields = ("learner_link", "template_link", "standing", "badge", "awarded_at", "decided_at", "hold", "created")
    readonly_fields = ("learner_link", "template_link", "standing", "badge", "hold", "created")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ProgressList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> BadgeProgress | None:
        row: BadgeProgress | None = super().get_object(request, object_id, from_field)
        if row is not None:
            row.standing = in_words(standings([row])[row.pk])  # type: ignore[attr-defined]
        return row

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context["original"]
        context["subtitle"] = f"{row.user}, {row.template}"
        records = Fulfillment.objects.filter(user=row.user_id, requirement__template=row.template_id)
        known = {record.requirement_id: record for record in records}
        context["requirements"] = [(one, known.get(one.pk)) for one in row.template.requirements.all()]
        both = {"learner": row.user_id, "template": row.template_id}
        context["journal"] = rows_of(JournalEntry, **both)
        context["deliveries"] = rows_of(Delivery, **both)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("id"))
    def identity(self, row: BadgeProgress) -> int:
        return row.pk

    @admin.display(description=_("learner"))
    def learner_link(self, row: BadgeProgress) -> str:
        return linked(row.user)

    @admin.display(description=_("template"))
    def template_link(self, row: BadgeProgress) -> str:
        return linked(row.template)

    @admin.display(description=_("progress"))
    def standing(self, row: Any) -> str:
        return str(row.standing)

    @admin.display(description=_("badge"))
    def badge(self, row: BadgeProgress) -> str:
        return NOTHING if row.credential is None else str(row.credential.get_status_display())

    @admin.display(description=_("hold"))
    def hold(self, row: BadgeProgress) -> str:
        return held(row.held_back)


@admin.register(Fulfillment)
class FulfillmentAdmin(LearnerSearch, SystemOwned):
    """What is remembered of one learner and one requirement."""

    template = "requirement__template"
    list_display = ("identity", "learner_link", "requirement_link", "template_link", "fulfilled", "time", "event_id")
    keys = {"learner": "user"}
    list_filter = ("fulfilled", chosen_learner(), chosen_template("requirement__template"))
    list_select_related = ("user", "requirement__template")
    readonly_fields = ("learner_link", "requirement_link", "template_link")

    def get_fields(self, request: HttpRequest, obj: Fulfillment | None = None) -> tuple[str, ...]:
        """The e-mail address and the name only for those who may do more than look."""
        personal = ("email", "full_name") if self.may(request, "change") else ()
        return ("learner_link", "requirement_link", "template_link", "fulfilled", "time", "event_id", *personal)

    @admin.display(description=_("id"))
    def identity(self, row: Fulfillment) -> int:
        return row.pk

    @admin.display(description=_("learner"))
    def learner_link(self, row: Fulfillment) -> str:
        return linked(row.user)

    @admin.display(description=_("requirement"))
    def requirement_link(self, row: Fulfillment) -> str:
        return linked(row.requirement)

    @admin.display(description=_("template"))
    def template_link(self, row: Fulfillment) -> str:
        return linked(row.requirement.template)
