"""The configuration's version, and the base of every model that is part of the configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models, transaction
from django.db.models import F


class RulebookVersion(models.Model):
    """
    One row: the number that every write to the configuration raises.

    A process that works with the rules of version N looks here once a second whether there is a newer one (S26). The
    row is raised in the transaction of the write, so a reader never sees one without the other, and first in it, so
    that two writers queue up instead of deadlocking.

    .. no_pii:
    """

    version = models.PositiveBigIntegerField(default=1)

    class Meta:
        db_table = "openedx_badges_rulebookversion"

    def __str__(self) -> str:
        return f"version {self.version}"

    @classmethod
    def current(cls) -> int:
        """The version in force, 0 before the first write."""
        return cls.objects.filter(pk=1).values_list("version", flat=True).first() or 0

    @classmethod
    def bump(cls) -> None:
        """Say that the configuration changes; call it first in the transaction that changes it."""
        if not cls.objects.filter(pk=1).update(version=F("version") + 1):
            cls.objects.create(pk=1, version=1)


class ConfigurationQuerySet(models.QuerySet[Any]):
    """Raises the version for the writes that don't go through a model's ``save`` or ``delete``."""

    def update(self, **kwargs: Any) -> int:
        with transaction.atomic(using=self.db):
            RulebookVersion.bump()
            return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic(using=self.db):
            RulebookVersion.bump()
            return super().delete()

    # As Django's own: not to be called by a template, nor on a manager, where it would delete everything.
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        with transaction.atomic(using=self.db):
            RulebookVersion.bump()
            return super().bulk_create(objs, *args, **kwargs)

    def bulk_update(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> int:
        with transaction.atomic(using=self.db):
            RulebookVersion.bump()
            return super().bulk_update(objs, *args, **kwargs)


class ConfigurationModel(models.Model):
    """A model whose rows are part of the configuration: what the rules are made of."""

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            RulebookVersion.bump()
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            RulebookVersion.bump()
            return super().delete(*args, **kwargs)
