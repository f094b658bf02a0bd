"""``python -m credentials_settings.sandbox.credly --port P``: the sandbox Credly as a process."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from credentials_settings.sandbox.credly.records import Organization
from credentials_settings.sandbox.credly.seeds import (
    DEMO_KEY,
    DEMO_ORGANIZATION,
    SeedError,
    demo_organizations,
    load_templates,
    parse_organization,
)
from credentials_settings.sandbox.credly.server import credly
from credentials_settings.sandbox.serving import serve_until_signal


def organization(text: str) -> Organization:
    try:
        return parse_organization(text)
    except SeedError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m credentials_settings.sandbox.credly", description=__doc__)
    options.add_argument("--port", type=int, required=True, help="on 127.0.0.1; 0 picks a free one")
    options.add_argument(
        "--organization",
        type=organization,
        action="append",
        default=[],
        metavar="UUID:KEY:NAME",
        help=f"repeatable; default {DEMO_ORGANIZATION}:{DEMO_KEY}:Demo University",
    )
    options.add_argument(
        "--templates", type=Path, metavar="FILE", help="badge definitions, YAML or JSON; default: demo templates"
    )
    options.add_argument("--latency-ms", type=float, default=0, help="added to every request to the API")
    options.add_argument("--hang-seconds", type=float, default=30, help="how long a timeout fault holds a connection")
    options.add_argument("--state", type=Path, metavar="FILE", help="keeps what happens across restarts")
    options.add_argument("--ready-file", type=Path, metavar="FILE", help="written (pid, url) once the server answers")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser()
    given = options.parse_args(arguments)
    try:
        templates = (
            load_templates(given.templates, given.organization or demo_organizations()) if given.templates else None
        )
    except SeedError as error:
        options.error(str(error))
    serve_until_signal(
        credly(
            port=given.port,
            organizations=given.organization,
            templates=templates,
            latency_ms=given.latency_ms,
            hang_seconds=given.hang_seconds,
            state_file=given.state,
        ),
        describe=lambda running: f"sandbox Credly on {running.url}",
        facts=lambda running: {"url": running.url, "control_url": running.control_url},
        ready_file=given.ready_file,
    )


if __name__ == "__main__":
    main()
