"""
The control plane, below ``/_sandbox/``: what a test or a demo says to the server. JSON in and out, no key; a mistake is
a 400 with ``{"error": "…"}``.

=========================== ============================================================================================
``POST faults``             ``{"match": "POST /badges", "mode": "500", "times": 3}``, all keys in ``faults.Fault``;
                            answers 201 with the fault as below
``GET faults``              ``{"faults": [{"match", "mode", "times", "retry_after", "latency_ms", "after_commit",
                            "injected", "remaining"}], "injected": 3}``: each order and how often it took effect
``DELETE faults``           forgets all orders, and lets go what they hold
``GET badges``              ``{"badges": […], "posts": […]}``: every badge as the API shows it, oldest first, with its
                            ``organization_id``; and, for each template and earner, ``{"badge_template_id",
                            "issuer_earner_id", "recipient_email", "posts", "created", "live"}``: requests to issue
                            that arrived (those that met a fault or were refused too), badges that came of them,
                            badges neither revoked nor rejected now
``POST badges/{id}/state``  ``{"state": "accepted"}``, any state, with a ``reason`` for ``revoked``: what the earner
                            or Credly's staff does; answers the badge
``GET traffic``             ``{"active": 0, "peak": 8, "connections": 8, "arrivals": [1767225600.25, …]}``: requests to
                            the API that are being answered, the most that were at once, connections they came on,
                            and when each came, in seconds of the Unix clock
``DELETE traffic``          counts anew
``POST templates``          ``{"templates": [{"uuid", "name", …}]}``, keys in ``seeds.template_from``; adds or replaces
``POST keys``               ``{"organization_id": …, "key": …}``: the old key is refused from now on
``POST webhook``            ``{"event_type": "badge.created", "url": "http://127.0.0.1:8000/…"}`` sends one, to
                            loopback only; optional ``badge_id`` or ``badge_template_id`` (default: the newest badge,
                            the first template), ``organization_id``, or ``event_id`` to send that event once more.
                            Answers ``{"event": {"id", "organization_id", "event_type", "occurred_at"},
                            "status": 200}``; ``status`` null when nobody answered within 10 s
``POST reset``              back to what the server was started with; faults and badges are gone
``GET images/{name}``       a picture, so that badge templates have one
=========================== ============================================================================================
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from contextlib import suppress
from dataclasses import asdict

import aiohttp
from aiohttp import web
from yarl import URL

from credentials_settings.sandbox.credly.api import STORE, read_json, renderer
from credentials_settings.sandbox.credly.faults import Fault, FaultError, Faults
from credentials_settings.sandbox.credly.payloads import Json
from credentials_settings.sandbox.credly.records import BADGE_STATES, ApiError, WebhookEvent
from credentials_settings.sandbox.credly.seeds import SeedError, template_from
from credentials_settings.sandbox.credly.traffic import Traffic

FAULTS = web.AppKey("faults", Faults)
TRAFFIC = web.AppKey("traffic", Traffic)
WEBHOOK_SECONDS = 10
IMAGE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="100" height="100">'
    '<path d="M50 4 90 27v46L50 96 10 73V27z" fill="#0b5f8a"/><path d="m30 51 14 14 27-30" fill="none"'
    ' stroke="#fff" stroke-width="9"/></svg>'
)

routes = web.RouteTableDef()


async def read_object(request: web.Request) -> Json:
    """The body, a JSON object. Raises ApiError 400."""
    body = await read_json(request)
    if not isinstance(body, dict):
        raise ApiError(400, "Send a JSON object.")
    return body


@routes.post("/faults")
async def add_fault(request: web.Request) -> web.Response:
    try:
        fault = Fault.read(await read_json(request))
    except FaultError as error:
        raise ApiError(400, str(error)) from error
    request.config_dict[FAULTS].orders.append(fault)
    return web.json_response(_shown(fault), status=201)


@routes.get("/faults")
async def list_faults(request: web.Request) -> web.Response:
    orders = request.config_dict[FAULTS].orders
    injected = sum(fault.injected for fault in orders)
    return web.json_response({"faults": [_shown(fault) for fault in orders], "injected": injected})


@routes.delete("/faults")
async def clear_faults(request: web.Request) -> web.Response:
    request.config_dict[FAULTS].clear()
    return web.json_response({"faults": [], "injected": 0})


def _shown(fault: Fault) -> Json:
    return asdict(fault) | {"remaining": fault.remaining}


@routes.get("/traffic")
async def show_traffic(request: web.Request) -> web.Response:
    return web.json_response(request.config_dict[TRAFFIC].shown())


@routes.delete("/traffic")
async def forget_traffic(request: web.Request) -> web.Response:
    request.config_dict[TRAFFIC].forget()
    return web.json_response(request.config_dict[TRAFFIC].shown())


@routes.get("/badges")
async def list_everything(request: web.Request) -> web.Response:
    store, render = request.config_dict[STORE], renderer(request)
    live: Counter[tuple[str, str]] = Counter(
        (badge.badge_template_id, badge.issuer_earner_id or badge.recipient_email)
        for badge in store.badges.values()
        if badge.live
    )
    return web.json_response(
        {
            "badges": [
                render.badge(badge) | {"organization_id": badge.organization_id} for badge in store.badges.values()
            ],
            "posts": [asdict(count) | {"live": live[key]} for key, count in store.posts.items()],
        }
    )


@routes.post("/badges/{badge_id}/state")
async def set_badge_state(request: web.Request) -> web.Response:
    store, body = request.config_dict[STORE], await read_object(request)
    badge = store.badges.get(request.match_info["badge_id"])
    if badge is None:
        raise ApiError(404, "No such badge.")
    if body.get("state") not in BADGE_STATES:
        raise ApiError(400, f"`state` is one of {', '.join(BADGE_STATES)}.")
    store.set_state(badge, body["state"], reason=body.get("reason"))
    return web.json_response(renderer(request).badge(badge))


@routes.post("/templates")
async def add_templates(request: web.Request) -> web.Response:
    store, body = request.config_dict[STORE], await read_object(request)
    rows = body.get("templates")
    if not isinstance(rows, list):
        raise ApiError(400, "Send the templates as a list under the key `templates`.")
    try:
        templates = [template_from(row, list(store.organizations.values())) for row in rows]
    except SeedError as error:
        raise ApiError(400, str(error)) from error
    for template in templates:
        store.put_template(template)
    render = renderer(request)
    return web.json_response({"templates": [render.template(template) for template in templates]}, status=201)


@routes.post("/keys")
async def change_key(request: web.Request) -> web.Response:
    body = await read_object(request)
    organization_id, key = body.get("organization_id"), body.get("key")
    if not isinstance(organization_id, str) or not isinstance(key, str) or not key:
        raise ApiError(400, "Send `organization_id` and the new `key`.")
    request.config_dict[STORE].set_key(organization_id, key)
    return web.json_response({"organization_id": organization_id})


@routes.post("/reset")
async def reset(request: web.Request) -> web.Response:
    request.config_dict[FAULTS].clear()
    request.config_dict[TRAFFIC].forget()
    request.config_dict[STORE].reset()
    return web.json_response({"reset": True})


@routes.get("/images/{name}")
async def image(_request: web.Request) -> web.Response:
    return web.Response(text=IMAGE, content_type="image/svg+xml")


@routes.post("/webhook")
async def send_webhook(request: web.Request) -> web.Response:
    body = await read_object(request)
    url = _loopback_url(body.get("url"))
    event = _event(request, body)
    message = {
        "id": event.id,
        "organization_id": event.organization_id,
        "event_type": event.event_type,
        "occurred_at": event.occurred_at,
    }
    status = None
    with suppress(aiohttp.ClientError, TimeoutError):  # nobody answered, which is what the status None says
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WEBHOOK_SECONDS)) as session,
            session.post(url, json=message, allow_redirects=False) as answer,
        ):
            status = answer.status
    return web.json_response({"event": message, "status": status})


def _loopback_url(text: object) -> URL:
    """Raises ApiError 400: this server talks to nobody outside the machine."""
    try:
        url = URL(text if isinstance(text, str) else "")
        loopback = url.host == "localhost" or ipaddress.ip_address(url.host or "").is_loopback
    except ValueError:
        loopback = False
    if not loopback or url.scheme not in ("http", "https"):
        raise ApiError(400, "`url` is an http(s) address on 127.0.0.1, [::1] or localhost.")
    return url


def _event(request: web.Request, body: Json) -> WebhookEvent:
    """The event to send: a stored one, or a new one with its subject as it looks now. Raises ApiError."""
    store, render = request.config_dict[STORE], renderer(request)
    if body.get("event_id"):
        if body["event_id"] not in store.events:
            raise ApiError(404, "No such event.")
        return store.events[body["event_id"]]
    event_type = body.get("event_type")
    if not isinstance(event_type, str) or not event_type:
        raise ApiError(400, "`event_type` is a text such as badge.created or badge_template.changed.")
    if event_type.startswith("badge_template"):
        template = store.templates.get(body.get("badge_template_id") or next(iter(store.templates), ""))
        if template is None:
            raise ApiError(404, "No such badge template.")
        owner, subject_name, subject = template.organization_id, "badge_template", render.template(template)
    else:
        badge = store.badges.get(body.get("badge_id") or next(reversed(store.badges), ""))
        if badge is None:
            raise ApiError(404, "No such badge: issue one first.")
        owner, subject_name, subject = badge.organization_id, "badge", render.badge(badge)
    event = WebhookEvent(
        organization_id=str(body.get("organization_id") or owner),
        event_type=event_type,
        subject_name=subject_name,
        subject=subject,
    )
    store.add_event(event)
    return event
