"""
The schema registry's HTTP interface: the part of Confluent's that its clients and edx-event-bus-kafka use.

Every schema is accepted next to every other (compatibility NONE). Source of paths and answers:
https://docs.confluent.io/platform/current/schema-registry/develop/api.html
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from credentials_settings.sandbox.kafka.schemas import INVALID_SCHEMA, RegistryError, Schemas

SCHEMAS = web.AppKey("schemas", Schemas)
CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"

routes = web.RouteTableDef()


def reply(content: object, status: int = 200) -> web.Response:
    return web.json_response(content, status=status, content_type=CONTENT_TYPE)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Clients read ``error_code`` from every failure, also for paths that do not exist."""
    try:
        return await handler(request)
    except RegistryError as error:
        return reply({"error_code": error.error_code, "message": error.message}, error.status)
    except web.HTTPException as error:
        return reply({"error_code": error.status, "message": f"HTTP {error.status} {error.reason}"}, error.status)


async def schema_in(request: web.Request) -> str:
    """The schema in the body. Raises RegistryError."""
    try:
        body: dict[str, Any] = json.loads(await request.text())
        schema, kind, references = body["schema"], body.get("schemaType", "AVRO"), body.get("references")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RegistryError(INVALID_SCHEMA, 'Send {"schema": "<Avro schema as JSON text>"}') from error
    if not isinstance(schema, str) or kind != "AVRO" or references:
        raise RegistryError(INVALID_SCHEMA, "Only Avro schemas without references are supported")
    return schema


@routes.get("/")
async def root(_request: web.Request) -> web.Response:
    return reply({})


@routes.get("/config")
async def config(_request: web.Request) -> web.Response:
    return reply({"compatibilityLevel": "NONE"})


@routes.get("/schemas/ids/{id:[0-9]+}")
async def schema_by_id(request: web.Request) -> web.Response:
    return reply({"schema": request.app[SCHEMAS].schema(int(request.match_info["id"]))})


@routes.get("/subjects")
async def subjects(request: web.Request) -> web.Response:
    return reply(request.app[SCHEMAS].subjects())


@routes.get("/subjects/{subject}/versions")
async def versions(request: web.Request) -> web.Response:
    count = len(request.app[SCHEMAS].versions(request.match_info["subject"]))
    return reply(list(range(1, count + 1)))


@routes.get("/subjects/{subject}/versions/{version}")
async def version(request: web.Request) -> web.Response:
    found = request.app[SCHEMAS].version(request.match_info["subject"], request.match_info["version"])
    return reply(asdict(found))


@routes.post("/subjects/{subject}/versions")
async def register(request: web.Request) -> web.Response:
    registered = request.app[SCHEMAS].register(request.match_info["subject"], await schema_in(request))
    return reply({"id": registered.id})


@routes.post("/subjects/{subject}")
async def find(request: web.Request) -> web.Response:
    return reply(asdict(request.app[SCHEMAS].find(request.match_info["subject"], await schema_in(request))))


def registry_app(schemas: Schemas) -> web.Application:
    app = web.Application(middlewares=(errors,))
    app[SCHEMAS] = schemas
    app.add_routes(routes)
    return app
