"""``replay_events FILE.jsonl``: events from a file through the normal processing."""

from __future__ import annotations

import os
import stat
import sys
from typing import IO, Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from badges import api
from badges.exceptions import UnreadableEvent
from badges.management.base import BadgesCommand, numbered_lines, opened


class Command(BadgesCommand):
    """Exits with 0 when it came to the end of the file, whatever failed on the way; the last line says how much did."""

    help = "Handle the events in a file of JSON lines as if they came from the bus. Redelivered events change nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="The file of JSON lines; - for standard input.")
        parser.add_argument(
            "--stop-on-error", action="store_true", help="End at the first line that fails, with a non-zero exit code."
        )

    def handle(self, *, file: str, stop_on_error: bool = False, **_: Any) -> None:
        counts = {"matched": 0, "ignored": 0, "failed": 0}
        with opened(file) as stream, _progress(stream) as progress:
            try:
                for number, line in numbered_lines(stream):
                    outcome, problem = self._handle(line)
                    counts[outcome] += 1
                    progress.update(len(line))
                    if problem:
                        with progress.external_write_mode(file=sys.stderr):
                            self.stderr.write(f"line {number}: {problem}")
                        if stop_on_error:
                            raise CommandError(f"Stopped at line {number}.")
            finally:
                progress.close()
                told = " ".join(f"{outcome}={count}" for outcome, count in counts.items())
                self.stdout.write(f"processed={sum(counts.values())} {told}")

    def _handle(self, line: bytes) -> tuple[str, str]:
        """What became of one line, and what was wrong with it."""
        try:
            event = api.read_line(line=line)
        except UnreadableEvent as error:
            return "failed", str(error)
        received = api.receive_event(event=event)
        if received.failed:
            return "failed", f"event {event.id} is kept for a retry: {received.error}"
        return "matched" if received.matched else "ignored", ""


def _progress(stream: IO[bytes]) -> tqdm[Any]:
    """A bar by bytes, on a terminal only."""
    status = os.fstat(stream.fileno()) if sys.stderr.isatty() else None
    size = status.st_size if status and stat.S_ISREG(status.st_mode) else None
    return tqdm(total=size, unit="B", unit_scale=True, file=sys.stderr, disable=status is None)
