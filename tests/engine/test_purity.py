"""The engine is pure: it can be used, and tested, where nothing else is."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import badges.engine

FORBIDDEN = {
    "django",
    "rest_framework",
    "celery",
    "kombu",
    "requests",
    "openedx_events",
    "opaque_keys",
    "confluent_kafka",
}


def test_importing_the_whole_engine_loads_no_framework_and_no_event_bus() -> None:
    modules = [f"badges.engine.{module.name}" for module in pkgutil.iter_modules(badges.engine.__path__)]
    assert "badges.engine.progress" in modules
    code = f"import sys, {', '.join(modules)}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "badges" in loaded
    assert FORBIDDEN.isdisjoint(loaded)
