"""The app's addresses, under ``/badges/`` in the service."""

from __future__ import annotations

import importlib.util

from django.urls import URLPattern, URLResolver, path

from badges.health import health
from badges.webhooks import receive

app_name = "badges"

urlpatterns: list[URLPattern | URLResolver] = [
    path("health/", health, name="health"),
    path("webhooks/<slug:provider>/<str:token>/", receive, name="webhook"),
]

# An extra of the package. Looked for, not tried: an error inside the page is not to be taken for a missing client.
if importlib.util.find_spec("prometheus_client"):
    from badges.metrics import metrics

    urlpatterns.append(path("metrics/", metrics, name="metrics"))
