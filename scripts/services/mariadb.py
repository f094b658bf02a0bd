"""MariaDB: a data directory of its own, not the distribution's."""

from __future__ import annotations

import shutil
import subprocess

from scripts.services.daemon import Daemon, give, initialise, own_directory, plain_environment
from scripts.services.place import HOST, Place

USER = "mysql"
PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb")


def program(name: str) -> str | None:
    return shutil.which(name, path=plain_environment()["PATH"])


def installed() -> bool:
    return all(program(name) for name in PROGRAMS)


def address(place: Place) -> str:
    return f"mysql://badges:{place.password}@{HOST}:{place.port('mariadb')}/badges"


def daemon(place: Place) -> Daemon:
    home = place.data("mariadb")
    data = home / "data"
    at_start = home / "at-start.sql"

    def prepare() -> None:
        own_directory(home, USER)
        at_start.write_text(
            "CREATE DATABASE IF NOT EXISTS badges CHARACTER SET utf8mb4;\n"
            f"CREATE OR REPLACE USER badges@'{HOST}' IDENTIFIED BY '{place.password}';\n"
            f"GRANT ALL ON *.* TO badges@'{HOST}' WITH GRANT OPTION;\n"
        )
        give(at_start, USER)
        ready = data / "ready"
        if ready.exists():
            return
        shutil.rmtree(data, ignore_errors=True)  # an installation that was interrupted
        initialise("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db", user=USER)
        ready.touch()

    def healthy() -> bool:
        asked = subprocess.run(
            [
                *(str(program("mariadb")), "--no-defaults", "--protocol=TCP", f"--host={HOST}"),
                *(f"--port={place.port('mariadb')}", "--user=badges", "--execute=SELECT 1", "badges"),
            ],
            check=False,
            env=plain_environment(MYSQL_PWD=place.password),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return asked.returncode == 0

    return Daemon(
        name="mariadb",
        command=[
            *(str(program("mariadbd")), "--no-defaults", f"--datadir={data}", f"--init-file={at_start}"),
            *(f"--bind-address={HOST}", f"--port={place.port('mariadb')}", "--skip-name-resolve"),
            # Below the data directory, because the path of a socket may have only 107 characters.
            *("--socket=mariadb.sock", f"--pid-file={data / 'mariadb.pid'}"),
            *("--character-set-server=utf8mb4", "--max-connections=200", "--innodb-buffer-pool-size=512M"),
        ],
        marker=str(data),
        prepare=prepare,
        healthy=healthy,
        user=USER,
    )
