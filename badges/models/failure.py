"""What could not be handled, and what came in from providers."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from badges.models.account import ProviderAccount


class FailedEvent(models.Model):
    """
    An event that could not be handled, kept until it can (S34). It is deleted when a retry succeeds.

    ``line`` is the event as ``replay_events`` reads it. ``next_attempt_at`` is when the sweep tries again, empty when
    only a person does.

    .. pii: the event's payload holds the learner's username, e-mail address and name
    .. pii_types: email_address, name, username
    .. pii_retirement: local_api
    """

    event_id = models.CharField(_("event"), max_length=36)
    event_type = models.CharField(_("event type"), max_length=255)
    event_time = models.DateTimeField(_("event time"))
    line = models.TextField(_("event as JSON"))
    error = models.TextField(_("error"))
    attempts = models.PositiveIntegerField(_("attempts"), default=1)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True, db_index=True)
    created = models.DateTimeField(_("first failed"), auto_now_add=True)
    modified = models.DateTimeField(_("last failed"), auto_now=True)

    class Meta:
        db_table = "openedx_badges_failedevent"
        verbose_name = _("failed event")
        verbose_name_plural = _("failed events")
        constraints = [
            models.UniqueConstraint(fields=["event_id", "event_type"], name="openedx_badges_failedevent_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class WebhookEvent(models.Model):
    """
    A message from a provider, stored before anything is done about it: a hint, never the truth, which is fetched.

    States: ``received``, ``done``, ``ignored`` (a type that means nothing to us), ``failed`` (with ``error``).

    .. no_pii: only ids and types are kept
    """

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        DONE = "done", _("done")
        IGNORED = "ignored", _("ignored")
        FAILED = "failed", _("failed")

    account = models.ForeignKey(ProviderAccount, on_delete=models.CASCADE, related_name="webhook_events")
    event_id = models.UUIDField(_("id"))
    event_type = models.CharField(_("type"), max_length=100)
    occurred_at = models.DateTimeField(_("occurred at"), null=True, blank=True)
    received_at = models.DateTimeField(_("received at"), default=timezone.now, editable=False)
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.RECEIVED)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        db_table = "openedx_badges_webhookevent"
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        constraints = [
            models.UniqueConstraint(fields=["account", "event_id"], name="openedx_badges_webhookevent_unique"),
        ]
        indexes = [models.Index(fields=["state", "received_at"], name="openedx_badges_webhook_state")]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"
