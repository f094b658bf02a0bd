"""The credential of a learner, as the Credentials service keeps it."""

from __future__ import annotations

import uuid

from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils.translation import gettext_lazy as _


class UserCredential(models.Model):
    """
    A credential issued to a learner.

    .. pii: the learner's username
    .. pii_types: username
    .. pii_retirement: retained
    """

    AWARDED = "awarded"
    REVOKED = "revoked"
    STATUSES = ((AWARDED, _("awarded")), (REVOKED, _("revoked")))

    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)
    credential_content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
    credential_id = models.PositiveIntegerField(db_index=True)
    credential = GenericForeignKey("credential_content_type", "credential_id")
    username = models.CharField(max_length=255, db_index=True)
    status = models.CharField(max_length=255, choices=STATUSES, default=AWARDED)
    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)

    class Meta:
        unique_together = (("username", "credential_content_type", "credential_id"),)

    def __str__(self) -> str:
        return str(self.uuid)
