"""The outbox: what was decided and has yet to reach others."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from badges.models.progress import BadgeProgress


class Delivery(models.Model):
    """
    One thing to tell others about one badge, written in the transaction that decided it (S20).

    States:

    - ``pending``: waits for ``next_attempt_at``, or for an earlier delivery of the same badge and lane;
    - ``claimed``: a worker holds it until ``lease_expires_at``; only the holder of ``claim`` records a result (S39);
    - ``done``: it arrived;
    - ``failed``: given up, with ``error``; a person can resend the newest one (S28, S29, S32);
    - ``cancelled``: a later decision came before any worker had claimed it (S24), or a person gave it up;
    - ``superseded``: a later decision made it pointless (S32).

    ``unsettled`` is True from the claim until a result is known: what a worker that died or a request that timed out
    may have done has to be looked up before anything is sent again (S31). Lanes are independent of each other; within
    one, the deliveries of a badge are executed in the order of their ids, which is the order of the decisions (S32).

    Leases and due times are on the database's clock, which all workers share. ``enqueued_at`` is when a sweep last
    handed the row to the task queue, so that a long queue is not filled with copies. ``uncounted`` is an announcement
    that was sent and is not part of an :class:`AnnouncementCount` yet.

    .. no_pii: what is sent is read from the learner's records at the time of sending
    """

    class Lane(models.TextChoices):
        ANNOUNCE = "announce", _("announcements")
        PROVIDER = "provider", _("provider")
        VERIFY = "verify", _("comparison with the provider")

    class Kind(models.TextChoices):
        ANNOUNCE_AWARDED = "announce_awarded", _("announce the award")
        ANNOUNCE_REVOKED = "announce_revoked", _("announce the revocation")
        ISSUE = "issue", _("issue")
        REVOKE = "revoke", _("revoke")
        VERIFY = "verify", _("compare with the provider")

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        CLAIMED = "claimed", _("being sent")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        SUPERSEDED = "superseded", _("superseded")

    OPEN = (State.PENDING, State.CLAIMED)

    progress = models.ForeignKey(BadgeProgress, on_delete=models.CASCADE, related_name="deliveries")
    lane = models.CharField(_("lane"), max_length=16, choices=Lane.choices)
    kind = models.CharField(_("what"), max_length=20, choices=Kind.choices)
    decided_at = models.DateTimeField(_("decided at"))
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"))
    enqueued_at = models.DateTimeField(null=True, blank=True, editable=False)
    claim = models.UUIDField(null=True, blank=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    unsettled = models.BooleanField(_("result unknown"), default=False)
    error = models.TextField(_("error"), blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    uncounted = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        db_table = "openedx_badges_delivery"
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(fields=["progress", "kind", "decided_at"], name="openedx_badges_delivery_unique"),
            models.CheckConstraint(
                condition=models.Q(state__in=["pending", "claimed", "done", "failed", "cancelled", "superseded"]),
                name="openedx_badges_delivery_state",
            ),
            models.CheckConstraint(
                condition=models.Q(state="claimed", claim__isnull=False, lease_expires_at__isnull=False)
                | (~models.Q(state="claimed") & models.Q(claim__isnull=True, lease_expires_at__isnull=True)),
                name="openedx_badges_delivery_claim",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "next_attempt_at"], name="openedx_badges_delivery_due"),
            models.Index(fields=["progress", "lane", "state"], name="openedx_badges_delivery_lane"),
            models.Index(fields=["uncounted", "kind"], name="openedx_badges_delivery_sent"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
