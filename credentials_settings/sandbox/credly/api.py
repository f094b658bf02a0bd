"""The API itself, below ``/v1/``: organizations, badge templates, badges, webhook events."""

from __future__ import annotations

import json

from aiohttp import BasicAuth, hdrs, web

from credentials_settings.sandbox.credly.filters import (
    BADGE_ORDER,
    TEMPLATE_FILTERS,
    TEMPLATE_ORDER,
    badge_filters,
    order,
    select,
)
from credentials_settings.sandbox.credly.issuing import read_issue
from credentials_settings.sandbox.credly.payloads import Json, Renderer, page, single
from credentials_settings.sandbox.credly.records import ApiError, Organization
from credentials_settings.sandbox.credly.store import Store

STORE = web.AppKey("store", Store)

routes = web.RouteTableDef()


def renderer(request: web.Request) -> Renderer:
    return Renderer(request.config_dict[STORE], str(request.url.origin()))


async def read_json(request: web.Request) -> object:
    """The body. Raises ApiError 400."""
    try:
        return json.loads(await request.text())
    except ValueError as error:
        raise ApiError(400, "The request body is not JSON") from error


def caller(request: web.Request) -> Organization:
    """
    The organization whose key came as the user name of Basic authentication, with an empty password.

    Raises ApiError 401.
    """
    try:
        credentials = BasicAuth.decode(request.headers.get(hdrs.AUTHORIZATION, ""), encoding="utf-8")
    except ValueError as error:
        raise ApiError(401, "Missing or unreadable authorization token") from error
    organization = request.config_dict[STORE].organization_of(credentials.login)
    if organization is None or credentials.password:
        raise ApiError(401, "Invalid or expired authorization token")
    return organization


def authorized(request: web.Request) -> tuple[Store, Organization]:
    """
    The store, and the organization in the path if the caller's key is its own.

    Raises ApiError: 401 without a valid key or with another organization's, 404 for an unknown organization.
    """
    store, own = request.config_dict[STORE], caller(request)
    wanted = request.match_info["organization_id"]
    if wanted not in store.organizations:
        raise ApiError(404, "Organization not found")
    if wanted != own.id:
        raise ApiError(401, "The authorization token belongs to another organization")
    return store, own


def list_response(request: web.Request, rows: list[Json]) -> web.Response:
    list_url = f"{request.url.origin()}{request.path}"
    return web.json_response(page(rows, request.query.get("page", ""), list_url))


@routes.get("/organizations")
async def list_organizations(request: web.Request) -> web.Response:
    return list_response(request, [renderer(request).organization(caller(request))])


@routes.get("/organizations/{organization_id}")
async def get_organization(request: web.Request) -> web.Response:
    _, organization = authorized(request)
    return web.json_response(single(renderer(request).organization(organization)))


@routes.get("/organizations/{organization_id}/badge_templates")
async def list_templates(request: web.Request) -> web.Response:
    store, organization = authorized(request)
    own = (template for template in store.templates.values() if template.organization_id == organization.id)
    chosen = select(own, request.query.get("filter", ""), TEMPLATE_FILTERS)
    ordered = order(chosen, request.query.get("sort", "name"), TEMPLATE_ORDER)
    return list_response(request, [renderer(request).template(template) for template in ordered])


@routes.get("/organizations/{organization_id}/badge_templates/{template_id}")
async def get_template(request: web.Request) -> web.Response:
    store, organization = authorized(request)
    template = store.template(organization.id, request.match_info["template_id"])
    return web.json_response(single(renderer(request).template(template)))


@routes.get("/organizations/{organization_id}/badges")
async def list_badges(request: web.Request) -> web.Response:
    """The newest first, unless sorted otherwise."""
    store, organization = authorized(request)
    own = (badge for badge in reversed(store.badges.values()) if badge.organization_id == organization.id)
    chosen = select(own, request.query.get("filter", ""), badge_filters(store.templates))
    ordered = order(chosen, request.query.get("sort", ""), BADGE_ORDER)
    return list_response(request, [renderer(request).badge(badge) for badge in ordered])


@routes.post("/organizations/{organization_id}/badges")
async def issue_badge(request: web.Request) -> web.Response:
    store, organization = authorized(request)
    badge = store.issue(organization.id, read_issue(await read_json(request)))
    return web.json_response(single(renderer(request).badge(badge)), status=201)


@routes.get("/organizations/{organization_id}/badges/{badge_id}")
async def get_badge(request: web.Request) -> web.Response:
    store, organization = authorized(request)
    badge = store.badge(organization.id, request.match_info["badge_id"])
    return web.json_response(single(renderer(request).badge(badge)))


@routes.put("/organizations/{organization_id}/badges/{badge_id}/revoke")
async def revoke_badge(request: web.Request) -> web.Response:
    store, organization = authorized(request)
    body = await read_json(request)
    badge = store.badge(organization.id, request.match_info["badge_id"])
    store.revoke(badge, body.get("reason") if isinstance(body, dict) else None)
    return web.json_response(single(renderer(request).badge(badge)))


@routes.delete("/organizations/{organization_id}/badges/{badge_id}")
async def delete_badge(request: web.Request) -> web.Response:
    store, organization = authorized(request)
    store.delete(store.badge(organization.id, request.match_info["badge_id"]))
    return web.Response(status=204)


@routes.get("/organizations/{organization_id}/events/{event_id}")
async def get_event(request: web.Request) -> web.Response:
    store, organization = authorized(request)
    event = store.event(organization.id, request.match_info["event_id"])
    return web.json_response(single(renderer(request).event(event)))
