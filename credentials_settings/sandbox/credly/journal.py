"""
State that survives a restart: one JSON line a change, appended before the change is answered; the last line of a
record wins. Appending keeps the cost of a change independent of how much is stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from credentials_settings.sandbox.credly.records import Badge, Organization, PostCount, Template, WebhookEvent

Record = Organization | Template | Badge | WebhookEvent | PostCount

KINDS: dict[str, type[Record]] = {
    kind.__name__: kind for kind in (Organization, Template, Badge, WebhookEvent, PostCount)
}


class Journal:
    """The state file. Without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None

    def read(self) -> Iterator[tuple[Record, bool]]:
        """
        Every stored change, oldest first: the record, and whether it was deleted.

        A line without its end is what a killed process did not finish writing; it was not answered either.
        """
        if self._path is None or not self._path.exists():
            return
        for line in self._path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                entry: dict[str, Any] = json.loads(line)
                yield KINDS[entry["kind"]](**entry["record"]), bool(entry.get("deleted"))

    def write(self, record: Record, *, deleted: bool = False) -> None:
        if self._path is None:
            return
        if self._file is None:
            self._file = self._open_at_end_of_last_line()
        entry = {"kind": type(record).__name__, "record": asdict(record)} | ({"deleted": True} if deleted else {})
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()

    def clear(self) -> None:
        self.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open_at_end_of_last_line(self) -> TextIO:
        assert self._path is not None
        stored = self._path.read_bytes() if self._path.exists() else b""
        file = self._path.open("a", encoding="utf-8")
        file.truncate(stored.rfind(b"\n") + 1)
        return file
