"""What takes a learner's progress back."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from badges.models.requirement import AbstractDataRule, BadgeRequirement, operator_check
from badges.models.rulebook import ConfigurationModel
from badges.models.template import BadgeTemplate


class BadgePenalty(ConfigurationModel):
    """
    An event of a type, to which all the rules apply, that resets the linked requirements for its learner (S23).

    .. no_pii:
    """

    template_path = "template_id"

    template = models.ForeignKey(
        BadgeTemplate, on_delete=models.CASCADE, related_name="penalties", verbose_name=_("template")
    )
    key = models.SlugField(_("key"), max_length=100, help_text=_("Names the penalty within its template."))
    event_type = models.CharField(_("event type"), max_length=255)
    description = models.TextField(_("description"), blank=True)
    requirements = models.ManyToManyField(
        BadgeRequirement,
        through="PenaltyTarget",
        related_name="penalties",
        verbose_name=_("resets"),
        help_text=_("The requirements of the same template that this penalty resets."),
    )

    class Meta:
        db_table = "openedx_badges_badgepenalty"
        verbose_name = _("penalty")
        verbose_name_plural = _("penalties")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["template", "key"], name="openedx_badges_penalty_key"),
        ]

    def __str__(self) -> str:
        return self.key


class PenaltyTarget(ConfigurationModel):
    """
    Links a penalty to a requirement it resets.

    A model of its own, so that ``penalty.requirements.set(…)`` raises the rulebook's version like every other write.

    .. no_pii:
    """

    template_path = "penalty__template_id"

    penalty = models.ForeignKey(BadgePenalty, on_delete=models.CASCADE, related_name="targets")
    requirement = models.ForeignKey(BadgeRequirement, on_delete=models.CASCADE, related_name="+")

    class Meta:
        db_table = "openedx_badges_penaltytarget"
        constraints = [
            models.UniqueConstraint(fields=["penalty", "requirement"], name="openedx_badges_penaltytarget_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.penalty_id} resets {self.requirement_id}"


class PenaltyDataRule(AbstractDataRule):
    """
    A condition of a penalty.

    .. no_pii:
    """

    template_path = "penalty__template_id"

    penalty = models.ForeignKey(BadgePenalty, on_delete=models.CASCADE, related_name="rules")

    class Meta(AbstractDataRule.Meta):
        db_table = "openedx_badges_penaltydatarule"
        verbose_name = _("data rule of a penalty")
        verbose_name_plural = _("data rules of penalties")
        constraints = [operator_check("openedx_badges_penaltydatarule_operator")]
