"""What the commands share: errors in words, arguments, and reading files line by line."""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

from badges import api
from badges.exceptions import BadgesError

STDIN = "-"

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes of a line that are read; of a longer one the rest is passed over. Far above what an event may have."""


class BadgesCommand(BaseCommand):
    """
    A command that does one thing through ``badges.api``.

    Our own errors are told without a stack, and what was announced is on the bus when the process ends.
    """

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except BadgesError as error:
            raise CommandError(str(error)) from error
        finally:
            api.flush_announcements()


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """The file at ``path``, or standard input for ``-``, as bytes. Raises :class:`CommandError`."""
    if path == STDIN:
        yield sys.stdin.buffer
        return
    try:
        with Path(path).open("rb") as stream:
            yield stream
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None


def read_text(path: str) -> str:
    """All of the file, which has to be UTF-8. Raises :class:`CommandError`."""
    with opened(path) as stream:
        content = stream.read()
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CommandError(f"{path}, line {line}: byte {error.start} is not UTF-8. Save the file as UTF-8.") from None


def numbered_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers from 1, in bounded memory."""
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        rest = line
        while rest and not rest.endswith(b"\n") and len(rest) == LONGEST_LINE:
            rest = stream.readline(LONGEST_LINE)
        if line.strip():
            yield number, line


def as_uuid(text: str) -> uuid.UUID:
    """Raises :class:`CommandError` for what is not a UUID."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise CommandError(f"{text!r} is not a UUID, such as 0c1c7ff5-2d2b-4f2e-8a39-3a7e35a2a001.") from None


def positive(text: str) -> int:
    """An argument that is a number of things. Raises ``ArgumentTypeError`` for 0 and below."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
