"""
The rulebook's version row; and, on the way back, the rows that the tables alone would leave behind.

A migration of its own, because PostgreSQL refuses to drop a table in the transaction that deleted from it.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations


def add_version(apps: Any, schema_editor: Any) -> None:
    apps.get_model("badges", "RulebookVersion").objects.get_or_create(pk=1)


def delete_credentials(apps: Any, schema_editor: Any) -> None:
    """Our badges are rows of the service's ``UserCredential`` too; left there, the next installation would meet them."""
    badges = apps.get_model("badges", "CredlyBadge")
    credentials = apps.get_model("credentials", "UserCredential")
    progress = apps.get_model("badges", "BadgeProgress")
    progress.objects.update(credential=None)
    while ids := list(badges.objects.values_list("pk", flat=True)[:500]):
        badges.objects.filter(pk__in=ids)._raw_delete(badges.objects.db)
        credentials.objects.filter(pk__in=ids)._raw_delete(credentials.objects.db)


class Migration(migrations.Migration):
    dependencies = [("badges", "0001_openedx_badges")]

    operations = [migrations.RunPython(add_version, delete_credentials)]
