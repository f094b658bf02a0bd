"""``python -m credentials_settings.sandbox.kafka --port P --registry-port R --topic NAME:PARTITIONS``: as a process."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from credentials_settings.sandbox.kafka.cluster import ClusterError
from credentials_settings.sandbox.kafka.server import SESSION_TIMEOUT_MS, kafka
from credentials_settings.sandbox.serving import serve_until_signal


def topic(text: str) -> tuple[str, int]:
    """``NAME:PARTITIONS``, or ``NAME`` for one partition."""
    name, _, partitions = text.partition(":")
    partitions = partitions or "1"
    if not name or not partitions.isdecimal() or int(partitions) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME:PARTITIONS, such as dev-learning-badges-lifecycle:4")
    return name, int(partitions)


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m credentials_settings.sandbox.kafka", description=__doc__)
    options.add_argument("--port", type=int, required=True, help="the broker's, on 127.0.0.1; 0 picks a free one")
    options.add_argument("--registry-port", type=int, required=True, help="the registry's; 0 picks a free one")
    options.add_argument(
        "--topic", type=topic, action="extend", nargs="+", default=[], metavar="NAME:PARTITIONS", dest="topics"
    )
    options.add_argument(
        "--session-timeout-ms",
        type=int,
        default=SESSION_TIMEOUT_MS,
        help="how long a silent group.protocol=consumer member keeps its partitions",
    )
    options.add_argument("--state", type=Path, metavar="FILE", help="keeps the schema ids across restarts")
    options.add_argument("--ready-file", type=Path, metavar="FILE", help="written (pid, addresses) once both answer")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser().parse_args(arguments)
    try:
        serve_until_signal(
            kafka(
                port=given.port,
                registry_port=given.registry_port,
                topics=dict(given.topics),
                session_timeout_ms=given.session_timeout_ms,
                state_file=given.state,
            ),
            describe=lambda running: (
                f"embedded Kafka on {running.bootstrap_servers}, schema registry on {running.schema_registry_url}"
            ),
            facts=lambda running: {
                "bootstrap_servers": running.bootstrap_servers,
                "schema_registry_url": running.schema_registry_url,
            },
            ready_file=given.ready_file,
        )
    except ClusterError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
