"""The benchmarks run, on SQLite and with tiny sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench import __main__ as bench, servers
from tests.bench.sizes import TINY

pytestmark = pytest.mark.timeout(600)  # each measurement has processes of its own, on a machine that may be busy


@pytest.fixture(scope="module")
def figures() -> Any:
    return bench.measure(TINY, {})


def test_everything_is_measured_that_needs_no_server(figures: dict[str, Any]) -> None:
    kinds = ["unmatched", "redelivered", "progress", "award", "revoke"]
    assert [(row["database"], row["templates"], row["event"]) for row in figures["events"]] == [
        ("SQLite", templates, kind) for templates in TINY.templates for kind in kinds
    ]
    assert all(0 < row["median"] <= row["p99"] for row in figures["events"])
    assert {row["values"] for row in figures["events"]} == {TINY.values}
    assert figures["rules"]["templates"] == TINY.templates[-1]
    assert len(figures["memory"]["megabytes"]) == 11
    assert figures["delivery"]["badges"] == TINY.deliveries
    assert figures["versions"]["SQLite"] == servers.version(servers.SQLITE)
    assert "consumer" not in figures


def test_the_figures_are_shown_and_documented(
    figures: dict[str, Any], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.show(figures)
    assert "== One event, SQLite" in capsys.readouterr().out

    result, page = tmp_path / "bench.json", tmp_path / "page.inc"
    result.write_text(json.dumps(figures))
    monkeypatch.setattr(bench, "DOCUMENTED", page)
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    assert bench.main(["--document", "--output", str(result)]) == 0
    assert ".. list-table:: One event, SQLite" in page.read_text()


def test_a_server_that_does_not_answer_is_not_reachable() -> None:
    closed = "postgres://badges:secret@127.0.0.1:1/badges"
    assert servers.reachable({"POSTGRES_URL": closed, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1,127.0.0.1:2"}) == {}
