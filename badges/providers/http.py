"""
What an HTTP answer, or none, means: one closed table for all providers, and the base of their clients.

A request is sent at most once; nothing here tries again.
"""

from __future__ import annotations

import abc
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from badges.data import AccountAccess
from badges.exceptions import (
    AmbiguousError,
    CredentialsRefused,
    DuplicateBadge,
    NotFound,
    PermanentError,
    ProviderError,
    TransientError,
)
from badges.providers import retry_after, transport
from badges.providers.reading import Unreadable
from badges.providers.scrubbing import scrub

Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: which answers it is about, the error to raise, what happened and what to do about it."""

    statuses: range
    error: type[ProviderError]
    what: str
    remedy: str = ""


def _only(status: int) -> range:
    return range(status, status + 1)


# The table. {label}, {account} and {setting} are the client's. AmbiguousError is for what may have changed something:
# for a question it is a TransientError.

# S28, S39: connecting failed, or the deadline had passed: the provider knows nothing of it.
NOT_SENT = Row(range(0), TransientError, "{label} was not asked")
# S31: time-out or lost connection after sending; an answer that drips, or is too large.
NO_ANSWER = Row(range(0), AmbiguousError, "{label} did not answer")
# S31: a success that cannot be read: HTML of a gateway, cut JSON, a field missing.
UNREADABLE = Row(
    range(0),
    AmbiguousError,
    "{label} gave an answer that cannot be read",
    "If it stays so, see whether {setting} is the address of its API, and what stands between (a proxy, a firewall).",
)
# S31. Credly has no status of its own for it: a 422, as its public clients find it.
DUPLICATE = Row(_only(422), DuplicateBadge, "{label} says that the learner already has this badge")
# S30. RFC 9110, 15.5.2. Credly: expired after 180 days, rotated, or without the permission.
REFUSED = Row(
    _only(401),
    CredentialsRefused,
    "{label} refused the key of account {account}",
    "Save a new key; what is to be delivered waits for it.",
)

BY_STATUS: tuple[Row, ...] = (
    # S36: not followed, or the key would go to a host that nobody configured.
    Row(range(300, 400), PermanentError, "{label} redirects to another address", "Correct {setting}."),
    REFUSED,
    # S29, S30: the client asks for the account itself before it takes a 403 for a refused key.
    Row(_only(403), PermanentError, "{label} forbids this to the key of account {account}", "Check its permissions."),
    # S29. 410 is a 404 for good (RFC 9110, 15.5.11).
    Row(_only(404), NotFound, "{label} does not know the object"),
    Row(_only(410), NotFound, "{label} does not have the object any more"),
    # S28, S31: a read time-out, seen from the other side (RFC 9110, 15.5.9).
    Row(_only(408), AmbiguousError, "{label} waited too long for the request"),
    # S28: throttled, not handled (RFC 6585, 4).
    Row(_only(429), TransientError, "{label} asks to wait"),
    # S29: every other refusal. Credly's own plugin, too, takes a 422 as final.
    Row(range(400, 500), PermanentError, "{label} refused the request"),
    # S28, S31: a server error doesn't say whether the badge was made.
    Row(range(500, 600), AmbiguousError, "{label} has a problem of its own"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    private: Sequence[str] = dataclasses.field(repr=False)
    query: Mapping[str, str | int] = dataclasses.field(default_factory=dict, repr=False)
    body: bytes | None = dataclasses.field(default=None, repr=False)
    changes: bool = True


class HttpClient(abc.ABC):
    """
    Requests to one account, each before ``deadline``, their answers judged by the table.

    ``read`` arguments turn the decoded JSON of a success into what the caller wants and raise :class:`Unreadable`;
    ``private`` holds the personal data of a request, kept out of every message (S36).
    """

    label: ClassVar[str]
    """What people call the provider."""

    address_setting: ClassVar[str]
    """The setting that holds its address."""

    duplicate_marker: ClassVar[str] = ""
    """What a 422 says, in any case, when the learner already has the badge; empty: it never says so."""

    def __init__(self, access: AccountAccess, *, deadline: float) -> None:
        transport.check_address(access.base_url, self.address_setting)
        self.access = access
        self._deadline = deadline

    @property
    @abc.abstractmethod
    def authorization(self) -> str:
        """The value of the Authorization header."""

    @property
    @abc.abstractmethod
    def account_path(self) -> str:
        """The path of the account itself, which is asked whether a 403 is about the key (S30)."""

    @abc.abstractmethod
    def message_of(self, body: Any) -> str:
        """What the provider says in the decoded body of a refusal, empty if nothing can be found."""

    def get(
        self,
        path: str,
        read: Callable[[Any], Result],
        *,
        query: Mapping[str, str | int] | None = None,
        private: Sequence[str] = (),
    ) -> Result:
        """Read something. Raises no :class:`AmbiguousError`."""
        return self._ask(_Request("GET", path, private, query or {}, changes=False), read)

    def send(
        self,
        method: str,
        path: str,
        read: Callable[[Any], Result],
        *,
        body: Mapping[str, Any],
        private: Sequence[str] = (),
        changes: bool = True,
    ) -> Result:
        """Send a JSON body. ``changes`` False is for a search by POST: like ``get``, it is never ambiguous."""
        return self._ask(_Request(method, path, private, body=json.dumps(body).encode(), changes=changes), read)

    # --- one request -----------------------------------------------------------------------------------------

    def _ask(self, request: _Request, read: Callable[[Any], Result]) -> Result:
        try:
            answer = self._exchange(request)
        except transport.NotSent as problem:
            failure = self._error(NOT_SENT, request, str(problem))
        except transport.NoAnswer as problem:
            failure = self._error(NO_ANSWER, request, str(problem))
        else:
            if 200 <= answer.status < 300:
                try:
                    return read(_decoded(answer.content))
                except Unreadable as problem:
                    failure = self._error(UNREADABLE, request, str(problem), answer)
            else:
                failure = self._refusal(request, answer)
        if not request.changes and isinstance(failure, AmbiguousError):
            failure = TransientError(str(failure), status=failure.status, retry_after=failure.retry_after)
        raise failure

    def _exchange(self, request: _Request) -> transport.Answer:
        headers = {"Accept": "application/json", "Authorization": self.authorization, "User-Agent": "openedx-badges"}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        return transport.send(
            request.method,
            self.access.base_url + request.path,
            headers=headers,
            query=request.query,
            body=request.body,
            deadline=self._deadline,
        )

    # --- judging ---------------------------------------------------------------------------------------------

    def _refusal(self, request: _Request, answer: transport.Answer) -> ProviderError:
        try:
            said = self.message_of(_decoded(answer.content))
        except Unreadable:
            said = ""
        row = next((row for row in BY_STATUS if answer.status in row.statuses), UNREADABLE)
        if answer.status in DUPLICATE.statuses and self.duplicate_marker and self.duplicate_marker in said.casefold():
            row = DUPLICATE
        elif answer.status == 403 and (request.path == self.account_path or self._account_refused()):
            row = REFUSED
        token = self.authorization.rpartition(" ")[2]  # the key as it is sent, without the scheme's name
        return self._error(row, request, scrub(said, [self.access.api_key, token, *request.private]), answer)

    def _account_refused(self) -> bool:
        """Whether the account itself is refused, too. A fault on the way there is raised: then nothing is known."""
        try:
            self.get(self.account_path, lambda body: None)
        except CredentialsRefused:
            return True
        except PermanentError:
            return False
        return False

    def _error(self, row: Row, request: _Request, said: str, answer: transport.Answer | None = None) -> ProviderError:
        status = answer.status if answer else None
        exchange = f"{request.method} {request.path}" + (f": {status}" if status else "")
        names = {"label": self.label, "account": self.access.external_id, "setting": self.address_setting}
        message = f"{row.what.format(**names)} ({exchange})" + (f": {said.rstrip('.')}." if said else ".")
        if row.remedy:
            message += " " + row.remedy.format(**names)
        if issubclass(row.error, TransientError):
            headers = answer.headers if answer else {}
            wait = retry_after.seconds(headers.get("Retry-After", ""), headers.get("Date", ""))
            return row.error(message, status=status, retry_after=wait)
        return row.error(message, status=status)


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON") from None
