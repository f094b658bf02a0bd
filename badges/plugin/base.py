"""Runs at the end of the service's list of apps."""

from __future__ import annotations

from typing import Any

IN_TREE_APP = "credentials.apps.badges"


def plugin_settings(settings: Any) -> None:
    """
    Take the place of the service's own badges app, which has the same app label.

    Its tables and its rows in ``django_migrations`` stay as they are; our tables and migrations have other names.
    """
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if not app.startswith(IN_TREE_APP)]
    for needed in ("openedx_events",):
        if needed not in settings.INSTALLED_APPS:
            settings.INSTALLED_APPS.append(needed)
