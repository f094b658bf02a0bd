"""The addresses of the admin's lists: as each opens, by the choices of its filters, and searched in."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils.http import urlencode

from badges.admin.large import LargeTable
from badges.admin.searching import Chosen
from badges.models import BadgeTemplate

CHOICES = 6
"""Of a filter, so many choices are tried."""


def pages(client: Client, learner: AbstractBaseUser, popular: Sequence[BadgeTemplate]) -> Iterator[tuple[str, str]]:
    """A name and an address; ``learner`` has what other learners have, and ``popular`` templates have many learners."""
    for model, page in _ours():
        name = model._meta.model_name
        address = reverse(f"admin:badges_{name}_changelist")
        yield f"list: {name}", address
        changes: Any = client.get(address).context_data["cl"]  # type: ignore[attr-defined]
        for spec in changes.filter_specs:
            choices = [choice for choice in spec.choices(changes) if choice.get("query_string", "?") != "?"]
            for choice in choices[:CHOICES]:
                yield f"filtered list: {name}, {spec.title}: {choice['display']}", address + choice["query_string"]
        rows = {"learner": [learner], "template": popular}
        for filter_class in page.list_filter:
            if isinstance(filter_class, type) and issubclass(filter_class, Chosen):
                parameter = str(filter_class.parameter_name)
                for row in rows[parameter]:
                    yield f"filtered list: {name}, {parameter}: {row}", f"{address}?{urlencode({parameter: row.pk})}"
        if page.search_fields:
            yield f"search: {name}, learner", f"{address}?{urlencode({'q': learner.get_username()})}"
        if isinstance(page, LargeTable):
            terms = {"popular template": popular[0].name, "many templates": "Filled", "uuid": str(uuid.uuid4())}
            for what, term in terms.items():
                yield f"search: {name}, {what}", f"{address}?{urlencode({'q': term})}"


def _ours() -> list[tuple[type[Model], ModelAdmin[Any]]]:
    registry: Mapping[type[Model], ModelAdmin[Any]] = admin.site._registry
    return [(model, page) for model, page in registry.items() if model._meta.app_label == BadgeTemplate._meta.app_label]
