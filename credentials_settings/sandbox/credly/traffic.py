"""How the API is used: what a test of concurrency, of pooled connections or of a rate limit counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from credentials_settings.sandbox.credly.payloads import Json


class Traffic:
    """The requests to the API since the start, or since :meth:`forget`."""

    def __init__(self) -> None:
        self._active = 0
        self.forget()

    def forget(self) -> None:
        """Requests that are being answered stay counted as such."""
        self._peak = self._active
        self._arrivals: list[float] = []
        self._clients: set[object] = set()

    @contextmanager
    def counted(self, request: web.Request) -> Iterator[None]:
        """``request`` is being answered while the block lasts."""
        self._arrivals.append(time.time())
        if request.transport is not None:
            self._clients.add(request.transport.get_extra_info("peername"))
        self._active += 1
        self._peak = max(self._peak, self._active)
        try:
            yield
        finally:
            self._active -= 1

    def shown(self) -> Json:
        return {
            "active": self._active,
            "peak": self._peak,
            "connections": len(self._clients),
            "arrivals": self._arrivals,
        }
