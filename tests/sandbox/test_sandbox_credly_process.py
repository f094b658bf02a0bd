"""The sandbox Credly as a process: command line, readiness, restart, end."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from credentials_settings.sandbox.credly import DEMO_ORGANIZATION, RunningCredly, running_credly
from credentials_settings.sandbox.credly.__main__ import main
from credentials_settings.sandbox.readiness import file_written
from credentials_settings.sandbox.supervisor import Process, Supervisor, SupervisorError
from tests.sandbox.credly_client import CredlyClient

MODULE = "credentials_settings.sandbox.credly"
DEFINITIONS = f"""
version: 1
accounts:
  - {{provider: credly, id: {DEMO_ORGANIZATION}, name: Demo University}}
templates:
  - uuid: 0c1c7ff5-2d2b-4f2e-8a39-3a7e35a2a009
    provider: credly
    account: {DEMO_ORGANIZATION}
    name: From the file
    image_url: https://example.com/badge.png
    requirements: []
  - uuid: 0c1c7ff5-2d2b-4f2e-8a39-3a7e35a2a010
    provider: accredible
    account: "17"
    name: Of another provider
"""


def start(supervisor: Supervisor, tmp_path: Path, *options: str | Path) -> tuple[Process, CredlyClient]:
    ready = tmp_path / "ready.json"
    argv = [sys.executable, "-m", MODULE, "--port", "0", "--ready-file", ready, *options]
    process = supervisor.start("credly", argv, ready=file_written(ready))
    facts: dict[str, Any] = json.loads(ready.read_text())
    assert facts["pid"] == process.pid
    assert facts["control_url"] == facts["url"].replace("/v1/", "/_sandbox/")
    assert f"sandbox Credly on {facts['url']}\n" in process.output()
    return process, CredlyClient(RunningCredly(int(facts["url"].split(":")[2].split("/")[0])))


def test_it_takes_organizations_and_the_templates_of_a_definition_file(supervisor: Supervisor, tmp_path: Path) -> None:
    definitions = tmp_path / "badges.yaml"
    definitions.write_text(DEFINITIONS)
    organization = f"{DEMO_ORGANIZATION}:a-key:Name: with a colon"
    process, client = start(supervisor, tmp_path, "--organization", organization, "--templates", definitions)
    with client.session:
        assert client.api("GET").status_code == 401
        client.session.auth = ("a-key", "")
        assert client.api("GET").json()["data"]["name"] == "Name: with a colon"
        templates = client.api("GET", "/badge_templates").json()["data"]
        assert [(row["name"], row["state"], row["image_url"]) for row in templates] == [
            ("From the file", "active", "https://example.com/badge.png")
        ]
        client.api("GET", "/badges", params={"filter": "recipient_email::learner1@example.com"})
    assert "learner1" not in process.output()
    assert "a-key" not in process.output()


def test_it_listens_on_loopback_only(supervisor: Supervisor, tmp_path: Path) -> None:
    process, client = start(supervisor, tmp_path)
    with client.session:
        listening = [row.laddr for row in psutil.Process(process.pid).net_connections() if row.status == "LISTEN"]
    assert listening == [("127.0.0.1", client.server.port)]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(supervisor: Supervisor, tmp_path: Path, end: signal.Signals) -> None:
    process, client = start(supervisor, tmp_path)
    with client.session:
        client.issued()
        psutil.Process(process.pid).send_signal(end)
        assert process.wait(10) == 0
    assert "Traceback" not in process.output()


def test_a_restart_keeps_what_a_killed_server_had_answered(supervisor: Supervisor, tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    _, client = start(supervisor, tmp_path, "--state", state)
    with client.session:
        kept, revoked, deleted = (
            client.issued(issuer_earner_id=str(number), recipient_email=f"learner{number}@example.com")
            for number in (1, 2, 3)
        )
        client.api("PUT", f"/badges/{revoked['id']}/revoke", json={"reason": "Grade changed"})
        client.api("DELETE", f"/badges/{deleted['id']}")
        client.control("POST", "keys", {"organization_id": DEMO_ORGANIZATION, "key": "rotated"})
        client.control("POST", "templates", {"templates": [{"uuid": "late", "name": "Latecomer"}]})
        posts = client.posts()
    supervisor.kill("credly")
    with state.open("a") as file:
        file.write('{"kind": "Badge", "rec')  # what a kill in the middle of a line leaves
    for _ in range(2):
        _, client = start(supervisor, tmp_path, "--state", state)
        with client.session:
            client.session.auth = ("rotated", "")
            badges = client.api("GET", "/badges").json()["data"]
            assert {(badge["id"], badge["state"]) for badge in badges} >= {
                (kept["id"], "pending"),
                (revoked["id"], "revoked"),
            }
            assert deleted["id"] not in {badge["id"] for badge in badges}
            assert client.posts()[: len(posts)] == posts
            again = client.issue(issuer_earner_id="1", recipient_email="learner1@example.com")
            assert again.status_code == 422
            client.issue(badge_template_id="late")
            posts = client.posts()
        supervisor.stop("credly")


def test_a_reset_empties_the_state_file(tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    with running_credly(state_file=state) as server:
        client = CredlyClient(server)
        with client.session:
            client.issued()
            client.control("POST", "reset")
            kept = client.issued()
    with running_credly(state_file=state) as server:
        client = CredlyClient(server)
        with client.session:
            assert [badge["id"] for badge in client.api("GET", "/badges").json()["data"]] == [kept["id"]]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("templates: [", "cannot be read"),
        ("[]: x", "cannot be read"),
        ("accounts: []", "no list of templates"),
        ("[{uuid: a, name: A}, {uuid: b}]", "templates[1]: a template needs `uuid` and `name`"),
        ("[{uuid: a, name: A, account: c}]", "templates[0]: organization c is unknown"),
    ],
)
def test_a_file_without_usable_templates_is_named(
    tmp_path: Path, content: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    definitions = tmp_path / "badges.yaml"
    definitions.write_text(content)
    with pytest.raises(SystemExit) as caught:
        main(["--port", "0", "--templates", str(definitions)])
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert str(definitions) in message
    assert problem in message


def test_an_incomplete_organization_is_refused_without_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--port", "0", "--organization", f"{DEMO_ORGANIZATION}:secret"])
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert "UUID:KEY:NAME, all three" in message
    assert "secret" not in message


def test_a_taken_port_is_named(supervisor: Supervisor, tmp_path: Path) -> None:
    _, client = start(supervisor, tmp_path)
    port = str(client.server.port)
    argv = [sys.executable, "-m", MODULE, "--port", port]
    with client.session, pytest.raises(SupervisorError) as caught:
        supervisor.start("second", argv, ready=file_written(tmp_path / "never"))
    assert "ended with code 1" in str(caught.value)
    assert port in str(caught.value)
    assert "Traceback" not in str(caught.value)
