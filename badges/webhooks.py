"""``POST /badges/webhooks/<provider>/<token>/``: what providers send by themselves."""

from __future__ import annotations

import logging

from django.db import Error as DatabaseTrouble
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, UnreadablePostError
from django.utils.log import log_response
from django.views.decorators.csrf import csrf_exempt

from badges import api
from badges.exceptions import ConfigurationError, UnknownWebhook, UnreadableWebhook

logger = logging.getLogger(__name__)

LARGEST_BODY = 64 * 1024
"""Bytes; Credly sends some two hundred."""


@csrf_exempt
def receive(request: HttpRequest, provider: str, token: str) -> HttpResponse:
    """
    Store the webhook and answer; it is looked into by a worker.

    200 for what is stored, now or before: Credly takes no other status for an answer and repeats the webhook for 25
    days (https://www.credly.com/docs/webhooks). 404 for an unknown address, 405 for anything but POST, 413 above
    ``LARGEST_BODY``, 400 for what is no webhook of the account; 503, so that it comes again, when the database is away
    or the provider's class cannot be loaded.

    Logged here, because Django would log the address, and with it the token (S36).
    """
    answer = _answer(request, provider, token)
    if answer.status_code != 200:
        # Without the request, of which the address is a part.
        log_response(
            "A webhook of %s was answered with %d.", provider, answer.status_code, response=answer, logger=logger
        )
    return answer


def _answer(request: HttpRequest, provider: str, token: str) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        body = request.read(LARGEST_BODY + 1)
    except UnreadablePostError:
        return _text("The body did not arrive.", 400)
    if len(body) > LARGEST_BODY:
        return _text("The body is too large.", 413)
    try:
        api.receive_webhook(provider=provider, token=token, body=body)
    except UnknownWebhook as error:
        return _text(str(error), 404)
    except UnreadableWebhook as error:
        return _text(str(error), 400)
    except (DatabaseTrouble, ConfigurationError):
        return _text("Try again later.", 503)
    return _text("Received.", 200)


def _text(text: str, status: int) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, content_type="text/plain; charset=utf-8")
