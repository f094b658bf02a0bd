"""Redis, with an append-only file so that it keeps its streams over a restart."""

from __future__ import annotations

import shutil
import socket

from scripts.services.daemon import Daemon, give, own_directory
from scripts.services.place import HOST, Place

USER = "redis"


def address(place: Place) -> str:
    return f"redis://:{place.password}@{HOST}:{place.port('redis')}/0"


def daemon(place: Place) -> Daemon:
    data = place.data("redis")
    settings = data / "redis.conf"

    def prepare() -> None:
        own_directory(data, USER)
        settings.write_text(
            f"bind {HOST}\nport {place.port('redis')}\nrequirepass {place.password}\ndir {data}\n"
            'appendonly yes\nsave ""\n'
            "set-proc-title no\n"  # its command line is how it is recognised
        )
        give(settings, USER)

    def healthy() -> bool:
        try:
            with socket.create_connection((HOST, place.port("redis")), timeout=1) as connection:
                connection.sendall(f"AUTH {place.password}\r\nPING\r\n".encode())
                with connection.makefile("rb") as answers:
                    return [answers.readline(), answers.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False

    return Daemon(
        name="redis",
        command=[shutil.which("redis-server") or "redis-server", settings],
        marker=str(settings),
        prepare=prepare,
        healthy=healthy,
        user=USER,
    )
