from __future__ import annotations

from django.apps import AppConfig


class CredentialsConfig(AppConfig):
    """Stands in for ``credentials.apps.credentials``."""

    name = "credentials_settings.host.credentials"
    label = "credentials"
    default_auto_field = "django.db.models.AutoField"
