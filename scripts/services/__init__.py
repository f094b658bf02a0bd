"""
The real servers that the integration tests talk to, on loopback: ``python -m scripts.services up``.

PostgreSQL, MariaDB, Redis, three Kafka brokers and a schema registry, each with its own data directory and port, beside
whatever else runs on the machine. They and their data are for tests: ``down`` ends them and removes the data.

Linux with Debian's packages; the standard library only, because this runs before the project's environment exists.
"""
