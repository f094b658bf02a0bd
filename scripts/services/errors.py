"""What can go wrong here, in words for the person at the terminal."""

from __future__ import annotations


class ServicesError(Exception):
    """A service can't be installed, started or reached; the message says what to do."""
