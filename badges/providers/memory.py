"""
A provider in memory, for tests and scenarios without HTTP.

``MemoryProvider.account(external_id)`` is the other side: put templates into it, look at badges and calls, let calls
fail. It is shared by all instances in the process; ``MemoryProvider.reset()`` forgets everything.
"""

from __future__ import annotations

import dataclasses
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

from badges import clock
from badges.data import (
    BadgeQuery,
    IssueRequest,
    ProviderAccountInfo,
    ProviderBadge,
    ProviderBadgeState,
    ProviderTemplate,
)
from badges.exceptions import (
    CredentialsRefused,
    DuplicateBadge,
    NotFound,
    PermanentError,
    ProviderError,
    TransientError,
)
from badges.providers.base import Provider

Result = TypeVar("Result")

OPERATIONS = frozenset(
    ("issue", "revoke", "get_badge", "badges_by_earner_id", "badges_by_email", "fetch_account", "fetch_templates")
)
"""What can be called, counted and made to fail."""


@dataclasses.dataclass(slots=True)
class MemoryBadge:
    """An issued badge; ``request`` is what it was issued with, ``reason`` why it was revoked."""

    external_id: str
    request: IssueRequest
    state: ProviderBadgeState = "pending"
    reason: str = ""

    @property
    def seen(self) -> ProviderBadge:
        """The badge as the app gets to see it."""
        return ProviderBadge(self.external_id, self.state)


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One request that arrived; ``operation`` is one of ``OPERATIONS``."""

    operation: str
    argument: Any = None


@dataclasses.dataclass(slots=True)
class _Fault:
    operation: str
    error: ProviderError
    times: int
    after: bool


@dataclasses.dataclass(slots=True)
class MemoryAccount:
    """
    One account. Without templates it issues every badge; with some, only those that are active.

    ``api_key`` None accepts every key.
    """

    external_id: str
    name: str = "In memory"
    api_key: str | None = dataclasses.field(default=None, repr=False)
    templates: dict[str, ProviderTemplate] = dataclasses.field(default_factory=dict)
    badges: dict[str, MemoryBadge] = dataclasses.field(default_factory=dict)
    calls: list[Call] = dataclasses.field(default_factory=list)
    _faults: list[_Fault] = dataclasses.field(default_factory=list, repr=False)

    def add_template(self, template: ProviderTemplate) -> None:
        """Add a template, or replace the one with its id."""
        self.templates[template.external_id] = template

    def fail(self, operation: str, error: ProviderError, *, times: int = 1, after: bool = False) -> None:
        """
        Let the next ``times`` calls of ``operation`` raise ``error``, in the order in which this was asked for.

        With ``after`` the call is carried out and its answer lost, which is what makes an error ambiguous.
        """
        if operation not in OPERATIONS:
            raise ValueError(f"{operation!r} is none of {', '.join(sorted(OPERATIONS))}")
        self._faults.append(_Fault(operation, error, times, after))

    def count(self, operation: str) -> int:
        """How many calls of ``operation`` arrived."""
        return sum(call.operation == operation for call in self.calls)

    def _take_fault(self, operation: str) -> _Fault | None:
        for fault in self._faults:
            if fault.operation == operation and fault.times > 0:
                fault.times -= 1
                return fault
        return None


class MemoryProvider(Provider):
    """The rules are Credly's: one live badge of a template for an e-mail address and for a stable learner id."""

    name = "memory"
    label = "In memory"
    badge_model = "badges.CredlyBadge"

    _accounts: ClassVar[dict[str, MemoryAccount]] = {}
    _lock: ClassVar[threading.RLock] = threading.RLock()

    @classmethod
    def account(cls, external_id: str) -> MemoryAccount:
        """The account with that id, made on first use."""
        with cls._lock:
            return cls._accounts.setdefault(external_id, MemoryAccount(external_id))

    @classmethod
    def reset(cls) -> None:
        """Forget all accounts."""
        with cls._lock:
            cls._accounts.clear()

    @classmethod
    def base_url(cls) -> str:
        return "memory://"

    def issue(self, request: IssueRequest) -> ProviderBadge:
        return self._carry_out("issue", request, self._issue)

    def send_revoke(self, external_id: str, *, reason: str) -> ProviderBadge:
        return self._carry_out("revoke", external_id, lambda account, key: self._revoke(account, key, reason))

    def badges_by_earner_id(self, query: BadgeQuery) -> list[ProviderBadge]:
        def is_wanted(badge: MemoryBadge) -> bool:
            return badge.request.recipient.earner_id == query.earner_id

        return self._look_up("badges_by_earner_id", query, is_wanted)

    def badges_by_email(self, query: BadgeQuery) -> list[ProviderBadge]:
        def is_wanted(badge: MemoryBadge) -> bool:
            recipient = badge.request.recipient
            return recipient.email.casefold() == query.email.casefold() and recipient.earner_id in (
                "",
                query.earner_id,
            )

        return self._look_up("badges_by_email", query, is_wanted)

    def get_badge(self, external_id: str) -> ProviderBadge:
        return self._carry_out("get_badge", external_id, lambda account, key: _known(account, key).seen)

    def fetch_account(self) -> ProviderAccountInfo:
        return self._carry_out(
            "fetch_account", None, lambda account, _: ProviderAccountInfo(account.external_id, account.name)
        )

    def fetch_templates(self) -> Iterator[ProviderTemplate]:
        yield from self._carry_out("fetch_templates", None, lambda account, _: list(account.templates.values()))

    # --- the other side --------------------------------------------------------------------------------------

    def _carry_out(self, operation: str, argument: Any, act: Callable[[MemoryAccount, Any], Result]) -> Result:
        if clock.monotonic() >= self.deadline:
            raise TransientError("The provider in memory was not asked: there was no time left before the deadline.")
        with self._lock:
            account = self.account(self.access.external_id)
            account.calls.append(Call(operation, argument))
            fault = account._take_fault(operation)
            if fault and not fault.after:
                raise fault.error
            if account.api_key not in (None, self.access.api_key):
                raise CredentialsRefused("The provider in memory refused the key.", status=401)
            result = act(account, argument)
            if fault:
                raise fault.error
            return result

    @staticmethod
    def _issue(account: MemoryAccount, request: IssueRequest) -> ProviderBadge:
        template = account.templates.get(request.template_external_id)
        if account.templates and (template is None or template.state != "active"):
            raise PermanentError("The provider in memory has no such active template.", status=422)
        if any(_same_holder(badge.request, request) for badge in account.badges.values() if badge.seen.is_live):
            raise DuplicateBadge("The provider in memory says that the learner already has this badge.", status=422)
        badge = MemoryBadge(str(uuid.uuid4()), request)
        account.badges[badge.external_id] = badge
        return badge.seen

    @staticmethod
    def _revoke(account: MemoryAccount, external_id: str, reason: str) -> ProviderBadge:
        badge = _known(account, external_id)
        if badge.state == "revoked":
            raise PermanentError("The provider in memory has revoked the badge before.", status=422)
        badge.state, badge.reason = "revoked", reason
        return badge.seen

    def _look_up(
        self, operation: str, query: BadgeQuery, is_wanted: Callable[[MemoryBadge], bool]
    ) -> list[ProviderBadge]:
        def look_up(account: MemoryAccount, query: BadgeQuery) -> list[ProviderBadge]:
            newest_first = reversed(account.badges.values())
            of_template = (
                badge for badge in newest_first if badge.request.template_external_id == query.template_external_id
            )
            return [badge.seen for badge in of_template if is_wanted(badge)]

        return self._carry_out(operation, query, look_up)


def _known(account: MemoryAccount, external_id: str) -> MemoryBadge:
    try:
        return account.badges[external_id]
    except KeyError:
        raise NotFound("The provider in memory does not know the badge.", status=404) from None


def _same_holder(one: IssueRequest, other: IssueRequest) -> bool:
    return one.template_external_id == other.template_external_id and (
        one.recipient.email.casefold() == other.recipient.email.casefold()
        or (bool(one.recipient.earner_id) and one.recipient.earner_id == other.recipient.earner_id)
    )
