"""The configuration's version, and the base of every model that is part of the configuration."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Final

from django.db import models, transaction
from django.db.models import Case, F, Subquery, When


class RulebookVersion(models.Model):
    """
    One row: the number that every write to the configuration raises.

    A process that works with the rules of version N looks here once a second whether there is a newer one (S26). The
    row is raised in the transaction of the write, so a reader never sees one without the other, and first in it, so
    that two writers queue up instead of deadlocking.

    What changed is noted too: with each template the version that last changed its rules, and here in ``whole`` the
    last one of which that is not known, after which everything has to be read again. ``noted`` is the last version that
    was noted at all: another one means that somebody raised the version who knows nothing of notes, such as a process
    that still runs an older release.

    .. no_pii:
    """

    version = models.PositiveBigIntegerField(default=1)
    # The database knows the defaults, too: an older release writes rows without these columns.
    whole = models.PositiveBigIntegerField(default=1, db_default=1)
    noted = models.PositiveBigIntegerField(default=0, db_default=0)

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
        # In this order: MySQL computes the second from what the first has left.
        whole = Case(
            When(noted__lt=F("version"), then=F("version") + 1),
            default=F("whole"),
            output_field=models.PositiveBigIntegerField(),
        )
        if not cls.objects.filter(pk=1).update(whole=whole, version=F("version") + 1):
            cls.objects.create(pk=1, version=1)

    def tells_since(self, version: int) -> bool:
        """
        Whether all that changed since ``version`` is noted. It is not for a version of the future, from before a backup
        was restored.
        """
        return self.whole <= version <= self.version == self.noted

    @classmethod
    def note(cls, template_ids: Collection[int] | None) -> None:
        """Say what the change that :meth:`bump` told is about: templates by id; None: anything."""
        if template_ids is None or len(template_ids) > MOST_NOTED:
            cls.objects.filter(pk=1).update(whole=F("version"), noted=F("version"))
            return
        cls.objects.filter(pk=1).update(noted=F("version"))
        if template_ids:
            # Not by the manager, which would take it for a change of the configuration.
            templates = cls._meta.apps.get_model(cls._meta.app_label, "BadgeTemplate")._base_manager
            templates.filter(pk__in=template_ids).update(rules_version=Subquery(cls.objects.values("version")[:1]))


MOST_NOTED: Final = 500
"""Templates whose change is noted one by one."""


class ConfigurationQuerySet(models.QuerySet[Any]):
    """Raises the version for the writes that don't go through a model's ``save`` or ``delete``."""

    model: type[ConfigurationModel]

    def templates(self) -> set[int]:
        """The ids of the templates whose rules these rows are a part of."""
        return set(self.order_by().values_list(self.model.template_path, flat=True))

    def update(self, **kwargs: Any) -> int:
        with transaction.atomic(using=self.db):
            RulebookVersion.bump()
            owner = self.model.template_path.partition("__")[0].removesuffix("_id")
            templates = None if {owner, f"{owner}_id"} & kwargs.keys() else self.templates()
            count = super().update(**kwargs)
            RulebookVersion.note(templates)
            return count

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic(using=self.db):
            RulebookVersion.bump()
            templates = self.templates()
            deleted = super().delete()
            RulebookVersion.note(templates)
            return deleted

    # As Django's own: not to be called by a template, nor on a manager, where it would delete everything.
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        objs = list(objs)
        with transaction.atomic(using=self.db):
            RulebookVersion.bump()
            are_new = not kwargs.get("update_conflicts") and all(row.pk is None for row in objs)
            created = super().bulk_create(objs, *args, **kwargs)
            RulebookVersion.note(self.model.templates_of_new(objs) if are_new else None)
            return created


class ConfigurationModel(models.Model):
    """
    A model whose rows are part of the configuration: what the rules are made of.

    ``template_path`` leads from a row to the id of its template: through one field, and if that is not the template,
    through its owner's.
    """

    template_path: ClassVar[str]

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            RulebookVersion.bump()
            before = self._templates()
            super().save(*args, **kwargs)
            RulebookVersion.note(before | self._templates())

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            RulebookVersion.bump()
            templates = self._templates()
            deleted = super().delete(*args, **kwargs)
            RulebookVersion.note(templates)
            return deleted

    def _templates(self) -> set[int]:
        """As the database has it: a row that moves changes two of them."""
        manager: Any = type(self)._default_manager
        found: set[int] = manager.filter(pk=self.pk).templates() if self.pk is not None else set()
        return found

    @classmethod
    def templates_of_new(cls, rows: Collection[Any]) -> set[int] | None:
        """The ids of the templates that new rows are a part of; None where so many are of no use."""
        if len(rows) > MOST_NOTED * 10:
            return None
        name, _, rest = cls.template_path.partition("__")
        if name == "id":
            return set()  # a new template is not known to anybody yet
        ids = {getattr(row, name if name.endswith("_id") else f"{name}_id") for row in rows}
        if not rest:
            return ids
        owners: Any = cls._meta.get_field(name).related_model
        return set(owners._default_manager.filter(pk__in=ids).order_by().values_list(rest, flat=True))
