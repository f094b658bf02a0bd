"""Taking keys, e-mail addresses and names out of what a provider says, before it is stored or logged (S36)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

LIMIT = 300
"""How many characters of a provider's message are kept."""

_MARK = "[removed]"
_EMAIL = re.compile(r"""[^\s<>()"',;:=]+(?:@|%40)[^\s<>()"',;:=&]+""", re.IGNORECASE)
_READ_AT_MOST = 1000
_LONG = 8


def scrub(message: str, private: Iterable[str]) -> str:
    """
    ``message`` in one line of at most ``LIMIT`` characters, without anything that looks like an e-mail address and
    without the values in ``private``, in any case and also as written in a URL.
    """
    head = message.strip()
    if len(head) > _READ_AT_MOST:
        # At a space: of a private value that is cut in two, the first half would stay.
        head = head[:_READ_AT_MOST].rsplit(None, 1)[0]
    words = " ".join(head.split())
    for value in sorted(set(_spellings(private)), key=len, reverse=True):
        words = re.sub(_pattern(value), _MARK, words, flags=re.IGNORECASE)
    words = _EMAIL.sub(_MARK, words)
    return words if len(words) <= LIMIT else words[: LIMIT - 1] + "…"


def _spellings(private: Iterable[str]) -> Iterator[str]:
    for value in private:
        for part in (value, *value.split()):
            if len(part) > 1:
                yield from (part, quote(part, safe=""), quote_plus(part))


def _pattern(value: str) -> str:
    """A long value is taken out anywhere, a short one (a first name) only as a word: "An" is not "Another"."""
    escaped = re.escape(value)
    return escaped if len(value) >= _LONG else rf"(?<!\w){escaped}(?!\w)"
