"""Avro schemas by id and by subject, as a schema registry numbers them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastavro import parse_schema
from fastavro.schema import SchemaParseException

from credentials_settings.sandbox.serving import write_whole

SUBJECT_NOT_FOUND, VERSION_NOT_FOUND, SCHEMA_NOT_FOUND, INVALID_SCHEMA = 40401, 40402, 40403, 42201
"""Confluent's error codes: https://docs.confluent.io/platform/current/schema-registry/develop/api.html"""


class RegistryError(Exception):
    """What the registry answers instead: HTTP status, Confluent's error code, and a text."""

    def __init__(self, error_code: int, message: str) -> None:
        super().__init__(message)
        self.error_code = error_code
        self.status = int(str(error_code)[:3])
        self.message = message


@dataclass(frozen=True)
class Version:
    """A schema as a subject's version; both numbers start at 1."""

    subject: str
    version: int
    id: int
    schema: str


class Schemas:
    """
    The registry's content. Equal schemas have one id, whatever the subject; ids never change.

    With a file, every change is in it before it is answered, so that a restart knows the ids that are in messages.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._schemas: list[str] = []
        self._subjects: dict[str, list[int]] = {}
        if path is not None and path.exists():
            stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            self._schemas, self._subjects = stored["schemas"], stored["subjects"]
        self._ids = {_canonical(schema): number for number, schema in enumerate(self._schemas, start=1)}

    def register(self, subject: str, schema: str) -> Version:
        """The version of this schema in the subject, a new one if need be. Raises RegistryError."""
        canonical = _canonical(schema)
        if canonical not in self._ids:
            self._schemas.append(schema)
            self._ids[canonical] = len(self._schemas)
        versions = self._subjects.setdefault(subject, [])
        if self._ids[canonical] not in versions:
            versions.append(self._ids[canonical])
            self._save()
        return self.find(subject, schema)

    def find(self, subject: str, schema: str) -> Version:
        """The subject's version that has this schema. Raises RegistryError."""
        versions = self.versions(subject)
        schema_id = self._ids.get(_canonical(schema))
        if schema_id not in versions:
            raise RegistryError(SCHEMA_NOT_FOUND, "Schema not found")
        return Version(subject, versions.index(schema_id) + 1, schema_id, self._schemas[schema_id - 1])

    def subjects(self) -> list[str]:
        return sorted(self._subjects)

    def versions(self, subject: str) -> list[int]:
        """The ids of the subject's schemas, version 1 first. Raises RegistryError."""
        if subject not in self._subjects:
            raise RegistryError(SUBJECT_NOT_FOUND, f"Subject '{subject}' not found")
        return self._subjects[subject]

    def version(self, subject: str, number: str) -> Version:
        """A version by its number or ``latest``. Raises RegistryError."""
        versions = self.versions(subject)
        position = len(versions) if number == "latest" else int(number) if number.isdecimal() else 0
        if not 1 <= position <= len(versions):
            raise RegistryError(VERSION_NOT_FOUND, f"Version {number} not found")
        schema_id = versions[position - 1]
        return Version(subject, position, schema_id, self._schemas[schema_id - 1])

    def schema(self, schema_id: int) -> str:
        """Raises RegistryError."""
        if not 1 <= schema_id <= len(self._schemas):
            raise RegistryError(SCHEMA_NOT_FOUND, f"Schema {schema_id} not found")
        return self._schemas[schema_id - 1]

    def _save(self) -> None:
        if self._path is not None:
            write_whole(self._path, json.dumps({"schemas": self._schemas, "subjects": self._subjects}))


def _canonical(schema: str) -> str:
    """Equal for schemas that differ in white space and order of keys only. Raises RegistryError."""
    try:
        parsed = json.loads(schema)
        parse_schema(parsed, named_schemas={})
    except (ValueError, KeyError, TypeError, AttributeError, SchemaParseException) as error:
        raise RegistryError(INVALID_SCHEMA, f"Invalid Avro schema: {error!r}") from error
    return json.dumps(parsed, sort_keys=True)
