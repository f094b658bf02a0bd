"""The standalone project's Celery application, and its settings for a deployment."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_it_needs_no_settings_in_the_environment(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    script = (
        "from credentials_settings.celery import app; app.loader.import_default_modules(); app.tasks['badges.sweep']"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**environment, "BADGES_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_deployments_check_finds_nothing(tmp_path: Path) -> None:
    environment = {
        "DJANGO_SETTINGS_MODULE": "credentials_settings.settings.base",
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
        "BADGES_DATA_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout
