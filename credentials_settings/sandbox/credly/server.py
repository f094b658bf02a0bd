"""The application: API, control plane, and what happens around every request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from credentials_settings.sandbox.credly import api, control
from credentials_settings.sandbox.credly.faults import Faults
from credentials_settings.sandbox.credly.journal import Journal
from credentials_settings.sandbox.credly.payloads import failure
from credentials_settings.sandbox.credly.records import ApiError, Organization, Template
from credentials_settings.sandbox.credly.seeds import demo_organizations, demo_templates
from credentials_settings.sandbox.credly.store import Store
from credentials_settings.sandbox.credly.traffic import Traffic
from credentials_settings.sandbox.serving import LOOPBACK, in_thread, listening

logger = logging.getLogger(__name__)

API = "/v1"
CONTROL = "/_sandbox"


@dataclass(frozen=True)
class RunningCredly:
    """Where the server is."""

    port: int

    @property
    def origin(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """The API's base address, ending in ``/v1/``: for ``CREDLY_API_BASE_URL``."""
        return f"{self.origin}{API}/"

    @property
    def control_url(self) -> str:
        """The control plane's base address, ending in ``/_sandbox/``."""
        return f"{self.origin}{CONTROL}/"


@web.middleware
async def api_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Everything that goes wrong, a wrong path or method too, in the envelope of Credly's errors."""
    try:
        return await handler(request)
    except ApiError as error:
        return web.json_response(failure(error.message), status=error.status)
    except web.HTTPException as error:
        return web.json_response(failure(error.reason), status=error.status)


@web.middleware
async def control_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return web.json_response({"error": error.message}, status=error.status)


def build_app(store: Store, faults: Faults, latency_ms: float) -> web.Application:
    traffic = Traffic()

    @web.middleware
    async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
        with traffic.counted(request):
            return await handler(request)

    @web.middleware
    async def weather(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Latency and faults, before anything else happens; requests to issue are counted even then."""
        if request.method == "POST" and request.path.endswith("/badges"):
            with suppress(ApiError):  # not JSON: there is nobody to count it for
                store.count_post(await api.read_json(request))
        await asyncio.sleep(latency_ms / 1000)
        fault = faults.take(request.method, request.path)
        return await (faults.inject(fault, request, handler) if fault else handler(request))

    app = web.Application()
    app[api.STORE], app[control.FAULTS], app[control.TRAFFIC] = store, faults, traffic
    for prefix, routes, middlewares in (
        (API, api.routes, (counted, weather, api_errors)),
        (CONTROL, control.routes, (control_errors,)),
    ):
        part = web.Application(middlewares=middlewares)
        part.add_routes(routes)
        app.add_subapp(prefix, part)
    return app


@asynccontextmanager
async def credly(
    *,
    port: int = 0,
    organizations: Sequence[Organization] = (),
    templates: Sequence[Template] | None = None,
    latency_ms: float = 0,
    hang_seconds: float = 30,
    state_file: Path | None = None,
) -> AsyncIterator[RunningCredly]:
    """
    Serve on loopback while the block lasts; port 0 picks a free one.

    Without organizations and templates there are the demo ones. ``latency_ms`` delays every request to the API,
    ``hang_seconds`` is how long a ``timeout`` fault holds a connection, ``state_file`` keeps what happens across
    restarts; a key or template changed over the control plane then wins over the one given here.
    """
    owners = list(organizations) or demo_organizations()
    seeds = demo_templates(owners[0].id) if templates is None else list(templates)
    journal = Journal(state_file)
    store = Store(owners, seeds, journal)
    try:
        async with listening(build_app(store, Faults(hang_seconds), latency_ms), port, logger) as actual_port:
            yield RunningCredly(actual_port)
    finally:
        journal.close()


running_credly = in_thread(credly)
