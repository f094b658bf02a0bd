"""Where everything that happened is written down."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from badges.models.template import BadgeTemplate

APPEND_ONLY = "The journal is append-only: a new entry can be added, an old one is never changed."


class JournalEntry(models.Model):
    """
    One thing that happened to one learner and one template, and why (S37). Written once, never changed.

    ``subject`` is the key of the requirement or penalty, kept as text so that it outlives an edit of the template.
    ``saw`` is what the rules saw in the event: a list of {"path", "operator", "value", "saw"}, without personal data.

    .. no_pii: refers to the learner's user record; retirement clears the reference
    """

    class Kind(models.TextChoices):
        FULFILLED = "fulfilled", _("requirement fulfilled")
        RESET = "reset", _("requirement reset")
        AWARDED = "awarded", _("badge awarded")
        REVOKED = "revoked", _("badge revoked")
        DELIVERED = "delivered", _("delivered")
        DELIVERY_FAILED = "delivery_failed", _("delivery failed")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,  # an index below begins with it, and with the template
        related_name="+",
        verbose_name=_("learner"),
    )
    template = models.ForeignKey(
        BadgeTemplate,
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("template"),
    )
    kind = models.CharField(_("what"), max_length=16, choices=Kind.choices)
    subject = models.CharField(_("requirement"), max_length=100, blank=True)
    penalty = models.CharField(_("penalty"), max_length=100, blank=True)
    event_id = models.CharField(_("event"), max_length=36, blank=True)
    event_type = models.CharField(_("event type"), max_length=255, blank=True)
    event_time = models.DateTimeField(_("event time"), null=True, blank=True)
    saw = models.JSONField(_("what the rules saw"), default=list, blank=True)
    detail = models.TextField(_("detail"), blank=True)
    created = models.DateTimeField(_("when"))

    class Meta:
        db_table = "openedx_badges_journalentry"
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["user", "template"], name="openedx_badges_journal_learner"),
            models.Index(fields=["template", "id"], name="openedx_badges_journal_badge"),
            models.Index(fields=["event_id"], name="openedx_badges_journal_event"),
            models.Index(fields=["created"], name="openedx_badges_journal_created"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(APPEND_ONLY)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(APPEND_ONLY)


class AnnouncementCount(models.Model):
    """
    How many announcements of a kind were sent, apart from those that are ``uncounted`` still.

    See :mod:`badges.services.counting`; the number survives a purge of the deliveries.

    .. no_pii:
    """

    kind = models.CharField(max_length=20, unique=True)
    sent = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "openedx_badges_announcementcount"

    def __str__(self) -> str:
        return f"{self.kind}: {self.sent}"
