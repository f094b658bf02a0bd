"""``celery -A credentials_settings worker``: the app's own Celery application on the standalone project's settings."""

from __future__ import annotations

import os

# Before the application is made: Celery looks then whether it is one of Django's.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "credentials_settings.settings.local")

from badges.celery import app

__all__ = ["app"]
