from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Stands in for ``credentials.apps.core``."""

    name = "credentials_settings.host.core"
    label = "core"
    default_auto_field = "django.db.models.AutoField"
