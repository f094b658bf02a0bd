"""How others find the services: environment variables, else ``.services.env`` (one KEY=VALUE a line)."""

from __future__ import annotations

import os
from collections.abc import Mapping

from scripts.services import kafka, mariadb, postgres, redis, registry
from scripts.services.place import CHECKOUT, Place

FILE = CHECKOUT / ".services.env"

SERVICES_OF = {
    "POSTGRES_URL": ("postgres",),
    "MARIADB_URL": ("mariadb",),
    "REDIS_URL": ("redis",),
    "KAFKA_BOOTSTRAP_SERVERS": kafka.NAMES,
    "SCHEMA_REGISTRY_URL": ("registry",),
}
"""Which of our services stand behind a variable."""


def ours(place: Place) -> dict[str, str]:
    return {
        "POSTGRES_URL": postgres.address(place),
        "MARIADB_URL": mariadb.address(place),
        "REDIS_URL": redis.address(place),
        "KAFKA_BOOTSTRAP_SERVERS": kafka.address(place),
        "SCHEMA_REGISTRY_URL": registry.address(place),
    }


def given(place: Place) -> dict[str, str]:
    """Addresses of servers that somebody else runs, from the environment."""
    return {
        variable: value
        for variable, own in ours(place).items()
        if (value := os.environ.get(variable, "")) and value not in (own, read().get(variable))
    }


def write(addresses: Mapping[str, str]) -> None:
    partial = FILE.with_suffix(".part")
    partial.touch(mode=0o600)
    partial.write_text("".join(f"{variable}={value}\n" for variable, value in addresses.items()))
    partial.replace(FILE)


def read() -> dict[str, str]:
    """What the file says; empty when there is none."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    return dict(line.split("=", 1) for line in lines if "=" in line)


def known() -> dict[str, str]:
    """The addresses to use: the environment's, else the file's. A variable that neither has is absent."""
    return {variable: value for variable in SERVICES_OF if (value := os.environ.get(variable) or read().get(variable))}
