"""
What was announced is added up in the background; see :mod:`badges.services.counting`.

Before, the number was that of the deliveries that are done, plus those that had been purged.
"""

from typing import Any

from django.db import migrations, models
from django.db.models import Count, F

KINDS = ("announce_awarded", "announce_revoked")


def add_all(apps: Any, schema_editor: Any) -> None:
    """Add what is there, once: none of it is marked as uncounted."""
    alias = schema_editor.connection.alias
    counts = apps.get_model("badges", "AnnouncementCount").objects.using(alias)
    there = _there(apps, alias)
    for kind in KINDS:
        counts.get_or_create(kind=kind)
        counts.filter(kind=kind).update(sent=F("sent") + there.get(kind, 0))


def take_out_what_is_there(apps: Any, schema_editor: Any) -> None:
    """From now on those are counted where they are. Some may never have been added: by a process with older code."""
    alias = schema_editor.connection.alias
    there = _there(apps, alias)
    for count in apps.get_model("badges", "AnnouncementCount").objects.using(alias).all():
        count.sent = max(count.sent - there.get(count.kind, 0), 0)
        count.save()


def _there(apps: Any, alias: str) -> dict[str, int]:
    """How many announcements that were sent and are not marked have a delivery still, by kind."""
    deliveries = apps.get_model("badges", "Delivery").objects.using(alias)
    sent = deliveries.filter(lane="announce", state="done", uncounted=False).order_by().values_list("kind")
    return dict(sent.annotate(Count("pk")))


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
