"""What happened, to whom and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _

from badges.admin.base import SystemOwned, Unlisted
from badges.admin.columns import lines, linked
from badges.admin.searching import LearnerSearch, chosen_learner, chosen_template
from badges.admin.words import OPERATORS
from badges.models import AnnouncementCount, JournalEntry


@admin.register(JournalEntry)
class JournalEntryAdmin(LearnerSearch, SystemOwned):
    """The journal, newest first."""

    list_display = ("created", "kind", "learner_link", "template_link", "subject", "penalty")
    keys = {"learner": "user", "template": "template"}
    list_filter = ("kind", chosen_learner(), chosen_template())
    list_select_related = ("user", "template")
    search_help_text = _("A learner's exact username, an event's id, or a part of a badge template's name")
    fields = (
        "created",
        "kind",
        "learner_link",
        "template_link",
        "subject",
        "penalty",
        "event_type",
        "event_id",
        "event_time",
        "what_rules_saw",
        "detail",
    )
    readonly_fields = ("learner_link", "template_link", "what_rules_saw")

    def exactly(self, term: str) -> Iterator[Q]:
        yield Q(event_id=term)
        yield from super().exactly(term)

    @admin.display(description=_("learner"))
    def learner_link(self, entry: JournalEntry) -> str:
        return linked(entry.user)

    @admin.display(description=_("template"))
    def template_link(self, entry: JournalEntry) -> str:
        return linked(entry.template)

    @admin.display(description=_("what the rules saw"))
    def what_rules_saw(self, entry: JournalEntry) -> SafeString | str:
        """Each rule, and the value that the event had for it."""
        return lines([_sight(one) for one in entry.saw])


def _sight(one: dict[str, Any]) -> str:
    """One entry of ``JournalEntry.saw`` as a sentence."""
    rule = f"{one['path']} {OPERATORS.get(one['operator'], one['operator'])} “{one['value']}”"
    if one["saw"] is None:
        return gettext("%(rule)s: the event had no such value") % {"rule": rule}
    saw = str(one["saw"]).lower() if isinstance(one["saw"], bool) else one["saw"]
    return gettext("%(rule)s: the event had “%(saw)s”") % {"rule": rule, "saw": saw}


@admin.register(AnnouncementCount)
class AnnouncementCountAdmin(Unlisted):
    """How many announcements were sent, but for those since the last sweep."""

    list_display = ("kind", "sent")
    search_fields = ("kind",)
    ordering = ("kind",)
