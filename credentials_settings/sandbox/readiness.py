"""How to tell that a started process is ready: each function makes a check that the supervisor repeats."""

from __future__ import annotations

import http.client
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

Ready = Callable[[str], bool]
"""Given what the process has logged since it was started: is it ready?"""

PROBE_SECONDS = 1.0


class AddressTaken(RuntimeError):
    """Somebody answers there before the process was started, so that it could not be told apart."""


def free_port() -> int:
    """
    A TCP port on loopback that nobody listens on at the moment.

    Somebody else can take it before you do: prefer servers that take port 0 and tell their port in a ready file.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_open(port: int, host: str = "127.0.0.1") -> Ready:
    """Somebody accepts connections there. Raises AddressTaken when that is so already."""

    def check(_log: str) -> bool:
        try:
            with socket.create_connection((host, port), timeout=PROBE_SECONDS):
                return True
        except OSError:
            return False

    return _not_yet(check, f"{host}:{port}")


def url_answers(url: str) -> Ready:
    """
    A GET is answered with a status below 500: a page that asks for a login is up, too.

    Raises AddressTaken when that is so already.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def check(_log: str) -> bool:
        try:
            with opener.open(url, timeout=PROBE_SECONDS):
                return True
        except urllib.error.HTTPError as error:
            with error:
                return error.code < 500
        except (OSError, http.client.HTTPException):
            return False

    return _not_yet(check, url)


def log_contains(text: str) -> Ready:
    """The process has printed the text."""
    return lambda log: text in log


def file_written(path: Path) -> Ready:
    """The file exists and is not empty; one that an earlier process left is removed here and now."""
    path.unlink(missing_ok=True)
    return lambda _log: path.exists() and path.stat().st_size > 0


def _not_yet(check: Ready, address: str) -> Ready:
    if check(""):
        raise AddressTaken(f"Something else answers at {address}: stop it, or choose another port.")
    return check
