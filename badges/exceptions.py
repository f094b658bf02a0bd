"""
Every error this app raises on purpose.

Messages are for the person who has to act: what happened, where, what to do. None carries a key, an e-mail
address or a name (SEMANTICS S36). An exception without arguments says its docstring's first line.
"""

from __future__ import annotations


class BadgesError(Exception):
    """Something went wrong in the badges app."""

    def __str__(self) -> str:
        return super().__str__() or (type(self).__doc__ or "").strip().splitlines()[0]


# --- configuration -------------------------------------------------------------------------------------------


class ConfigurationError(BadgesError):
    """The badges settings cannot be used."""


class RuleError(BadgesError):
    """A data rule cannot be used: its path, operator or value does not fit the event type."""


class DefinitionsError(BadgesError):
    """
    A badge definition file cannot be loaded; nothing was changed.

    ``problems`` holds one line for each thing to mend, with its place in the file.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


# --- events --------------------------------------------------------------------------------------------------


class EventError(BadgesError):
    """An event cannot be handled."""


class UnreadableEvent(EventError):
    """A serialized event cannot be turned into the event type's data class."""


class LearnerConflict(EventError):
    """The event's username belongs to a record with another LMS user id (S3)."""


class FutureEvent(EventError):
    """The event is dated too far ahead of the clock (S8); it is handled once its time has come."""


class StaleRules(EventError):
    """The configuration changed while the event was being handled; read it again and handle the event again (S26)."""


class EventNotStored(EventError):
    """The event could be neither handled nor stored as a failed event, so it must be delivered again (S35)."""


class BusUnavailable(BadgesError):
    """The event bus, or its schema registry, does not answer or does not confirm."""


# --- providers -----------------------------------------------------------------------------------------------


class ProviderError(BadgesError):
    """
    A badge provider could not do what was asked.

    ``status`` is the HTTP status of its answer, None when there was none.
    """

    def __init__(self, message: str = "", *, status: int | None = None) -> None:
        super().__init__(*([message] if message else []))
        self.status = status


class TransientError(ProviderError):
    """
    The provider is not available at the moment and did not act; trying again is safe (S28).

    ``retry_after`` is the number of seconds the provider asked to wait, None when it did not say.
    """

    def __init__(self, message: str = "", *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class AmbiguousError(TransientError):
    """The provider may or may not have acted: look first, before asking again (S31)."""


class PermanentError(ProviderError):
    """The provider refused the request; asking again would be refused again (S29)."""


class DuplicateBadge(PermanentError):
    """The provider says that this learner already has this badge (S31)."""


class NotFound(PermanentError):
    """The provider does not know the object."""


class CredentialsRefused(ProviderError):
    """The provider refused the account's key; the account is paused until it has another one (S30)."""


class UnknownWebhook(BadgesError):
    """A webhook came in at an address that belongs to no account."""


class UnreadableWebhook(BadgesError):
    """A webhook does not hold what its provider documents."""


# --- announcements -------------------------------------------------------------------------------------------


class AnnouncementFailed(BadgesError):
    """The event bus did not take an announcement; it is sent again."""


class AnnouncementImpossible(BadgesError):
    """An announcement can never be sent as things are: the learner has no LMS user id (S4)."""


# --- other people's ------------------------------------------------------------------------------------------


def database_said(error: BaseException) -> str:
    """
    A database's error by its name and its driver's code (``OperationalError SQLITE_FULL``), for logs: its text may
    quote a row (S36).
    """
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    if code is None and cause is not None and cause.args and isinstance(cause.args[0], int):
        code = cause.args[0]  # MySQL's and MariaDB's
    name = type(error).__name__
    return name if code is None else f"{name} {code}"
