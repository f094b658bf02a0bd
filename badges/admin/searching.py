"""Search and filters by learner, by badge template and by event type."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q
from django.db.models.lookups import Exact, In
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from badges import api
from badges.admin.columns import learners_named, templates_named
from badges.admin.large import LargeTable, is_id, row_by_row
from badges.models import BadgeTemplate


class LearnerSearch(LargeTable):
    """Search by learner, else by badge template; ``learner`` and ``template`` are the lookups that lead there."""

    learner = "user"
    template = "template"
    search_help_text = _("A learner's exact username, or a part of a badge template's name")

    def exactly(self, term: str) -> Iterator[Q]:
        if learners := learners_named(term):
            yield Q(**{f"{self.learner}__in": learners})
        if "template" in self.keys and len(templates := templates_named(term)) == 1:
            yield Q(**{self.template: templates[0]})

    def roughly(self, term: str) -> Q | None:
        return among_templates(self.model, self.template, templates_named(term))


def among_templates(model: type[models.Model], lookup: str, templates: list[int]) -> Q | None:
    """A condition for rows of one of ``templates``; None when there is none of these."""
    if not templates:
        return None
    return Q(In(row_by_row(model, lookup), templates)) if "__" in lookup else Q(**{f"{lookup}__in": templates})


def as_uuid(term: str) -> uuid.UUID | None:
    """The UUID that ``term`` is, None when it is none."""
    try:
        return uuid.UUID(term)
    except ValueError:
        return None


class Chosen(admin.SimpleListFilter):
    """
    A filter by one row of another table, which a link has chosen.

    It offers no choice of its own, because there may be thousands; it shows what is chosen and how to get rid of it.
    """

    model: type[models.Model]
    lookup: str
    is_key = False
    """Whether an index leads from the other row to the few that belong to it."""

    def value(self) -> str | None:
        """The primary key; what is none, in an address that somebody typed, chooses nothing."""
        given = super().value()
        return given if given and is_id(given) else None

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Iterable[tuple[str, str]]:
        value = self.value()
        if not value:
            return []
        return [(value, str(row)) for row in self.model._default_manager.filter(pk=value)] or [(value, value)]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        if self.is_key or "__" not in self.lookup:
            return queryset.filter(**{self.lookup: value})
        return queryset.filter(Exact(row_by_row(queryset.model, self.lookup), int(value)))


class EventType(admin.SimpleListFilter):
    """The event types that take part; not looked up in the rows, as that would read them all."""

    title = _("event type")
    parameter_name = "event_type"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(name, name) for name in api.event_types()]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        return queryset.filter(event_type=self.value()) if self.value() else queryset


def chosen_learner(via: str = "user") -> type[Chosen]:
    """A filter by a learner; ``via`` is the lookup that leads there."""
    attributes = {"title": _("learner"), "parameter_name": "learner", "model": get_user_model(), "lookup": via}
    return type("ChosenLearner", (Chosen,), attributes | {"is_key": True})


def chosen_template(via: str = "template") -> type[Chosen]:
    """A filter by a badge template; ``via`` is the lookup that leads there."""
    attributes = {"title": _("template"), "parameter_name": "template", "model": BadgeTemplate, "lookup": via}
    return type("ChosenTemplate", (Chosen,), attributes)
