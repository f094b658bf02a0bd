"""How far learners are."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from badges.host import UserCredential
from badges.models.requirement import BadgeRequirement
from badges.models.template import BadgeTemplate


class BadgeProgress(models.Model):
    """
    One learner's way to one badge; it appears with the first fulfilment (S18).

    Keyed by the user record, so it survives a change of username. ``credential`` is the learner's badge, from the first
    award on. ``decided_at`` is the time of the newest decision and grows with each, so (type, credential uuid, time)
    names one announcement (S21); ``awarded_at`` is that of the newest award. ``held_back`` is set for a badge that a
    person revoked by hand: no event awards it again until a person lifts that (S25).

    Counts are not kept here: they follow from the fulfilments and from the template as it is now (S17, S26).

    .. no_pii: refers to the learner's user record
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        db_index=False,  # a constraint begins with it
        related_name="badge_progress",
        verbose_name=_("learner"),
    )
    template = models.ForeignKey(
        BadgeTemplate, on_delete=models.PROTECT, db_index=False, related_name="progress", verbose_name=_("template")
    )
    credential = models.OneToOneField(
        UserCredential,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="badge_progress",
        verbose_name=_("badge"),
    )
    awarded_at = models.DateTimeField(_("awarded at"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    held_back = models.BooleanField(
        _("held back"), default=False, help_text=_("Revoked by hand: stays revoked until this is lifted.")
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "openedx_badges_badgeprogress"
        verbose_name = _("progress")
        verbose_name_plural = _("progress")
        constraints = [
            models.UniqueConstraint(fields=["user", "template"], name="openedx_badges_progress_unique"),
        ]
        indexes = [
            models.Index(fields=["template", "id"], name="openedx_badges_progress_badge"),
            models.Index(fields=["held_back", "id"], name="openedx_badges_progress_held"),
        ]

    def __str__(self) -> str:
        return f"learner {self.user_id}, template {self.template_id}"


class Fulfillment(models.Model):
    """
    What is remembered of one learner and one requirement.

    ``time`` is the time of the newest event that applied, also when it changed nothing (S8); ``fulfilled`` is what it
    left behind. ``email`` and ``full_name`` are what that event said of the learner where it differs from the user
    record (S22), empty otherwise.

    .. pii: e-mail address and full name as an event told them, where they differ from the user record
    .. pii_types: email_address, name
    .. pii_retirement: local_api
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        db_index=False,  # a constraint begins with it
        related_name="badge_fulfillments",
        verbose_name=_("learner"),
    )
    requirement = models.ForeignKey(
        BadgeRequirement, on_delete=models.CASCADE, related_name="fulfillments", verbose_name=_("requirement")
    )
    fulfilled = models.BooleanField(_("fulfilled"))
    time = models.DateTimeField(_("time of the newest event"))
    event_id = models.CharField(_("newest event"), max_length=36)
    email = models.CharField(_("e-mail address"), max_length=254, blank=True)
    full_name = models.CharField(_("full name"), max_length=255, blank=True)

    class Meta:
        db_table = "openedx_badges_fulfillment"
        verbose_name = _("fulfilment")
        verbose_name_plural = _("fulfilments")
        constraints = [
            models.UniqueConstraint(fields=["user", "requirement"], name="openedx_badges_fulfillment_unique"),
        ]
        indexes = [models.Index(fields=["fulfilled", "time"], name="openedx_badges_fulfillment_old")]

    def __str__(self) -> str:
        return f"learner {self.user_id}, requirement {self.requirement_id}"
