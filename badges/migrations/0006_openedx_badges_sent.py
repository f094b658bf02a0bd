"""
What was announced is added up in the background; see :mod:`badges.services.counting`.

Before, the number was that of the deliveries that are done, plus those that had been purged.
"""

from typing import Any

from django.db import migrations, models
from django.db.models import Count, F


def add_all(apps: Any, schema_editor: Any) -> None:
    """Count what is there, once: none of it is marked as uncounted."""
    _add(apps, schema_editor, sign=1)


def take_out_what_is_there(apps: Any, schema_editor: Any) -> None:
    """From now on those are counted where they are."""
    _add(apps, schema_editor, sign=-1)


def _add(apps: Any, schema_editor: Any, sign: int) -> None:
    alias = schema_editor.connection.alias
    deliveries = apps.get_model("badges", "Delivery").objects.using(alias)
    counts = apps.get_model("badges", "AnnouncementCount").objects.using(alias)
    sent = deliveries.filter(lane="announce", state="done", uncounted=False).order_by().values_list("kind")
    for kind, count in sent.annotate(Count("pk")):
        counts.get_or_create(kind=kind)
        counts.filter(kind=kind).update(sent=F("sent") + sign * count)


class Migration(migrations.Migration):
    dependencies = [
        ("badges", "0005_openedx_badges_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="uncounted",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.RunPython(add_all, take_out_what_is_there),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["uncounted", "kind"], name="openedx_badges_delivery_sent"),
        ),
    ]
