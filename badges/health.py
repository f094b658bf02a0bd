"""``GET /badges/health/``: whether anything needs a person, for a monitoring system."""

from __future__ import annotations

import dataclasses

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from badges import api
from badges.bearer import needs_health_token
from badges.exceptions import database_said


@never_cache
@require_safe
@needs_health_token
def health(_request: HttpRequest) -> JsonResponse:
    """
    200 when all is well, 503 when something needs a person; ``problems`` tells what, the rest are the numbers.

    Open to everybody who reaches it, unless ``HEALTH_TOKEN`` is set: there are no personal data in it, and no error
    texts of providers.
    """
    try:
        found = api.health()
    except DatabaseError as error:
        problem = f"The database cannot be used ({database_said(error)})."
        return JsonResponse({"ok": False, "problems": [problem]}, status=503)
    return JsonResponse({"ok": found.ok, **dataclasses.asdict(found)}, status=200 if found.ok else 503)
