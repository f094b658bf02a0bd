"""
Faults on demand: which request is to go wrong, how, and how often.

A fault takes effect *before* the request is carried out, unless it says ``after_commit``.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from credentials_settings.sandbox.credly.payloads import failure

logger = logging.getLogger(__name__)

MODES = ("timeout", "reset", "drop_after_commit", "garbage", "latency", "hold")
NO_ANSWER = 444
"""What the access log shows for a connection that was ended; this response goes nowhere (nginx's number for it)."""
GARBAGE = (
    "<!DOCTYPE html><html><head><title>Please wait</title></head><body><h1>Checking your browser</h1></body></html>"
)


class FaultError(ValueError):
    """This is not a fault that the server can inject."""


@dataclass
class Fault:
    """
    One order to misbehave.

    ``match`` is a method, or none for any, and a part of the path; ``$`` at the end pins it to the path's end:
    ``POST /badges``, ``GET /badges$``, ``/organizations``. ``mode`` is an HTTP status from 400 on or one of:

    - ``timeout``: no answer; after the server's hang time (seconds) the connection is closed
    - ``reset``: TCP RST
    - ``drop_after_commit``: carried out, then closed without an answer
    - ``garbage``: 200 with HTML
    - ``latency``: carried out and answered, only late
    - ``hold``: carried out and answered once all orders are cleared

    ``times`` None means until it is cleared. ``latency_ms`` delays the request first; ``retry_after`` is sent with a
    status (429 always has one, 1 second by default). ``after_commit`` carries the request out before it goes wrong.
    """

    match: str
    mode: str
    times: int | None = 1
    retry_after: float | None = None
    latency_ms: float = 0
    after_commit: bool = False
    injected: int = 0

    @property
    def remaining(self) -> int | None:
        return None if self.times is None else self.times - self.injected

    def applies_to(self, method: str, path: str) -> bool:
        wanted_method, _, wanted_path = self.match.rpartition(" ")
        if self.remaining == 0 or wanted_method not in ("", method):
            return False
        return path.endswith(wanted_path[:-1]) if wanted_path.endswith("$") else wanted_path in path

    @classmethod
    def read(cls, body: object) -> Fault:
        """A fault from the control plane's JSON. Raises FaultError."""
        if not isinstance(body, dict):
            raise FaultError('A fault is a JSON object: {"match": "POST /badges", "mode": "500", "times": 1}.')
        unknown = set(body) - {"match", "mode", "times", "retry_after", "latency_ms", "after_commit"}
        if unknown:
            raise FaultError(f"Unknown key {', '.join(sorted(unknown))}.")
        match, mode, times = body.get("match"), str(body.get("mode")), body.get("times", 1)
        if not isinstance(match, str) or not match.strip():
            raise FaultError("`match` is a method and a part of the path, such as `POST /badges`.")
        if mode not in MODES and not (mode.isdecimal() and 400 <= int(mode) <= 599):
            raise FaultError(f"Unknown mode `{mode}`: use {', '.join(MODES)} or an HTTP status from 400 to 599.")
        if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
            raise FaultError("`times` is a whole number from 1 on, or null for: until cleared.")
        return cls(
            match=match.strip(),
            mode=mode,
            times=times,
            retry_after=_seconds(body, "retry_after"),
            latency_ms=_seconds(body, "latency_ms") or 0,
            after_commit=bool(body.get("after_commit")) or mode == "drop_after_commit",
        )


def _seconds(body: dict[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
        raise FaultError(f"`{name}` is a number from 0 on.")
    return value


class Faults:
    """The orders, oldest first, and their execution."""

    def __init__(self, hang_seconds: float) -> None:
        self.orders: list[Fault] = []
        self._hang_seconds = hang_seconds
        self._cleared = asyncio.Event()

    def clear(self) -> None:
        """Forget all orders, and let go what they hold."""
        self.orders.clear()
        self._cleared.set()
        self._cleared = asyncio.Event()

    def take(self, method: str, path: str) -> Fault | None:
        """The oldest fault that applies to the request, counted as injected."""
        for fault in self.orders:
            if fault.applies_to(method, path):
                fault.injected += 1
                return fault
        return None

    async def inject(self, fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer the request as the fault says, or don't."""
        logger.info("fault %s injected into %s %s", fault.mode, request.method, request.path)
        cleared = self._cleared  # of the orders this one belongs to: they may be cleared during the sleep
        await asyncio.sleep(fault.latency_ms / 1000)
        if fault.mode == "hold":
            await cleared.wait()
        if fault.mode in ("latency", "hold"):
            return await handler(request)
        if fault.after_commit:
            await handler(request)
        match fault.mode:
            case "timeout":
                await asyncio.sleep(self._hang_seconds)
                return _closed(request)
            case "reset":
                return _reset(request)
            case "drop_after_commit":
                return _closed(request)
            case "garbage":
                return web.Response(text=GARBAGE, content_type="text/html")
            case status:
                return _refusal(int(status), fault.retry_after)


def _refusal(status: int, retry_after: float | None) -> web.Response:
    if status == HTTPStatus.TOO_MANY_REQUESTS and retry_after is None:
        retry_after = 1
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    known = status in HTTPStatus._value2member_map_
    message = HTTPStatus(status).phrase if known else "Injected fault"
    return web.json_response(failure(message), status=status, headers=headers)


def _closed(request: web.Request) -> web.Response:
    """End the connection."""
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=NO_ANSWER)


def _reset(request: web.Request) -> web.Response:
    """End the connection with RST instead of FIN: that is what closing does when it may not linger."""
    if request.transport is not None:
        connection: socket.socket = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response(status=NO_ANSWER)
