"""System checks: mistakes in the settings are told at start, with what to do about them."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any, get_origin, get_type_hints

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register as register_check
from django.db import DatabaseError

from badges import api
from badges.conf import BadgesSettings, conf
from badges.exceptions import ConfigurationError
from badges.models import ProviderAccount
from badges.providers.registry import get_provider_class


def register() -> None:
    """Called when the app is ready."""
    register_check(check_options, Tags.compatibility)
    register_check(check_event_types, Tags.compatibility)
    register_check(check_providers, Tags.compatibility)
    register_check(check_lease, Tags.compatibility)
    register_check(check_accounts, Tags.compatibility, deploy=True)


def check_options(**_: Any) -> list[CheckMessage]:
    """Values that cannot be used, and names that mean nothing, in ``settings.BADGES``."""
    options = getattr(settings, "BADGES", {})
    if not isinstance(options, Mapping):
        return [Error("The setting BADGES is not a dictionary of options.", id="openedx_badges.E004")]
    known = {
        name.upper(): get_type_hints(option.fget)["return"]
        for name, option in vars(BadgesSettings).items()
        if isinstance(option, property)
    }
    # The values are not told: one may be a key.
    errors: list[CheckMessage] = [
        Error(f"BADGES[{name!r}] must be {needed}.", id="openedx_badges.E005")
        for name, kind in known.items()
        if name in options and (needed := _needed(name, kind, options[name]))
    ]
    warnings: list[CheckMessage] = [
        Warning(
            f"BADGES[{name!r}] is no option, and has no effect.",
            hint=f"Did you mean {close[0]}?" if (close := difflib.get_close_matches(str(name), known, 1)) else None,
            id="openedx_badges.W002",
        )
        for name in options
        if name not in known
    ]
    return errors + warnings


def _needed(name: str, kind: Any, value: object) -> str:
    """What an option's value must be, if this one is not that; else empty."""
    kind = get_origin(kind) or kind
    if kind is bool:
        return "" if isinstance(value, bool) else "True or False"
    if kind in (Mapping, Sequence, tuple):
        if kind is Mapping and not isinstance(value, Mapping):
            return "a dictionary"
        # A text is a sequence, too, of letters.
        if kind is not Mapping and not isinstance(value, list | tuple):
            return "a list"
        needed = "a list of pairs of topic and group" if name == "HEALTH_CONSUMERS" else "a list or dictionary"
    elif kind is str:
        return "" if isinstance(value, str) else "a text"
    else:
        needed = "a whole number, not negative" if kind is int else "a number, not negative"
        needed = "a number" if name == "CLOCK_OFFSET" else needed
    try:
        read = getattr(conf, name.lower())
    except (TypeError, ValueError, OverflowError):
        return needed
    is_number = isinstance(read, int | float)
    if is_number and (isinstance(value, bool) or not math.isfinite(read) or (read < 0 and name != "CLOCK_OFFSET")):
        return needed
    return ""


def _unusable() -> bool:
    """The values of the options are an error of their own, and nothing can be said of what depends on them."""
    return any(message.is_serious() for message in check_options())


def check_event_types(**_: Any) -> list[CheckMessage]:
    """S5: a listed type that is unknown, or that cannot carry a learner."""
    if _unusable():
        return []
    return [
        Error(
            f"BADGES['EVENT_TYPES'] lists {event_type!r}: {problem}",
            hint="Correct or remove the type.",
            id="openedx_badges.E001",
        )
        for event_type in conf.event_types
        if (problem := api.problem_with_event_type(event_type=event_type))
    ]


def check_providers(**_: Any) -> list[CheckMessage]:
    """A provider's class that cannot be loaded."""
    if _unusable():
        return []
    errors: list[CheckMessage] = []
    for name in conf.providers:
        try:
            get_provider_class(name)
        except ConfigurationError as error:
            errors.append(Error(str(error), id="openedx_badges.E002"))
    return errors


def check_lease(**_: Any) -> list[CheckMessage]:
    """S39: a lease that could run out while a request is under way."""
    if _unusable():
        return []
    needed = conf.request_deadline + conf.connect_timeout + conf.read_timeout
    if conf.lease > needed:
        return []
    return [
        Error(
            f"BADGES['LEASE'] is {conf.lease:g} s, not longer than REQUEST_DEADLINE and the time-outs of one more "
            f"request, {needed:g} s in all.",
            hint="Two workers could issue the same badge. Make the lease longer or the deadline shorter.",
            id="openedx_badges.E003",
        )
    ]


def check_accounts(**_: Any) -> list[CheckMessage]:
    """S30: accounts that nothing can be sent with; silent where there is no database yet."""
    try:
        accounts = list(ProviderAccount.objects.order_by("pk"))
    except DatabaseError:
        return []
    return [
        Warning(
            f"Nothing can be sent with the account {account}; its deliveries wait. {account.obstacle}",
            hint="A key can be saved in the admin, or set in BADGES['ACCOUNT_KEYS'].",
            id="openedx_badges.W001",
        )
        for account in accounts
        if account.obstacle
    ]
