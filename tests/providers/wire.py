"""A server that says exactly these bytes, for what no HTTP library would say."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclasses.dataclass
class WireServer:
    """What arrived; ``release`` lets a handler that waits for it go on."""

    url: str
    requests: list[bytes] = dataclasses.field(default_factory=list)
    connections: int = 0
    release: threading.Event = dataclasses.field(default_factory=threading.Event)


Handler = Callable[[socket.socket, WireServer], None]


@contextlib.contextmanager
def wire_server(handle: Handler) -> Iterator[WireServer]:
    """Run ``handle`` in a thread for each connection; the connection is closed when it returns."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = WireServer(f"http://127.0.0.1:{listener.getsockname()[1]}/")
    threads: list[threading.Thread] = []
    connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            handle(connection, server)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            server.connections += 1
            connections.append(connection)
            thread = threading.Thread(target=serve, args=(connection,), daemon=True)
            thread.start()
            threads.append(thread)

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        server.release.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(timeout=5)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(timeout=5)


def read_request(connection: socket.socket, server: WireServer) -> bytes:
    """One request, head and body, noted in ``server.requests``; empty when the client is gone."""
    received = b""
    while b"\r\n\r\n" not in received or len(received) < _whole(received):
        piece = connection.recv(65536)
        if not piece:
            break
        received += piece
    if received:
        server.requests.append(received)
    return received


def _whole(received: bytes) -> int:
    head, _, _ = received.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    return len(head) + 4 + (int(length[1]) if length else 0)


def reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def say(text: str) -> Handler:
    """A handler that answers every request on a connection with these bytes."""

    def handle(connection: socket.socket, server: WireServer) -> None:
        while read_request(connection, server):
            connection.sendall(text.encode())

    return handle


def answer(body: str, status: str = "200 OK", *headers: str) -> str:
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body.encode())}", "", body]
    return "\r\n".join(lines)
