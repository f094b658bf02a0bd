"""
``python -m credentials_settings.sandbox.stack``: everything on this machine, each part its own process (``make run``).

Embedded Kafka with its schema registry, a sandbox Credly, the consumer, a Celery worker with beat, another app that
reads the announcements, and the admin.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess  # nosec B404  # only our own programs, without a shell
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from credentials_settings.sandbox.credly import DEMO_KEY
from credentials_settings.sandbox.readiness import Ready, file_written, free_port, log_contains, url_answers
from credentials_settings.sandbox.supervisor import Supervisor, SupervisorError

ROOT = Path(__file__).resolve().parents[2]
TOPIC = "learning-badges-lifecycle"
PARTITIONS = 3


class Stack:
    """
    The parts of a running system below one data directory; ``start`` them in the order of the methods.

    ``env`` is what other processes need to take part.
    """

    def __init__(self, supervisor: Supervisor, data_dir: Path, *, credly_port: int | None = None) -> None:
        self.supervisor = supervisor
        self.data_dir = data_dir
        self.kafka_port, self.registry_port = free_port(), free_port()
        self.credly_port = credly_port or free_port()
        self.received = data_dir / "other-app.jsonl"
        self.env: Mapping[str, str] = {
            "DJANGO_SETTINGS_MODULE": "credentials_settings.settings.local",
            "BADGES_DATA_DIR": str(data_dir),
            "DATABASE_URL": f"sqlite:///{data_dir / 'badges.sqlite3'}",
            "CELERY_BROKER_URL": "filesystem://",
            "EVENT_BUS": "kafka",
            "EVENT_BUS_TOPIC_PREFIX": "dev",
            "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.kafka_port}",
            "SCHEMA_REGISTRY_URL": f"http://127.0.0.1:{self.registry_port}",
            "CREDLY_API_BASE_URL": f"http://127.0.0.1:{self.credly_port}/v1/",
            "CREDLY_API_KEY": DEMO_KEY,
        }

    @property
    def credly_control(self) -> str:
        """The address of the sandbox Credly's control plane."""
        return f"http://127.0.0.1:{self.credly_port}/_sandbox/"

    def servers(self) -> None:
        """The event bus and Credly."""
        ready = self.data_dir / "kafka.ready"
        self._start(
            "kafka",
            "-m",
            "credentials_settings.sandbox.kafka",
            f"--port={self.kafka_port}",
            f"--registry-port={self.registry_port}",
            f"--topic=dev-{TOPIC}:{PARTITIONS}",
            f"--ready-file={ready}",
            ready=file_written(ready),
        )
        ready = self.data_dir / "credly.ready"
        self._start(
            "credly",
            "-m",
            "credentials_settings.sandbox.credly",
            f"--port={self.credly_port}",
            f"--state={self.data_dir / 'credly.json'}",
            f"--ready-file={ready}",
            ready=file_written(ready),
        )

    def manage(self, *arguments: str) -> str:
        """Run a management command to its end; what it printed. Raises SupervisorError with that when it fails."""
        done = subprocess.run(  # nosec B603  # our own manage.py, with arguments from this package
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env={**os.environ, **self.env},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise SupervisorError(f"manage.py {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def consumer(self) -> None:
        self._start("consumer", "manage.py", "consume_events", "-t", TOPIC, "-g", "badges")

    def worker(self) -> None:
        self._start(
            "worker",
            *("-m", "celery", "-A", "credentials_settings", "worker", "-P", "solo", "-B", "--loglevel=INFO"),
            ready=log_contains("ready."),
        )

    def other_app(self) -> None:
        self._start("other-app", "-m", "credentials_settings.sandbox.other_app", f"--out={self.received}")

    def web(self, port: int) -> None:
        self._start(
            "web",
            *("manage.py", "runserver", f"127.0.0.1:{port}", "--noreload", "--insecure"),
            ready=url_answers(f"http://127.0.0.1:{port}/admin/login/"),
        )

    def _start(self, name: str, *arguments: str, ready: Ready | None = None) -> None:
        self.supervisor.start(name, [sys.executable, *arguments], env=self.env, cwd=ROOT, ready=ready)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=8000, help="of the admin")
    options.add_argument("--credly-port", type=int, default=8090, help="of the sandbox Credly")
    options.add_argument("--data-dir", type=Path, default=ROOT / ".data" / "run", help="kept between runs")
    given = options.parse_args()
    given.data_dir.mkdir(parents=True, exist_ok=True)
    stopped = threading.Event()
    with Supervisor(given.data_dir / "logs") as supervisor:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        # Always the same one, because Credly's image addresses have it in them.
        stack = Stack(supervisor, given.data_dir, credly_port=given.credly_port)
        print("Starting the event bus and the sandbox Credly …", flush=True)
        stack.servers()
        print("Preparing the database …", flush=True)
        stack.manage("migrate", "--verbosity=0")
        password = _admin_password(stack)
        stack.manage("load_badges", str(Path(__file__).parent / "demo" / "badges.yaml"))
        print("Starting consumer, worker, another app and the admin …", flush=True)
        stack.consumer()
        stack.worker()
        stack.other_app()
        stack.web(given.port)
        print(
            f"\n  Admin          http://127.0.0.1:{given.port}/admin/   user: admin   password: {password}\n"
            f"  Credly         {stack.credly_control}badges\n"
            f"  Kafka          {stack.env['KAFKA_BOOTSTRAP_SERVERS']}   registry {stack.env['SCHEMA_REGISTRY_URL']}\n"
            f"  Announcements  {stack.received}\n"
            f"  Logs           {supervisor.log_dir}\n\n"
            "Ctrl-C stops everything.",
            flush=True,
        )
        while not stopped.wait(1):
            for process in supervisor.processes.values():
                if not process.running:
                    raise SystemExit(f"{process.name} ended (exit code {process.returncode}):\n{process.tail()}")
        print("Stopping …", flush=True)


def _admin_password(stack: Stack) -> str:
    """The password of the admin user, made at the first run and kept beside the database."""
    kept = stack.data_dir / "admin-password"
    if not (kept.exists() and kept.read_text()):
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(9))
    # Written before the user is made, so that a run that ends in between leaves no user whose password nobody knows.
    os.environ["DJANGO_SUPERUSER_PASSWORD"] = password = kept.read_text()
    with suppress(SupervisorError):  # the user is there already
        stack.manage("createsuperuser", "--noinput", "--username=admin", "--email=admin@example.com")
    del os.environ["DJANGO_SUPERUSER_PASSWORD"]
    return password


if __name__ == "__main__":
    main()
