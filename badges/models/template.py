"""Badge templates."""

from __future__ import annotations

import uuid

from django.contrib.sites.models import Site
from django.core.validators import URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from badges.models.account import ProviderAccount
from badges.models.rulebook import ConfigurationModel


class BadgeTemplate(ConfigurationModel):
    """
    A badge that learners can earn, of any provider.

    It takes part in processing while ``is_active`` is set here *and* its ``state`` at the provider is ``active`` (S10):

    - ``draft``: being prepared at the provider;
    - ``active``: can be issued;
    - ``archived``: the provider issues no more of it; badges stay.

    .. no_pii:
    """

    template_path = "id"

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        ACTIVE = "active", _("active")
        ARCHIVED = "archived", _("archived")

    uuid = models.UUIDField(
        _("uuid"), unique=True, default=uuid.uuid4, help_text=_("For Credly, the id of the template there.")
    )
    provider = models.CharField(_("provider"), max_length=32, default="credly")
    external_id = models.CharField(_("id at the provider"), max_length=64)
    account = models.ForeignKey(
        ProviderAccount, on_delete=models.PROTECT, related_name="templates", verbose_name=_("account")
    )
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", verbose_name=_("site"))
    name = models.CharField(_("name"), max_length=255)
    description = models.TextField(_("description"), blank=True)
    image_url = models.CharField(_("image"), max_length=500, blank=True, validators=[URLValidator(["http", "https"])])
    state = models.CharField(_("state at the provider"), max_length=16, choices=State.choices, default=State.ACTIVE)
    is_active = models.BooleanField(
        _("active"),
        default=False,
        help_text=_("Learners earn this badge. Switching it off keeps the badges they have."),
    )
    allow_reaward = models.BooleanField(
        _("award again"),
        default=True,
        help_text=_("A learner whose badge a penalty took back gets it again on completing the template again."),
    )
    rules_version = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "openedx_badges_badgetemplate"
        verbose_name = _("badge template")
        verbose_name_plural = _("badge templates")
        constraints = [
            models.UniqueConstraint(fields=["provider", "external_id"], name="openedx_badges_template_external"),
            models.CheckConstraint(
                condition=models.Q(state__in=["draft", "active", "archived"]), name="openedx_badges_template_state"
            ),
        ]
        indexes = [models.Index(fields=["is_active", "state"], name="openedx_badges_template_live")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_processed(self) -> bool:
        """Events count for this template (S10)."""
        return self.is_active and self.state == self.State.ACTIVE
