"""
An app that changes the product in the processes of a scenario: faults from within, and mutations.

The environment variable ``TAMPERING`` names functions without arguments, dotted and separated by commas; each is called
once, when everything else in the process is set up. Without the variable the app is not installed.
"""

from __future__ import annotations

import os

from django.apps import AppConfig
from django.utils.module_loading import import_string


class TamperingConfig(AppConfig):
    name = "tests.chaos.tampering"

    def ready(self) -> None:
        for path in os.environ["TAMPERING"].split(","):
            import_string(path)()


def tampering(*paths: str) -> dict[str, str]:
    """The environment of a process with these changes, and with those that this process's own environment names."""
    return {"TAMPERING": ",".join([*filter(None, [os.environ.get("TAMPERING")]), *paths])}
