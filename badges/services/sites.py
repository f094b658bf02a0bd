"""Which of the service's sites new badge templates belong to."""

from __future__ import annotations

from django.conf import settings
from django.contrib.sites.models import Site

from badges.exceptions import ConfigurationError


def default_site() -> Site:
    """
    The site with the id ``SITE_ID``, else the first one.

    Raises :class:`ConfigurationError` when there is none.
    """
    site_id: int | None = getattr(settings, "SITE_ID", None)
    site = Site.objects.filter(pk__in=[site_id] if site_id else []).first() or Site.objects.order_by("pk").first()
    if site is None:
        raise ConfigurationError("There is no site that a new badge template could belong to. Add one under Sites.")
    return site
