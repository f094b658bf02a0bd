"""
Names that the service's own, older badges app left in the database.

Its content types stay behind when this app takes its place. Without a model of that name, one old credential makes
the service's admin answer 500, and ``remove_stale_contenttypes`` deletes learners' rows without a word. These two
stand for the names and own nothing: no table, no rows.
"""

from __future__ import annotations

from typing import Any

from django.db import models


class EmptyManager(models.Manager[Any]):
    """Finds nothing, because there is no table."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().none()


class LegacyModel(models.Model):
    """A name without a table."""

    objects = EmptyManager()

    class Meta:
        abstract = True
        managed = False
        base_manager_name = "objects"


class CredlyBadgeTemplate(LegacyModel):
    """
    The older app's badge template.

    .. no_pii:
    """

    class Meta(LegacyModel.Meta):
        db_table = "openedx_badges_legacy_credlybadgetemplate"


class AccredibleGroup(LegacyModel):
    """
    The older app's group.

    .. no_pii:
    """

    class Meta(LegacyModel.Meta):
        db_table = "openedx_badges_legacy_accrediblegroup"
