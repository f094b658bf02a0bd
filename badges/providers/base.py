"""What a badge provider does for the app; see ``docs/how-tos/add_a_provider.rst``."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, final

from badges.data import (
    AccountAccess,
    BadgeQuery,
    IssueRequest,
    ProviderAccountInfo,
    ProviderBadge,
    ProviderEvent,
    ProviderTemplate,
)
from badges.exceptions import NotFound, PermanentError
from badges.providers.reading import Unreadable


class Provider(abc.ABC):
    """
    One account at a badge provider, for the length of one delivery or one synchronization.

    ``deadline`` is a moment on ``badges.clock.monotonic``. No request is sent after it: a method that would have to
    raises :class:`TransientError`, and nothing was asked of the provider (S39).

    Every method may raise, from the ``ProviderError`` tree:

    - :class:`TransientError`: not available, and nothing was done (S28);
    - :class:`AmbiguousError`, from ``issue`` and ``revoke`` only: whether it was done is not known (S31);
    - :class:`CredentialsRefused`: the account's key does not work any more (S30);
    - :class:`PermanentError` and its children: asking again would be refused again (S29).

    A provider sends each request at most once; whether to try again is the caller's decision.
    """

    name: ClassVar[str]
    """What ``BADGES['PROVIDERS']`` and the database call it."""

    label: ClassVar[str]
    """What people call it."""

    badge_model: ClassVar[str]
    """The model that extends the service's credential with what this provider knows, as ``app_label.ModelName``."""

    @classmethod
    def account_id(cls, given: str) -> str:
        """An account's id in the form that is stored. Raises ValueError, with what it must be, for what is none."""
        return given

    def __init__(self, access: AccountAccess, *, deadline: float) -> None:
        self.access = access
        self.deadline = deadline

    # --- the same for every provider -------------------------------------------------------------------------

    @final
    def revoke(self, external_id: str, *, reason: str) -> ProviderBadge | None:
        """
        Revoke a badge and return it; None when the provider has no such badge any more.

        What is already revoked, or gone, counts as revoked (S31): after a refusal the badge itself is looked at.
        "Gone" is believed only of an account that answers, so that a mistyped account id doesn't pass for a revocation.
        """
        try:
            return self.send_revoke(external_id, reason=reason)
        except PermanentError as error:
            refusal = error
        try:
            badge = self.get_badge(external_id)
        except NotFound:
            self._demand_account()
            return None
        if badge.state != "revoked":
            raise PermanentError(str(refusal), status=refusal.status)
        return badge

    @final
    def find_badges(self, query: BadgeQuery) -> list[ProviderBadge]:
        """
        All badges of the template and the stable learner id, else of its e-mail address, in every state, newest first.

        Complete or an error, never a part: what is missing here is issued (S31).
        """
        found = self.badges_by_earner_id(query) if query.earner_id else []
        if not found and query.email:
            found = self.badges_by_email(query)
        return found

    def _demand_account(self) -> None:
        try:
            self.fetch_account()
        except NotFound as error:
            raise PermanentError(
                f"{self.label} does not know the account {self.access.external_id}. Correct the account's id.",
                status=error.status,
            ) from None

    # --- what a provider fills in ----------------------------------------------------------------------------

    @classmethod
    @abc.abstractmethod
    def base_url(cls) -> str:
        """The address of the provider's API according to the settings; ends in a slash."""

    @abc.abstractmethod
    def issue(self, request: IssueRequest) -> ProviderBadge:
        """Issue a badge. Raises :class:`DuplicateBadge` when the provider says that the learner has it already."""

    @abc.abstractmethod
    def send_revoke(self, external_id: str, *, reason: str) -> ProviderBadge:
        """Ask the provider to revoke a badge; a refusal is a :class:`PermanentError`, which ``revoke`` looks into."""

    @abc.abstractmethod
    def badges_by_earner_id(self, query: BadgeQuery) -> list[ProviderBadge]:
        """All badges of ``query.template_external_id`` and ``query.earner_id``, which is not empty, newest first."""

    @abc.abstractmethod
    def badges_by_email(self, query: BadgeQuery) -> list[ProviderBadge]:
        """
        All badges of ``query.template_external_id`` and ``query.email``, which is not empty, newest first.

        Not those that carry another learner's stable id: an address can pass on to another person, a badge does not.
        """

    @abc.abstractmethod
    def get_badge(self, external_id: str) -> ProviderBadge:
        """The badge as it is now. Raises :class:`NotFound`."""

    @abc.abstractmethod
    def fetch_account(self) -> ProviderAccountInfo:
        """The account as it is now; the cheapest way to see whether its key works. Raises :class:`NotFound`."""

    @abc.abstractmethod
    def fetch_templates(self) -> Iterator[ProviderTemplate]:
        """All badge templates of the account, in every state, page by page as they are asked for."""

    # --- what a provider that sends webhooks fills in --------------------------------------------------------

    @classmethod
    def read_webhook(cls, body: Mapping[str, Any]) -> ProviderEvent:
        """What the JSON object in a webhook hints at. Raises :class:`badges.providers.reading.Unreadable`."""
        raise Unreadable(f"{cls.label} sends no webhooks")

    def fetch_event(self, event_id: str) -> ProviderEvent:
        """What a webhook only hints at, as the provider has it. Raises :class:`NotFound`."""
        raise NotFound(f"{self.label} tells of no events; it has none with the id {event_id!r}.")
