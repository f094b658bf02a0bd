"""What a learner has to do for a badge."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from badges.engine.operators import OPERATORS
from badges.models.rulebook import ConfigurationModel
from badges.models.template import BadgeTemplate


class BadgeRequirement(ConfigurationModel):
    """
    One thing that must happen once: an event of a type, to which all the rules apply (S11).

    Requirements of one template that share a group are alternatives; one without a group is a group of its own (S16).

    .. no_pii:
    """

    template_path = "template_id"

    template = models.ForeignKey(
        BadgeTemplate, on_delete=models.CASCADE, related_name="requirements", verbose_name=_("template")
    )
    key = models.SlugField(_("key"), max_length=100, help_text=_("Names the requirement within its template."))
    event_type = models.CharField(_("event type"), max_length=255)
    group = models.CharField(
        _("group"),
        max_length=100,
        blank=True,
        help_text=_("Requirements with the same group are alternatives: one of them is enough."),
    )
    description = models.TextField(_("description"), blank=True)

    class Meta:
        db_table = "openedx_badges_badgerequirement"
        verbose_name = _("requirement")
        verbose_name_plural = _("requirements")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["template", "key"], name="openedx_badges_requirement_key"),
        ]

    def __str__(self) -> str:
        return self.key


class AbstractDataRule(ConfigurationModel):
    """A comparison of one value in an event's payload with a text (S12-S15)."""

    path = models.CharField(
        _("path"), max_length=255, help_text=_("Where the value is in the event, for example course.course_key")
    )
    operator = models.CharField(_("operator"), max_length=16)
    value = models.TextField(_("value"), blank=True)

    class Meta:
        abstract = True
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.path} {self.operator} {self.value}"


def operator_check(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=models.Q(operator__in=sorted(OPERATORS)), name=name)


class DataRule(AbstractDataRule):
    """
    A condition of a requirement.

    .. no_pii:
    """

    template_path = "requirement__template_id"

    requirement = models.ForeignKey(BadgeRequirement, on_delete=models.CASCADE, related_name="rules")

    class Meta(AbstractDataRule.Meta):
        db_table = "openedx_badges_datarule"
        verbose_name = _("data rule")
        verbose_name_plural = _("data rules")
        constraints = [operator_check("openedx_badges_datarule_operator")]
