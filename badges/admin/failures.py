"""Events that could not be handled, and messages from providers."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import admin, messages
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from badges import api
from badges.admin.base import SystemOwned
from badges.admin.columns import breakable, linked, short
from badges.admin.large import LargeTable
from badges.admin.searching import EventType, as_uuid
from badges.models import FailedEvent, ProviderAccount, WebhookEvent


@admin.register(FailedEvent)
class FailedEventAdmin(LargeTable, SystemOwned):
    """
    Events that wait until they can be handled.

    The event itself holds personal data, so it is shown on its own page only, to those who may retry it.
    """

    list_display = ("event_id", "type_of_event", "event_time", "attempts", "beginning_of_error")
    list_filter = (EventType,)
    search_help_text = _("An event's id, or an exact event type")
    readonly_fields = ("created", "modified")
    actions = ("retry",)

    def exactly(self, term: str) -> Iterator[Q]:
        yield Q(event_id=term)

    def roughly(self, term: str) -> Q | None:
        return Q(event_type=term)

    def get_fields(self, request: HttpRequest, obj: FailedEvent | None = None) -> tuple[str, ...]:
        line = ("line",) if self.may(request, "change") else ()
        times = ("attempts", "next_attempt_at", "created", "modified")
        return ("event_id", "event_type", "event_time", "error", *times, *line)

    @admin.display(description=_("event type"))
    def type_of_event(self, event: FailedEvent) -> SafeString:
        return breakable(event.event_type)

    @admin.display(description=_("error"))
    def beginning_of_error(self, event: FailedEvent) -> str:
        return short(event.error)

    @admin.action(description=_("Retry"), permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: models.QuerySet[FailedEvent]) -> None:
        """Handle the events again, the oldest first."""
        events = self.picked(request, queryset, command="manage.py retry_failed_events")
        if not events:
            return
        report = api.retry_failed_events(ids=[event.pk for event in events])
        if report.healed:
            text = ngettext("%(count)d event was handled.", "%(count)d events were handled.", report.healed)
            self.message_user(request, text % {"count": report.healed}, messages.SUCCESS)
        if report.failed:
            text = ngettext(
                "%(count)d event failed again; its error says why.",
                "%(count)d events failed again; their errors say why.",
                report.failed,
            )
            self.message_user(request, text % {"count": report.failed}, messages.ERROR)
        if not (report.healed or report.failed):
            self.message_user(request, gettext("Somebody else has handled them meanwhile."), messages.INFO)


@admin.register(WebhookEvent)
class WebhookEventAdmin(LargeTable, SystemOwned):
    """Messages from providers, as they came in."""

    list_display = ("event_id", "event_type", "account_link", "state", "received_at", "beginning_of_error")
    keys = {"state__exact": "state"}
    list_filter = ("state", "account")
    list_select_related = ("account",)
    search_help_text = _("A message's id")
    fields = ("event_id", "event_type", "account_link", "occurred_at", "received_at", "state", "attempts", "error")
    readonly_fields = ("account_link", "received_at")

    def exactly(self, term: str) -> Iterator[Q]:
        if identity := as_uuid(term):
            # The accounts are named because the index begins with them.
            yield Q(account__in=list(ProviderAccount.objects.values_list("pk", flat=True)), event_id=identity)

    @admin.display(description=_("account"))
    def account_link(self, event: WebhookEvent) -> str:
        return linked(event.account)

    @admin.display(description=_("error"))
    def beginning_of_error(self, event: WebhookEvent) -> str:
        return short(event.error)
