from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db.models.functions import Now

from badges.models import Delivery
from credentials_settings.sandbox.credly import DEMO_KEY, DEMO_ORGANIZATION, RunningCredly, running_credly

FILES = sorted(Path(__file__).parent.glob("*.yaml"))
PASSING = "org.openedx.learning.course.passing.status.updated.v1"


@pytest.fixture(name="credly")
def _credly() -> Iterator[RunningCredly]:
    with running_credly() as server:
        yield server


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.django_db
def test_scenario(file: Path, tmp_path: Path, settings: Any, credly: RunningCredly) -> None:
    scenario = yaml.safe_load(file.read_text())
    base = {
        **django_settings.BADGES,
        "CREDLY_API_BASE_URL": credly.url,
        "RULEBOOK_MAX_AGE": 0,
        "ENQUEUE": False,
        "FUTURE_TOLERANCE": 10**9,
    }
    settings.BADGES = {**base, **scenario.get("settings", {})}
    _load(scenario["badges"], tmp_path, credly)
    for number, step in enumerate(scenario["steps"], 1):
        for what, content in step.items() if isinstance(step, dict) else [(step, None)]:
            STEPS[what](content, tmp_path, credly, f"step {number} of {file.name}")


def _load(badges: Any, tmp_path: Path, credly: RunningCredly, where: str = "") -> None:
    templates = badges if isinstance(badges, list) else [badges]
    for template in templates:
        template.setdefault("provider", "credly")
        template.setdefault("account", str(DEMO_ORGANIZATION))
        template.setdefault("is_active", True)
        template.setdefault("name", template["uuid"])
        for owner in template.get("requirements", []) + template.get("penalties", []):
            owner.setdefault("event_type", PASSING)
    definitions = {
        "version": 1,
        "accounts": [
            {"provider": "credly", "id": str(DEMO_ORGANIZATION), "name": "Demo University", "api_key": DEMO_KEY}
        ],
        "templates": templates,
    }
    path = tmp_path / "badges.yaml"
    path.write_text(yaml.safe_dump(definitions))
    call_command("load_badges", str(path), prune=True, stdout=io.StringIO())
    seeded = requests.post(
        f"{credly.control_url}templates",
        json={"templates": [{"uuid": template["uuid"], "name": template["name"]} for template in templates]},
        timeout=10,
    )
    assert seeded.ok, seeded.text


def _events(events: list[Any], tmp_path: Path, credly: RunningCredly, where: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(_event(event)) + "\n" for event in events))
    out = io.StringIO()
    call_command("replay_events", str(path), stdout=out, stderr=out)
    assert out.getvalue().rstrip().splitlines()[-1].startswith(f"processed={len(events)} "), where


def _event(event: Any) -> dict[str, Any]:
    if isinstance(event, dict):
        return {"id": str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(event, sort_keys=True))), **event}
    verdict, course, username, at = event.split()
    number = int("".join(filter(str.isdigit, username)))
    return {
        "type": PASSING,
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, event)),
        "time": f"2026-05-01T{at}:00Z",
        "data": {
            "course_passing_status": {
                "is_passing": {"pass": True, "fail": False}[verdict],
                "course": {"course_key": f"course-v1:edX+{course}+1"},
                "user": {
                    "id": number,
                    "is_active": True,
                    "pii": {"username": username, "email": f"{username}@example.com", "name": f"Learner {number}"},
                },
            }
        },
    }


def _deliver(content: Any, tmp_path: Path, credly: RunningCredly, where: str) -> None:
    for _ in range(int(content or 1)):
        lanes = (Delivery.Lane.ANNOUNCE, Delivery.Lane.PROVIDER)
        Delivery.objects.filter(state=Delivery.State.PENDING, lane__in=lanes).update(next_attempt_at=Now())
        call_command("deliver_badges", once=True, stdout=io.StringIO())


def _faults(faults: list[dict[str, Any]], tmp_path: Path, credly: RunningCredly, where: str) -> None:
    for fault in faults:
        assert requests.post(f"{credly.control_url}faults", json=fault, timeout=10).ok, where


def _expect(expected: dict[str, Any], tmp_path: Path, credly: RunningCredly, where: str) -> None:
    out = io.StringIO()
    call_command("badge_report", format="json", stdout=out)
    assert _part(json.loads(out.getvalue()), expected) == expected, where


def _part(whole: Any, like: Any) -> Any:
    """Of ``whole`` only the keys that ``like`` has, all the way down."""
    if isinstance(like, dict) and like and isinstance(whole, dict):
        return {key: _part(whole.get(key, "(absent)"), value) for key, value in like.items()}
    return whole


def _at_credly(expected: dict[str, int], tmp_path: Path, credly: RunningCredly, where: str) -> None:
    seen = requests.get(f"{credly.control_url}badges", timeout=10).json()
    counts = {
        "posts": sum(one["posts"] for one in seen["posts"]),
        "live": sum(badge["state"] not in {"revoked", "rejected"} for badge in seen["badges"]),
    }
    assert {key: counts[key] for key in expected} == expected, where


STEPS = {
    "load": _load,
    "events": _events,
    "deliver": _deliver,
    "faults": _faults,
    "expect": _expect,
    "credly": _at_credly,
}
