"""A port of our choice in front of one that somebody else picked: the mock cluster cannot be told its port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from credentials_settings.sandbox.serving import LOOPBACK

CHUNK_BYTES = 1 << 16


@asynccontextmanager
async def forwarding(port: int, target: tuple[str, int]) -> AsyncIterator[int]:
    """
    Pass every connection to ``port`` on loopback through to ``target``; yields the port, 0 picks a free one.

    Raises OSError when the port is taken. Connections that are open at the end are closed.
    """
    connections: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            # A cancelled connection is one that the end of the server cut: nothing to report.
            with suppress(OSError, asyncio.CancelledError):
                await _connect(reader, writer, target)
        finally:
            connections.discard(task)

    server = await asyncio.start_server(accept, LOOPBACK, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        open_connections = list(connections)
        for task in open_connections:
            task.cancel()
        await asyncio.gather(*open_connections, return_exceptions=True)
        await server.wait_closed()


async def _connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int]) -> None:
    """Both directions until one of them ends: a Kafka connection of which half is closed is of no use."""
    try:
        target_reader, target_writer = await asyncio.open_connection(*target)
        try:
            directions = [
                asyncio.ensure_future(_copy(reader, target_writer)),
                asyncio.ensure_future(_copy(target_reader, writer)),
            ]
            try:
                await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for direction in directions:
                    direction.cancel()
                await asyncio.gather(*directions, return_exceptions=True)
        finally:
            target_writer.close()
    finally:
        writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
