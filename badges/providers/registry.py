"""From a provider's name to its class, as ``BADGES['PROVIDERS']`` says."""

from __future__ import annotations

import functools
import inspect

from django.utils.module_loading import import_string

from badges.conf import conf
from badges.data import AccountAccess
from badges.exceptions import ConfigurationError
from badges.providers.base import Provider


def get_provider_class(name: str) -> type[Provider]:
    """The class of the provider called ``name``. Raises :class:`ConfigurationError`."""
    try:
        path = conf.providers[name]
    except KeyError:
        known = ", ".join(sorted(conf.providers)) or "none"
        raise ConfigurationError(
            f"There is no badge provider {name!r} in BADGES['PROVIDERS'] (there: {known}). Add it, or correct the name."
        ) from None
    return _load(path)


def get_provider(access: AccountAccess, *, deadline: float) -> Provider:
    """The provider of one account; ``deadline`` as in :class:`Provider`. Raises :class:`ConfigurationError`."""
    return get_provider_class(access.provider)(access, deadline=deadline)


def base_url(provider_name: str) -> str:
    """The address of a provider's API, by the settings; ends in a slash. Raises :class:`ConfigurationError`."""
    return get_provider_class(provider_name).base_url()


@functools.cache
def _load(path: str) -> type[Provider]:
    try:
        found = import_string(path)
    except ImportError as error:
        raise ConfigurationError(
            f"BADGES['PROVIDERS'] names {path!r}, which cannot be imported: {error}. Correct the dotted path."
        ) from error
    if not (inspect.isclass(found) and issubclass(found, Provider)):
        raise ConfigurationError(
            f"BADGES['PROVIDERS'] names {path!r}, which is not a child of badges.providers.base.Provider."
        )
    if inspect.isabstract(found):
        missing = ", ".join(sorted(found.__abstractmethods__))
        raise ConfigurationError(f"BADGES['PROVIDERS'] names {path!r}, which does not fill in: {missing}.")
    return found
