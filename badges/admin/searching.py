"""Search and filters that stay index look-ups, whatever the size of the table."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from badges import api
from badges.admin.columns import learners_named, templates_named
from badges.models import BadgeTemplate


class ExactSearch(admin.ModelAdmin):
    """
    A search that tries one indexed column after the other and shows the rows of the first that has any.

    Searching for a part of a text in several joined tables, which is what Django does, reads all of a table.
    """

    search_fields = ("pk",)  # what makes Django show the search field; ``candidates`` is what is searched

    def candidates(self, term: str) -> Iterator[Q]:
        """The conditions to try for what was typed in."""
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        for condition in self.candidates(term):
            found = queryset.filter(condition)
            if found.exists():
                return found, False
        return queryset.none(), False


class LearnerSearch(ExactSearch):
    """Search by learner, else by badge template; ``learner`` and ``template`` are the lookups that lead there."""

    learner = "user"
    template = "template"
    search_help_text = _("A learner's exact username, or a part of a badge template's name")

    def candidates(self, term: str) -> Iterator[Q]:
        if learners := learners_named(term):
            yield Q(**{f"{self.learner}__in": learners})
        if templates := templates_named(term):
            yield Q(**{f"{self.template}__in": templates})


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

    def value(self) -> str | None:
        """The primary key; what is none, in an address that somebody typed, chooses nothing."""
        given = super().value()
        return given if given and given.isascii() and given.isdigit() else None

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> Iterable[tuple[str, str]]:
        value = self.value()
        return [(value, str(row)) for row in self.model._default_manager.filter(pk=value)] if value else []

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        value = self.value()
        return queryset.filter(**{self.lookup: value}) if value else queryset


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
    return type("ChosenLearner", (Chosen,), attributes)


def chosen_template(via: str = "template") -> type[Chosen]:
    """A filter by a badge template; ``via`` is the lookup that leads there."""
    attributes = {"title": _("template"), "parameter_name": "template", "model": BadgeTemplate, "lookup": via}
    return type("ChosenTemplate", (Chosen,), attributes)
