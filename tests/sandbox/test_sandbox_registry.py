"""The schema registry numbers schemas as Confluent's does and remembers the numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from credentials_settings.sandbox.kafka import running_kafka

FIRST = {"type": "record", "name": "A", "fields": [{"name": "x", "type": "string"}]}
SECOND = {"type": "record", "name": "A", "fields": [{"name": "x", "type": "int"}]}


class Registry:
    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.url + path, timeout=10)

    def post(self, path: str, schema: Any) -> requests.Response:
        return self.session.post(self.url + path, json={"schema": json.dumps(schema)}, timeout=10)


@pytest.fixture(scope="module")
def registry_url() -> Iterator[str]:
    with running_kafka() as kafka:
        yield kafka.schema_registry_url


@pytest.fixture
def registry(registry_url: str) -> Iterator[Registry]:
    registry = Registry(registry_url)
    with registry.session:
        yield registry


def failure(answer: requests.Response) -> tuple[int, int]:
    body = answer.json()
    assert isinstance(body["message"], str)
    return answer.status_code, body["error_code"]


def test_confluents_client_registers_and_finds(registry_url: str) -> None:
    schema = Schema(json.dumps(FIRST), "AVRO")
    with SchemaRegistryClient({"url": registry_url}) as client:
        schema_id = client.register_schema("client-value", schema)
        assert json.loads(client.get_schema(schema_id).schema_str or "") == FIRST
        registered = client.lookup_schema("client-value", schema)
        assert (registered.schema_id, registered.version) == (schema_id, 1)
        assert client.get_latest_version("client-value").version == 1
        assert "client-value" in client.get_subjects()
        assert client.get_versions("client-value") == [1]


def test_equal_schemas_have_one_id_and_a_change_is_a_new_version(registry: Registry) -> None:
    first = registry.post("/subjects/a/versions", FIRST).json()["id"]
    reordered = dict(reversed(FIRST.items()))
    assert registry.post("/subjects/a/versions", reordered).json()["id"] == first
    assert registry.post("/subjects/b%2Fc/versions", FIRST).json()["id"] == first
    second = registry.post("/subjects/a/versions", SECOND).json()["id"]
    assert second != first
    assert registry.get("/subjects/a/versions").json() == [1, 2]
    assert registry.get("/subjects/a/versions/latest").json()["id"] == second
    assert registry.get("/subjects/a/versions/1").json()["id"] == first
    assert registry.post("/subjects/a", SECOND).json()["version"] == 2
    assert registry.get("/subjects/b%2Fc/versions/1").json()["subject"] == "b/c"


def test_what_is_missing_has_confluents_error_codes(registry: Registry) -> None:
    registry.post("/subjects/known/versions", FIRST)
    assert failure(registry.get("/subjects/missing/versions")) == (404, 40401)
    assert failure(registry.post("/subjects/missing", FIRST)) == (404, 40401)
    assert failure(registry.get("/subjects/known/versions/2")) == (404, 40402)
    assert failure(registry.get("/subjects/known/versions/x")) == (404, 40402)
    assert failure(registry.get("/schemas/ids/999")) == (404, 40403)
    assert failure(registry.post("/subjects/known", {"type": "int"})) == (404, 40403)
    assert failure(registry.get("/associations/x")) == (404, 404)
    assert failure(registry.session.delete(registry.url + "/subjects", timeout=10)) == (405, 405)


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[]",
        "{}",
        '{"schema": 1}',
        '{"schema": "no JSON"}',
        '{"schema": "{\\"type\\": \\"nothing\\"}"}',
        '{"schema": "{\\"type\\": \\"record\\"}"}',
        '{"schema": "syntax = proto3", "schemaType": "PROTOBUF"}',
        '{"schema": "\\"int\\"", "references": [{"name": "a", "subject": "a", "version": 1}]}',
    ],
)
def test_what_is_no_avro_schema_is_refused(registry: Registry, body: str) -> None:
    answer = registry.session.post(registry.url + "/subjects/bad/versions", data=body, timeout=10)
    assert failure(answer) == (422, 42201)
    assert "bad" not in registry.get("/subjects").json()


def test_it_tells_that_any_schema_may_follow_any_other(registry: Registry) -> None:
    assert registry.get("/config").json() == {"compatibilityLevel": "NONE"}
    assert registry.get("/").json() == {}


def test_ids_survive_a_restart(tmp_path: Path) -> None:
    ids = []
    for _ in range(2):
        with running_kafka(state_file=tmp_path / "schemas.json") as kafka:
            registry = Registry(kafka.schema_registry_url)
            with registry.session:
                ids.append([registry.post("/subjects/a/versions", schema).json()["id"] for schema in (SECOND, FIRST)])
                assert registry.get("/subjects/a/versions").json() == [1, 2]
    assert ids == [[1, 2], [1, 2]]
