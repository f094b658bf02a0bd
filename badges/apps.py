"""The app's registration with Django and with the Credentials service's plugin system."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from edx_django_utils.plugins import PluginSettings, PluginURLs

logger = logging.getLogger(__name__)

PROJECT = "credentials.djangoapp"


class BadgesConfig(AppConfig):
    """
    The badges app.

    Plugs into the Credentials service through the entry point ``credentials.djangoapp``; see edx-django-utils' plugin
    documentation for ``plugin_app``.
    """

    name = "badges"
    verbose_name = _("Badges")
    default_auto_field = "django.db.models.BigAutoField"

    plugin_app: ClassVar[dict[str, Any]] = {
        PluginURLs.CONFIG: {
            PROJECT: {PluginURLs.NAMESPACE: "badges", PluginURLs.REGEX: r"^badges/", PluginURLs.RELATIVE_PATH: "urls"},
        },
        PluginSettings.CONFIG: {
            PROJECT: {
                "base": {PluginSettings.RELATIVE_PATH: "plugin.base"},
                "production": {PluginSettings.RELATIVE_PATH: "plugin.deployment"},
                "devstack": {PluginSettings.RELATIVE_PATH: "plugin.deployment"},
                "test": {PluginSettings.RELATIVE_PATH: "plugin.deployment"},
            },
        },
    }

    def ready(self) -> None:
        from badges import checks, handlers

        checks.register()
        handlers.connect()
        if getattr(settings, "BADGES_ENABLED", False):
            # The service's switch for its own, older badges app, which this one replaces; with it on, the service's
            # urls look for that app and every request fails.
            logger.warning("BADGES_ENABLED is on, but the openedx-badges plugin replaces that app; switched off.")
            settings.BADGES_ENABLED = False
