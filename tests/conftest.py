"""What every test starts from."""

from __future__ import annotations

import logging
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from celery.signals import before_task_publish

from badges.services import rulebook, watching
from credentials_settings.sandbox.credly import DEMO_KEY
from tests.builders import API_KEY

# Below nohup, or in the background of a script, these are ignored, here and in every process that a test starts.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _fresh_rules() -> Iterator[None]:
    """
    A test's configuration is rolled back, its version number with it; the next test must not meet the cached rules.
    """
    rulebook.forget()
    yield
    rulebook.forget()
    own = watching._own.connection
    if own is not None and own.connection is not None:
        own.connection.close()  # Django keeps that of a database in memory open
    watching.close()


SECRET = re.compile(rf"@example\.com|{re.escape(API_KEY)}|{re.escape(DEMO_KEY)}|a-key-that-nobody-may-see")
"""The e-mail addresses and keys of the tests."""

FOREIGN = (
    "werkzeug",
    "pytest_httpserver",
    "aiohttp",
    "credentials_settings.sandbox",
    "django.dispatch",
    "openedx_events",
)
"""
Loggers that are not the app's: the servers of the tests, and the two that tell of other apps' receivers, see
``docs/how-tos/run_in_production.rst``.
"""


class _Overheard(logging.Handler):
    """What was logged, by whomever, with the stack of an exception."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(FOREIGN):
            self.texts.append(f"{record.name}: {self.format(record)}")


@pytest.fixture(autouse=True)
def _nothing_secret_is_told() -> Iterator[None]:
    """No test, whatever it is about, may bring an address or a key into a log line or a task's arguments (S36)."""
    overheard = _Overheard()

    def published(body: Any = None, **_: Any) -> None:
        overheard.texts.append(f"task arguments: {body!r}")

    logging.getLogger().addHandler(overheard)
    before_task_publish.connect(published)
    yield
    before_task_publish.disconnect(published)
    logging.getLogger().removeHandler(overheard)
    told = [text for text in overheard.texts if SECRET.search(text)]
    assert not told, told
