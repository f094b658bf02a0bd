"""
A Celery application for hosts that have none, as the Credentials service.

``celery -A badges worker -B`` (with ``DJANGO_SETTINGS_MODULE`` set) is all it takes; broker and transport come from the
host's ``CELERY_*`` settings. A host with an application of its own autodiscovers ``badges.tasks`` and merges
:func:`schedule` into its beat schedule.
"""

from __future__ import annotations

from typing import Any

from celery import Celery

from badges.conf import conf


def schedule() -> dict[str, Any]:
    """The beat schedule that the app needs: the sweep that picks up whatever a crash left."""
    return {
        "badges-sweep": {
            "task": "badges.sweep",
            "schedule": conf.sweep_interval,
            "options": {"expires": max(conf.sweep_interval, 1)},
        }
    }


app = Celery("badges")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["badges"])


@app.on_after_configure.connect
def add_schedule(sender: Celery, **_: Any) -> None:
    sender.conf.beat_schedule = {**sender.conf.beat_schedule, **schedule()}
