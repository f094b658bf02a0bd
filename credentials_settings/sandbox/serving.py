"""
What the development servers share: listening on loopback, telling when they are ready, stopping on a signal.

A server is an async context manager that yields what there is to know about it. ``serve_until_signal`` runs one as a
process, ``in_thread`` makes one usable inside a test. All state of a server is touched by its own event loop only,
which is what makes it safe with any number of clients.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from anyio.from_thread import start_blocking_portal

Server = TypeVar("Server")
Options = ParamSpec("Options")

LOOPBACK = "127.0.0.1"
SHUTDOWN_SECONDS = 0.5
"""How long a stopping server waits for requests that are still being answered."""


class PathOnlyAccessLogger(AbstractAccessLogger):
    """One line a request, without the query: filters carry e-mail addresses."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        self.logger.info("%s %s -> %s in %.0f ms", request.method, request.path, response.status, time * 1000)

    @property
    def enabled(self) -> bool:
        return self.logger.isEnabledFor(logging.INFO)


@asynccontextmanager
async def listening(app: web.Application, port: int, logger: logging.Logger) -> AsyncIterator[int]:
    """
    Serve ``app`` on loopback and yield the port; 0 picks a free one.

    Raises OSError when the port is taken.
    """
    runner = web.AppRunner(
        app, shutdown_timeout=SHUTDOWN_SECONDS, access_log=logger, access_log_class=PathOnlyAccessLogger
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def in_thread(
    server: Callable[Options, AbstractAsyncContextManager[Server]],
) -> Callable[Options, AbstractContextManager[Server]]:
    """``server`` for code without an event loop: it runs in a thread of its own while a ``with`` block lasts."""

    @contextmanager
    @wraps(server)
    def running(*args: Options.args, **kwargs: Options.kwargs) -> Iterator[Server]:
        with start_blocking_portal() as portal, portal.wrap_async_context_manager(server(*args, **kwargs)) as started:
            yield started

    return running


def serve_until_signal(
    server: AbstractAsyncContextManager[Server],
    *,
    describe: Callable[[Server], str],
    facts: Callable[[Server], Mapping[str, object]],
    ready_file: Path | None = None,
) -> None:
    """
    Run ``server`` in this process until SIGTERM or SIGINT; then stop it cleanly and return.

    Once it answers, prints ``describe(server)`` as one line and, if asked for, writes ``facts(server)`` and the
    process id to ``ready_file`` as JSON. A port that is taken ends the process with a message and exit code 1.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_until_signal(server, describe, facts, ready_file))
    except OSError as error:
        raise SystemExit(f"The server cannot start: {error}. Choose another port or file.") from error


async def _until_signal(
    server: AbstractAsyncContextManager[Server],
    describe: Callable[[Server], str],
    facts: Callable[[Server], Mapping[str, object]],
    ready_file: Path | None,
) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with server as running:
        print(describe(running), flush=True)
        # Last: who waits for the file finds all the rest done.
        if ready_file is not None:
            write_whole(ready_file, json.dumps({"pid": os.getpid(), **facts(running)}))
        await stopping.wait()


def write_whole(path: Path, text: str) -> None:
    """Replace the file at once, so that a reader sees the old text or the new one, never a part."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
