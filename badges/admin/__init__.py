"""
The Django admin: one file a family of pages.

Pages show models and edit the configuration; what the system does on a person's word goes through ``badges.api``.
"""

from badges.admin import (
    accounts,
    badges,
    configuration,
    deliveries,
    failures,
    journal,
    penalties,
    progress,
    requirements,
    templates,
)

__all__ = [
    "accounts",
    "badges",
    "configuration",
    "deliveries",
    "failures",
    "journal",
    "penalties",
    "progress",
    "requirements",
    "templates",
]
