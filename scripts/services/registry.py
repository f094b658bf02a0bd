"""
Apicurio Registry, which speaks the protocol of Confluent's schema registry.

It keeps the schemas in memory: a restart forgets them and their ids. To take it away for a while and bring it back as
it was, send the process SIGSTOP and SIGCONT.
"""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from pathlib import Path

from scripts.services.daemon import Daemon, own_directory
from scripts.services.place import HOST, Place

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def address(place: Place) -> str:
    return f"http://{HOST}:{place.port('registry')}/apis/ccompat/v7"


def daemon(place: Place, jars: Path) -> Daemon:
    jar = next(iter(jars.glob("*-runner.jar")), jars / "missing-runner.jar")

    def healthy() -> bool:
        try:
            with DIRECT.open(f"{address(place)}/subjects", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return Daemon(
        name="registry",
        command=[shutil.which("java") or "java", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-jar", jar],
        marker=str(jars),
        prepare=lambda: own_directory(place.data("registry"), None),
        healthy=healthy,
        environment={"QUARKUS_HTTP_HOST": HOST, "QUARKUS_HTTP_PORT": str(place.port("registry"))},
    )
