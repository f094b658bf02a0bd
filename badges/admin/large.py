"""
Lists of tables with millions of rows, each of which costs what it shows, whatever is chosen and however rare that is.

What an index finds in the order of the primary key is shown from the whole table. Anything else is looked for among the
newest rows only, and the page says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.utils.functional import cached_property

from badges.admin.base import BadgesAdmin

COUNTED = 10_000
"""Rows that a list counts, and can be paged through."""

MOST_DIGITS = 18
"""Of an id, so that every database can compare with it."""

LOOKED_AT = 5_000
"""The newest rows, among which a list looks for what no index has."""


class CappedPaginator(Paginator):
    """
    Counts no further than ``COUNTED`` rows: counting millions takes seconds on every page.

    ``is_capped`` says that there may be more than the pages show.
    """

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:COUNTED].count())

    @property
    def is_capped(self) -> bool:
        return self.count >= COUNTED

    def page(self, number: int | str) -> Page[Any]:
        """
        Which rows are on the page is asked first, and what they hold then.

        An index alone answers the first question. Asked for both at once, PostgreSQL may read millions of rows
        backwards because it expects to meet enough of the right ones soon, and MariaDB may sort all that it finds.
        """
        page = super().page(number)
        rows: Any = page.object_list
        every: Any = self.object_list
        page.object_list = every.filter(pk__in=list(rows.values_list("pk", flat=True)))
        return page


class NewestList(ChangeList):
    """``newest`` is the number of newest rows that were looked at, 0 when it was all of them."""

    newest = 0

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> models.QuerySet[models.Model]:
        page: Any = self.model_admin
        given = self.get_filters_params()
        rows: models.QuerySet[Any] = self.root_queryset
        picked = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if picked and request.POST.get("select_across", "0") == "0":
            rows = rows.filter(pk__in=picked)  # what was among the newest when somebody picked it need not be so now
        keys = {name for name in page.keys.keys() & given.keys() if len(given[name]) == 1}
        for name in keys:
            rows = _having(rows, page.keys[name], given[name][0])
        term = self.query.strip()
        found = _first(rows, page.exactly(term)) if term else rows
        if found is None:
            condition = page.roughly(term)
            rows = rows.none() if condition is None else self._newest(rows).filter(condition)
        else:
            rows = self._newest(found) if given.keys() - keys else found
        self.root_queryset = rows
        searched, self.query = self.query, ""
        try:
            return super().get_queryset(request, exclude_parameters)
        finally:
            self.query = searched

    def _newest(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        last = next(iter(rows.order_by("-pk").values_list("pk", flat=True)[LOOKED_AT : LOOKED_AT + 1]), None)
        if last is None:
            return rows
        self.newest = LOOKED_AT
        return rows.filter(pk__gt=last)


def row_by_row(model: type[models.Model], lookup: str) -> models.Subquery:
    """
    What ``lookup``, which leads to another table, has for a row: looked up for each row by itself.

    For some thousand rows that is faster than a join, for which databases like to read the whole other table. The first
    step of ``lookup`` leads to one row at most.
    """
    first, rest = lookup.split("__", 1)
    field: Any = model._meta.get_field(first)
    if field.concrete:
        here, there = field.attname, field.target_field.name
    else:
        here, there = "pk", field.field.name
    rows = field.related_model._default_manager.filter(**{there: models.OuterRef(here)})
    return models.Subquery(rows.order_by().values(rest)[:1])


def is_id(text: str) -> bool:
    """Whether a text is the id of a row, in the way in which a link has it."""
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


def _having(rows: models.QuerySet[Any], lookup: str, value: str) -> models.QuerySet[Any]:
    """What is no value, in an address that somebody typed, is left to the filter."""
    if rows.model._meta.get_field(lookup.partition("__")[0]).is_relation and not is_id(value):
        return rows
    try:
        return rows.filter(**{lookup: value})
    except (ValueError, ValidationError):
        return rows


def _first(rows: models.QuerySet[Any], conditions: Iterator[Q]) -> models.QuerySet[Any] | None:
    """The rows of the first condition that any has."""
    return next((found for condition in conditions if _has_any(found := rows.filter(condition))), None)


def _has_any(rows: models.QuerySet[Any]) -> bool:
    """Asked for any row, PostgreSQL may read a table from its beginning; asked for the newest, it takes the index."""
    return bool(rows.order_by("-pk").values_list("pk", flat=True)[:1])


class LargeTable(BadgesAdmin):
    """
    A table that grows with the learners: newest first by primary key, never sorted, searched or counted as a whole.

    ``keys`` are the filters whose rows an index has in that order, or that are few: parameter -> lookup.
    """

    keys: Mapping[str, str] = {}
    ordering = ("-pk",)
    sortable_by = ()
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    change_list_template = "admin/badges/large_change_list.html"
    search_fields = ("pk",)  # what makes Django show the search field; what is searched stands below

    def exactly(self, term: str) -> Iterator[Q]:
        """Conditions to try for what was typed in, that an index answers; the first that any row meets counts."""
        raise NotImplementedError

    def roughly(self, term: str) -> Q | None:
        """What to look for among the newest rows, when none of these is met."""
        return None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NewestList

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """For others, such as fields that complete what is typed; the list itself has searched before its filters."""
        term = search_term.strip()
        found = _first(queryset, self.exactly(term)) if term else queryset
        if found is None:
            condition = self.roughly(term)
            found = queryset.none() if condition is None else queryset.filter(condition)
        return found, False
