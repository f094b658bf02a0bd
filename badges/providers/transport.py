"""
One HTTP request to a provider: sent once, before its deadline, over TLS, its answer read whole or not at all.

The only importer of ``requests``. Says whether a request left the house at all, because what follows from a failure
depends on it (S31); judging answers is the business of ``http``.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import ipaddress
import logging
import os
import re
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import NoReturn
from urllib.parse import urlsplit

import requests
import urllib3

from badges import clock
from badges.conf import conf
from badges.exceptions import ConfigurationError

MAX_ANSWER = 5 * 1024 * 1024
"""How many bytes of an answer are read."""

_CHUNK = 64 * 1024

_POOL = 100
"""How many connections to a host are kept: the threads of a process that send at the same time. More make new ones."""


class NotSent(Exception):
    """The request was not sent, or not whole; the provider can't have acted."""


class NoAnswer(Exception):
    """The request was sent, and no whole answer came; the provider may have acted."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What the provider answered; nothing in it is judged yet."""

    status: int
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    content: bytes = dataclasses.field(repr=False)


def check_address(base_url: str, setting: str) -> None:
    """
    Refuse an address to which a key must not be sent: only https, and http to this very machine.

    Raises :class:`ConfigurationError`, which names ``setting``.
    """
    parts = urlsplit(base_url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))):
        return
    raise ConfigurationError(
        f"{setting} has to be an https address (http is allowed only for this machine, as 127.0.0.1), "
        f"not one of {parts.scheme or 'no scheme'} at {parts.hostname or 'no host'}."
    )


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    query: Mapping[str, str | int],
    body: bytes | None,
    deadline: float,
) -> Answer:
    """
    Send one request and read its answer, whatever its status; redirects are not followed.

    Nothing is sent after ``deadline`` (S39), looked at once more when the connection stands and the body is about to go
    out. The answer is read until the deadline; one silence of the server, at most ``READ_TIMEOUT``, can run beyond it.

    Raises :class:`NotSent` or :class:`NoAnswer`; their texts name no address, query or content.
    """
    payload = None if body is None else _Body(body, deadline)
    problem: NotSent | NoAnswer
    try:
        with _session(_origin(url), os.getpid()).request(
            method,
            url,
            params=query,
            data=payload,
            headers=dict(headers),
            auth=_as_given,
            timeout=_timeout(deadline),  # type: ignore[arg-type]  # requests takes urllib3's, and it bounds the sum
            allow_redirects=False,
            stream=True,
        ) as response:
            return Answer(response.status_code, response.headers, _read(response.raw, deadline))
    except (NotSent, NoAnswer):
        raise
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        sent = payload is None or payload.started
        problem = NoAnswer(_reason(error)) if sent else NotSent(_reason(error))
    # Outside of the except block: the texts of these libraries hold the URL with an e-mail address in it (S36), and
    # error reporters print the context of an exception.
    raise problem


class _Body(io.BytesIO):
    """
    A request's body that knows whether it was asked for: an HTTP server acts on a whole request only, so before that
    nothing can have happened.
    """

    def __init__(self, content: bytes, deadline: float) -> None:
        super().__init__(content)
        self._deadline = deadline
        self.started = False

    def read(self, size: int | None = -1) -> bytes:
        if not self.started and clock.monotonic() >= self._deadline:
            _too_late()
        self.started = True
        return super().read(size)


def _timeout(deadline: float) -> urllib3.Timeout:
    left = deadline - clock.monotonic()
    if left <= 0:
        _too_late()
    return urllib3.Timeout(total=left, connect=conf.connect_timeout, read=conf.read_timeout)


def _too_late() -> NoReturn:
    raise NotSent("there was no time left before the deadline")


def _read(raw: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """Piece by piece as they come (``read1``), so that a server that drips can't hold a worker."""
    content = bytearray()
    while piece := raw.read1(_CHUNK, decode_content=True):
        content += piece
        if len(content) > MAX_ANSWER:
            raise NoAnswer(f"the answer is larger than {MAX_ANSWER} bytes")
        if raw.length_remaining != 0 and clock.monotonic() >= deadline:
            raise NoAnswer("the answer was not whole at the deadline")
    return bytes(content)


def _reason(error: BaseException) -> str:
    """Why, in words without anything from the request."""
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection could be made; check the certificates on this host"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy could not be used; check HTTPS_PROXY"
    if isinstance(error, (requests.ConnectTimeout, requests.ReadTimeout, urllib3.exceptions.TimeoutError)):
        return "it took too long"
    if isinstance(error, (requests.ConnectionError, urllib3.exceptions.ProtocolError)):
        return "no connection could be made, or it was lost"
    return f"the exchange failed ({type(error).__name__})"


# --- connections ---------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=32)
def _session(origin: str, pid: int) -> requests.Session:
    """
    The pooled connections to one host. ``pid`` because a forked worker must not share them with its parent.

    Used by several threads at once: it holds no state but the pool, so no cookies, and keys travel in the headers of
    the single request.
    """
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=_POOL, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    host = urlsplit(origin).hostname or ""
    session.trust_env = not _is_loopback(host)
    _quiet_hosts.add(host)
    for name in ("urllib3.connectionpool", "urllib3.connection"):
        logging.getLogger(name).addFilter(_without_query)
    return session


_quiet_hosts: set[str] = set()


def _without_query(record: logging.LogRecord) -> bool:
    """Look-ups carry an e-mail address in the query, and urllib3 logs it: cut it off, for our hosts only (S36)."""
    message = record.getMessage()
    if any(host in message for host in _quiet_hosts):
        record.msg, record.args = re.sub(r"\?\S*", "?…", message), ()
    return True


def _as_given(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An ``auth`` that changes nothing; without one, requests puts the host's entry of a ``.netrc`` over our header."""
    return request


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
