"""Badges that learners hold."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from badges.host import UserCredential


class CredlyBadge(UserCredential):  # type: ignore[misc]
    """
    A learner's badge: the service's own credential, with what Credly knows of it.

    The service's ``status`` (awarded, revoked) is what we decided; ``state`` is how far it got at Credly:

    - ``created``: decided, not delivered yet;
    - ``error``: the last delivery failed and waits for a person;
    - ``pending``, ``accepted``, ``rejected``, ``revoked``: Credly's own.

    When it was awarded, and whether a person holds it back, is provider-independent and stands in ``BadgeProgress``.

    .. pii: the learner's username (in the service's column) and the stable learner id given to Credly
    .. pii_types: username, other
    .. pii_retirement: local_api, third_party
    """

    class State(models.TextChoices):
        CREATED = "created", _("created")
        ERROR = "error", _("error")
        PENDING = "pending", _("pending")
        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")
        REVOKED = "revoked", _("revoked")

    state = models.CharField(_("state at Credly"), max_length=16, choices=State.choices, default=State.CREATED)
    external_uuid = models.UUIDField(_("id at Credly"), null=True, blank=True, unique=True)
    earner_id = models.CharField(_("learner id at Credly"), max_length=255, blank=True)

    class Meta:
        db_table = "openedx_badges_credlybadge"
        verbose_name = _("Credly badge")
        verbose_name_plural = _("Credly badges")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["created", "error", "pending", "accepted", "rejected", "revoked"]),
                name="openedx_badges_credlybadge_state",
            ),
        ]

    def __str__(self) -> str:
        return str(self.uuid)
