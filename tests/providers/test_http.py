"""The table of ``badges.providers.http``, row by row, on real answers."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from badges import clock
from badges.data import AccountAccess
from badges.exceptions import (
    AmbiguousError,
    ConfigurationError,
    CredentialsRefused,
    DuplicateBadge,
    NotFound,
    PermanentError,
    ProviderError,
    TransientError,
)
from badges.providers.http import BY_STATUS, HttpClient
from badges.providers.reading import Unreadable, mapping, text
from tests.providers.wire import WireServer, read_request, say, wire_server

KEY = "a-very-secret-key"


class Client(HttpClient):
    """The least that a provider's client has to say."""

    label = "Example"
    address_setting = "BADGES['EXAMPLE_URL']"
    duplicate_marker = "already has this badge"

    authorization = f"Token {KEY}"
    account_path = "account"

    def message_of(self, body: Any) -> str:
        return str(body.get("message", "")) if isinstance(body, dict) else ""

    def thing(self) -> str:
        return self.get("things/1", _name, query={"email": "learner1@example.com"}, private=["learner1@example.com"])

    def make(self, method: str = "POST") -> str:
        return self.send(method, "things", _name, body={"name": "Adalbert"}, private=["Adalbert"])


def _name(body: Any) -> str:
    return text(mapping(body, "the answer"), "name", "the thing")


def client_of(url: str) -> Client:
    return Client(AccountAccess("example", "account-1", url, KEY), deadline=clock.monotonic() + 60)


@pytest.fixture
def client(httpserver: HTTPServer) -> Client:
    return client_of(httpserver.url_for("/"))


def answer_all(httpserver: HTTPServer, status: int, body: object = None, headers: dict[str, str] | None = None) -> None:
    response = Response(json.dumps(body or {}), status=status, headers=headers, content_type="application/json")
    for path in ("/things", "/things/1"):
        httpserver.expect_request(path).respond_with_response(response)


def failure_of(client: Client, method: str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        client.thing() if method == "GET" else client.make(method)
    return caught.value


# --- answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (301, PermanentError),
        (302, PermanentError),
        (307, PermanentError),
        (400, PermanentError),
        (401, CredentialsRefused),
        (402, PermanentError),
        (404, NotFound),
        (405, PermanentError),
        (408, AmbiguousError),
        (409, PermanentError),
        (410, NotFound),
        (422, PermanentError),
        (429, TransientError),
        (499, PermanentError),
        (500, AmbiguousError),
        (502, AmbiguousError),
        (503, AmbiguousError),
        (504, AmbiguousError),
        (599, AmbiguousError),
        (600, AmbiguousError),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_each_status_has_its_error(
    httpserver: HTTPServer, client: Client, method: str, status: int, expected: type[ProviderError]
) -> None:  # S28 S29 S30 S31
    answer_all(httpserver, status)
    failure = failure_of(client, method)
    if method == "GET" and expected is AmbiguousError:
        expected = TransientError
    assert (type(failure), failure.status) == (expected, status)


def test_a_search_by_post_changes_nothing_and_so_is_never_ambiguous(httpserver: HTTPServer, client: Client) -> None:
    answer_all(httpserver, 500)
    with pytest.raises(TransientError) as caught:
        client.send("POST", "things", _name, body={}, changes=False)
    assert type(caught.value) is TransientError


def test_no_status_of_a_failure_is_missing_in_the_table() -> None:
    covered = {status for row in BY_STATUS for status in row.statuses}
    assert covered == set(range(300, 600))


def test_a_422_that_says_so_is_a_duplicate(httpserver: HTTPServer, client: Client) -> None:  # S31
    answer_all(httpserver, 422, {"message": "User ALREADY has this Badge."})
    assert type(failure_of(client, "POST")) is DuplicateBadge


def test_a_500_that_says_so_is_none(httpserver: HTTPServer, client: Client) -> None:  # S31
    answer_all(httpserver, 500, {"message": "User already has this badge"})
    assert type(failure_of(client, "POST")) is AmbiguousError


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "body",
    [
        "<html>Please wait</html>",
        "",
        '{"name": ',
        '{"other": 1}',
        '{"name": null}',
        '{"name": ""}',
        "[]",
        "[" * 100_000,
        "\ud83d",
    ],
    ids=["HTML", "empty", "cut", "no field", "null", "blank", "a list", "too deep", "not UTF-8"],
)
def test_a_success_that_cannot_be_read_may_have_acted(
    httpserver: HTTPServer, client: Client, method: str, body: str
) -> None:  # S31
    content = body.encode("utf-8", "surrogatepass")
    for path in ("/things", "/things/1"):
        httpserver.expect_request(path).respond_with_data(content, status=200)
    failure = failure_of(client, method)
    assert type(failure) is (TransientError if method == "GET" else AmbiguousError)
    assert "cannot be read" in str(failure)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_every_2xx_is_a_success(httpserver: HTTPServer, client: Client, status: int) -> None:
    answer_all(httpserver, status, {"name": "one"})
    assert client.make() == "one"


def test_a_refusal_without_a_readable_body_is_a_refusal(httpserver: HTTPServer, client: Client) -> None:  # S29
    httpserver.expect_request("/things").respond_with_data("<html>No</html>", status=422)
    assert str(failure_of(client, "POST")) == "Example refused the request (POST things: 422)."


# --- no answer -----------------------------------------------------------------------------------------------


def test_a_server_that_hangs_up_may_have_acted() -> None:  # S31
    with wire_server(lambda connection, server: None) as server:
        assert type(failure_of(client_of(server.url), "GET")) is TransientError

    def read_and_hang_up(connection: socket.socket, server: WireServer) -> None:
        read_request(connection, server)

    with wire_server(read_and_hang_up) as server:
        assert type(failure_of(client_of(server.url), "PUT")) is AmbiguousError


def test_a_server_that_is_not_there_did_not_act() -> None:  # S28
    with wire_server(say("")) as server:
        pass
    failure = failure_of(client_of(server.url), "POST")
    assert (type(failure), failure.status) == (TransientError, None)
    assert str(failure).startswith("Example was not asked (POST things): ")


# --- 403: the key, or one object? ----------------------------------------------------------------------------


@pytest.mark.parametrize("account_status", [401, 403])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_403_that_the_account_answers_too_is_a_refused_key(
    httpserver: HTTPServer, client: Client, method: str, account_status: int
) -> None:  # S30
    answer_all(httpserver, 403)
    httpserver.expect_request("/account").respond_with_json({}, status=account_status)
    failure = failure_of(client, method)
    assert (type(failure), failure.status) == (CredentialsRefused, 403)
    assert "Save a new key" in str(failure)


@pytest.mark.parametrize("account_status", [200, 404])
def test_a_403_on_one_object_is_permanent(httpserver: HTTPServer, client: Client, account_status: int) -> None:
    # S29 S30
    answer_all(httpserver, 403, {"message": "Not yours"})
    httpserver.expect_request("/account").respond_with_json({}, status=account_status)
    failure = failure_of(client, "POST")
    assert (type(failure), failure.status) == (PermanentError, 403)
    assert "Not yours" in str(failure)


def test_a_403_stays_undecided_while_the_account_cannot_be_asked(httpserver: HTTPServer, client: Client) -> None:
    # S30
    answer_all(httpserver, 403)
    httpserver.expect_request("/account").respond_with_json({}, status=500)
    assert type(failure_of(client, "POST")) is TransientError


# --- Retry-After ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_is_asked_for_is_passed_on(httpserver: HTTPServer, client: Client, status: int) -> None:  # S28
    answer_all(httpserver, status, headers={"Retry-After": "17"})
    failure = failure_of(client, "POST")
    assert isinstance(failure, TransientError)
    assert failure.retry_after == 17


def test_no_wait_is_made_up(httpserver: HTTPServer, client: Client) -> None:  # S28
    answer_all(httpserver, 429)
    failure = failure_of(client, "GET")
    assert isinstance(failure, TransientError)
    assert failure.retry_after is None


# --- messages ------------------------------------------------------------------------------------------------


def test_a_refused_key_is_named_by_its_account_with_what_to_do(httpserver: HTTPServer, client: Client) -> None:  # S30
    answer_all(httpserver, 401, {"message": "Token expired."})
    assert str(failure_of(client, "POST")) == (
        "Example refused the key of account account-1 (POST things: 401): Token expired. "
        "Save a new key; what is to be delivered waits for it."
    )


def test_a_redirect_names_the_setting(httpserver: HTTPServer, client: Client) -> None:
    answer_all(httpserver, 302, headers={"Location": "https://elsewhere.example/"})
    assert "BADGES['EXAMPLE_URL']" in str(failure_of(client, "POST"))


def test_what_the_provider_says_is_told_without_keys_addresses_and_names(
    httpserver: HTTPServer, client: Client
) -> None:  # S36
    answer_all(httpserver, 422, {"message": f"No badge for Adalbert, x@example.com, with Token {KEY}: bad template"})
    assert str(failure_of(client, "POST")) == (
        "Example refused the request (POST things: 422): "
        "No badge for [removed], [removed], with Token [removed]: bad template."
    )


@pytest.mark.parametrize("status", [301, 401, 404, 408, 422, 429, 500])
def test_no_failure_shows_the_query_or_has_a_context_that_does(
    httpserver: HTTPServer, client: Client, status: int
) -> None:  # S36
    answer_all(httpserver, status)
    failure = failure_of(client, "GET")
    assert "learner1" not in str(failure)
    assert failure.__context__ is None


def test_an_unsafe_address_is_refused_before_a_key_is_sent() -> None:  # S36
    with pytest.raises(ConfigurationError, match="EXAMPLE_URL"):
        client_of("http://api.example.com/")


def test_headers_are_the_providers(httpserver: HTTPServer, client: Client) -> None:
    answer_all(httpserver, 200, {"name": "one"})
    client.make()
    request, _ = httpserver.log[0]
    assert request.headers["Authorization"] == f"Token {KEY}"
    assert request.headers["Accept"] == request.headers["Content-Type"] == "application/json"
    assert request.get_json() == {"name": "Adalbert"}


def test_reading_errors_of_the_caller_are_not_swallowed(httpserver: HTTPServer, client: Client) -> None:
    answer_all(httpserver, 200, {"name": "one"})

    def broken(body: Any) -> str:
        raise KeyError("a mistake of ours")

    with pytest.raises(KeyError):
        client.get("things/1", broken)


def test_what_is_missing_is_named(httpserver: HTTPServer, client: Client) -> None:
    answer_all(httpserver, 200, {})

    def strict(body: Any) -> str:
        raise Unreadable("the thing has no name")

    with pytest.raises(TransientError, match="the thing has no name"):
        client.get("things/1", strict)
