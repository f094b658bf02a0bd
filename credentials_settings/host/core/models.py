"""The user model of the Credentials service."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """
    A learner or a member of staff.

    .. pii: username, e-mail address and names, as in the service
    .. pii_types: email_address, name, username
    .. pii_retirement: retained
    """

    full_name = models.CharField(_("full name"), max_length=255, blank=True, null=True, db_index=True)  # noqa: DJ001
    lms_user_id = models.IntegerField(null=True, db_index=True, blank=True)

    def __str__(self) -> str:
        return self.username

    def get_full_name(self) -> str:
        return self.full_name or super().get_full_name()
