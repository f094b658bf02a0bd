"""Badge definitions as YAML: INTERFACES of ``load_badges`` and ``dump_badges``, described in ``docs/references``."""

from badges.services.definitions.dumping import dump
from badges.services.definitions.loading import LoadReport, load

__all__ = ["LoadReport", "dump", "load"]
