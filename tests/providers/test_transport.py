from __future__ import annotations

import gzip
import logging
import os
import socket
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pytest_django import Settings

from badges import clock
from badges.exceptions import ConfigurationError
from badges.providers import transport
from badges.providers.transport import Answer, NoAnswer, NotSent, check_address, send
from tests.providers.wire import WireServer, answer, read_request, reset, say, wire_server

BODY = b'{"recipient_email": "learner1@example.com"}'
HEADERS = {"Authorization": "Basic c2VjcmV0Og=="}


def ask(
    url: str, method: str = "POST", *, query: Mapping[str, str] | None = None, deadline: float | None = None
) -> Answer:
    return send(
        method,
        url + "badges",
        headers=HEADERS,
        query=query or {},
        body=None if method == "GET" else BODY,
        deadline=clock.monotonic() + 60 if deadline is None else deadline,
    )


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# --- what is sent and read -----------------------------------------------------------------------------------


def test_the_answer_is_passed_on_whatever_its_status() -> None:
    with wire_server(say(answer("no", "503 Busy", "Retry-After: 7"))) as server:
        got = ask(server.url)
    assert (got.status, got.content, got.headers["retry-after"]) == (503, b"no", "7")


def test_the_request_carries_the_given_header_and_body_and_its_length() -> None:
    with wire_server(say(answer("{}"))) as server:
        ask(server.url)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == BODY
    assert b"Authorization: Basic c2VjcmV0Og==" in head
    assert f"Content-Length: {len(BODY)}".encode() in head
    assert b"chunked" not in head


def test_the_query_is_encoded() -> None:
    with wire_server(say(answer("{}"))) as server:
        ask(server.url, "GET", query={"filter": "recipient_email_all::a+b@example.com|state::pending"})
    assert server.requests[0].startswith(
        b"GET /badges?filter=recipient_email_all%3A%3Aa%2Bb%40example.com%7Cstate%3A%3Apending HTTP/1.1\r\n"
    )


def test_a_compressed_answer_is_unpacked() -> None:
    packed = gzip.compress(b'{"data": {}}')

    def handle(connection: socket.socket, server: WireServer) -> None:
        read_request(connection, server)
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
        connection.sendall(head.encode() + packed)

    with wire_server(handle) as server:
        assert ask(server.url, "GET").content == b'{"data": {}}'


def test_requests_to_one_host_share_a_connection() -> None:
    with wire_server(say(answer("{}"))) as server:
        for _ in range(3):
            ask(server.url)
        assert (len(server.requests), server.connections) == (3, 1)


def test_a_forked_worker_gets_connections_of_its_own() -> None:
    origin = "https://api.example.com"
    assert transport._session(origin, os.getpid()) is not transport._session(origin, os.getpid() + 1)


def test_many_threads_get_each_their_own_answer() -> None:
    def handle(connection: socket.socket, server: WireServer) -> None:
        while request := read_request(connection, server):
            connection.sendall(answer(request.split(b" ")[1].decode()).encode())

    with wire_server(handle) as server, ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda number: ask(server.url, "GET", query={"n": str(number)}).content, range(64))
        assert list(answers) == [f"/badges?n={number}".encode() for number in range(64)]


def test_threads_that_send_at_the_same_time_keep_a_connection_each() -> None:
    together = threading.Barrier(32)

    def handle(connection: socket.socket, server: WireServer) -> None:
        while read_request(connection, server):
            together.wait(30)  # passed by 32 at once, or by nobody
            connection.sendall(answer("{}").encode())

    with wire_server(handle) as server, ThreadPoolExecutor(32) as pool:
        for _ in range(3):
            assert [got.status for got in pool.map(lambda _: ask(server.url, "GET"), range(32))] == [200] * 32
        assert server.connections == 32


def test_cookies_are_not_kept() -> None:
    with wire_server(say(answer("{}", "200 OK", "Set-Cookie: session=1; Path=/"))) as server:
        ask(server.url)
        ask(server.url)
    assert b"Cookie" not in server.requests[1]


def test_a_redirect_is_not_followed() -> None:  # S36
    with wire_server(say(answer("{}"))) as elsewhere:
        redirect = answer("", "307 Temporary Redirect", f"Location: {elsewhere.url}")
        with wire_server(say(redirect)) as server:
            assert ask(server.url).status == 307
        assert elsewhere.requests == []


def test_this_machine_is_not_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    with wire_server(say(answer("{}"))) as server:
        assert ask(server.url).status == 200


def test_a_netrc_file_does_not_replace_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine credly.example login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with wire_server(say(answer("{}"))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        ask("http://credly.example/")
    assert b"Authorization: Basic c2VjcmV0Og==" in proxy.requests[0]


# --- failures, and whether the request was sent --------------------------------------------------------------


def test_a_refused_connection_sends_nothing() -> None:  # S28
    with pytest.raises(NotSent, match="no connection"):
        ask(f"http://127.0.0.1:{closed_port()}/")


def test_a_proxy_that_does_not_answer_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:  # S28
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(NotSent, match="HTTPS_PROXY"):
        ask("https://credly.example/")


def test_without_a_secure_connection_nothing_is_sent() -> None:  # S28
    def handle(connection: socket.socket, server: WireServer) -> None:
        connection.sendall(b"this is no TLS\r\n\r\n")
        server.release.wait(10)

    with wire_server(handle) as server, pytest.raises(NotSent, match="certificates"):
        ask(server.url.replace("http:", "https:"))


def test_a_server_that_is_silent_may_have_acted(settings: Settings) -> None:  # S31
    settings.BADGES = {"READ_TIMEOUT": 0.05}

    def handle(connection: socket.socket, server: WireServer) -> None:
        read_request(connection, server)
        server.release.wait(10)

    with wire_server(handle) as server, pytest.raises(NoAnswer, match="too long"):
        ask(server.url)


def test_the_time_that_is_left_bounds_the_wait(set_monotonic: Callable[..., None]) -> None:  # S39
    set_monotonic(0)

    def handle(connection: socket.socket, server: WireServer) -> None:
        read_request(connection, server)
        server.release.wait(10)

    with wire_server(handle) as server, pytest.raises(NoAnswer, match="too long"):
        ask(server.url, deadline=0.3)


@pytest.mark.parametrize("end", [socket.socket.close, reset], ids=["closed", "reset"])
def test_a_connection_lost_after_sending_may_have_acted(end: Callable[[socket.socket], None]) -> None:  # S31
    def handle(connection: socket.socket, server: WireServer) -> None:
        read_request(connection, server)
        end(connection)

    with wire_server(handle) as server, pytest.raises(NoAnswer, match="lost"):
        ask(server.url)


@pytest.mark.parametrize(
    "said",
    [
        "this is no HTTP\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["no HTTP", "cut", "broken chunks", "broken compression"],
)
def test_an_answer_that_breaks_off_may_have_acted(said: str) -> None:  # S31
    def handle(connection: socket.socket, server: WireServer) -> None:
        read_request(connection, server)
        connection.sendall(said.encode())

    with wire_server(handle) as server, pytest.raises(NoAnswer):
        ask(server.url)


def test_a_huge_answer_is_given_up() -> None:  # S31
    def handle(connection: socket.socket, server: WireServer) -> None:
        read_request(connection, server)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b" " * 65536)

    with wire_server(handle) as server, pytest.raises(NoAnswer, match="larger than 5242880 bytes"):
        ask(server.url)


# --- the deadline --------------------------------------------------------------------------------------------


def test_nothing_is_sent_after_the_deadline() -> None:  # S39
    with wire_server(say(answer("{}"))) as server:
        with pytest.raises(NotSent, match="no time left"):
            ask(server.url, deadline=clock.monotonic())
        assert server.connections == 0


def test_a_deadline_that_passes_while_connecting_holds_the_body_back(set_monotonic: Callable[..., None]) -> None:
    # S39
    with wire_server(say(answer("{}"))) as server:
        set_monotonic(0, 100)  # before connecting; before the body goes out
        with pytest.raises(NotSent, match="no time left"):
            ask(server.url, deadline=60)
    assert BODY not in b"".join(server.requests)


def test_a_server_that_drips_is_left_at_the_deadline(set_monotonic: Callable[..., None]) -> None:  # S39
    def handle(connection: socket.socket, server: WireServer) -> None:
        read_request(connection, server)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        server.release.wait(10)

    with wire_server(handle) as server:
        set_monotonic(0, 0, 100)  # before connecting; before the body goes out; after the first piece
        with pytest.raises(NoAnswer, match="not whole at the deadline"):
            ask(server.url, deadline=60)


def test_an_answer_that_is_whole_counts_even_at_the_deadline(set_monotonic: Callable[..., None]) -> None:
    with wire_server(say(answer("{}"))) as server:
        set_monotonic(0, 0, 100)
        assert ask(server.url, deadline=60).content == b"{}"


# --- what must not show --------------------------------------------------------------------------------------


def test_failures_and_their_tracebacks_tell_nothing_of_the_request() -> None:  # S36
    learner = "1".join(["learner", "@example.com"])  # in two parts: a traceback shows the lines of this file, too
    with pytest.raises(NotSent) as caught:
        ask(f"http://127.0.0.1:{closed_port()}/", query={"filter": f"recipient_email_all::{learner}"})
    told = "".join(traceback.format_exception(caught.value))
    assert "closed_port" in told
    assert "learner1" not in told
    assert caught.value.__context__ is None


def test_the_http_librarys_own_log_shows_no_query(caplog: pytest.LogCaptureFixture) -> None:  # S36
    caplog.set_level(logging.DEBUG)
    with wire_server(say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nBroken header\r\n\r\n{}")) as server:
        ask(server.url, "GET", query={"filter": "recipient_email_all::learner1@example.com"})
    assert "GET /badges?…" in caplog.text
    assert "Failed to parse headers" in caplog.text
    assert "learner1" not in caplog.text


def test_logs_about_other_hosts_are_left_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with wire_server(say(answer("{}"))) as server:
        ask(server.url)
    logging.getLogger("urllib3.connectionpool").debug("%s %s", "elsewhere.example", "/x?y=1")
    assert "elsewhere.example /x?y=1" in caplog.text


def test_an_answer_does_not_show_its_content() -> None:  # S36
    assert "learner1" not in repr(Answer(200, {"X-Name": "learner1"}, b"learner1"))


# --- addresses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://api.credly.com/v1/",
        "http://127.0.0.1:8090/v1/",
        "http://localhost/v1/",
        "http://[::1]:80/",
        "http://127.9.9.9/",
    ],
)
def test_an_address_with_tls_or_on_this_machine_is_taken(url: str) -> None:
    check_address(url, "THE_SETTING")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.credly.com/v1/",
        "http://127.0.0.1.example.com/",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "api.credly.com",
        "",
        "https://",
    ],
)
def test_any_other_address_is_refused_and_the_setting_named(url: str) -> None:  # S36
    with pytest.raises(ConfigurationError, match="THE_SETTING"):
        check_address(url, "THE_SETTING")


def test_a_refused_address_does_not_show_the_password_in_it() -> None:  # S36
    with pytest.raises(ConfigurationError) as caught:
        check_address("http://user:hunter2@credly.example/", "THE_SETTING")
    assert "hunter2" not in str(caught.value)
