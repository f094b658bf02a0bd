"""The token that monitoring pages may ask for, in the way of RFC 6750: ``Authorization: Bearer <token>``."""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from badges.conf import conf

View = Callable[[HttpRequest], HttpResponseBase]


def needs_health_token(view: View) -> View:
    """
    401 for whoever does not send ``BADGES["HEALTH_TOKEN"]``; open to everybody where there is none.

    Nothing at all is told, and nothing is asked of database and brokers, for a stranger.
    """

    @functools.wraps(view)
    def guarded(request: HttpRequest) -> HttpResponseBase:
        if conf.health_token and not _has(request, conf.health_token):
            return HttpResponse(
                "Send the token: Authorization: Bearer …\n",
                status=401,
                content_type="text/plain; charset=utf-8",
                headers={"WWW-Authenticate": 'Bearer realm="badges"'},
            )
        return view(request)

    return guarded


def _has(request: HttpRequest, token: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Compared as bytes, because compare_digest refuses other texts than ASCII; in constant time, so that the time tells
    # nothing of the token.
    same = hmac.compare_digest(given.strip().encode(errors="replace"), token.encode())
    return same and scheme.casefold() == "bearer"
