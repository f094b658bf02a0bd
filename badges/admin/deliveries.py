"""What is on its way to the provider and to other applications."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy as _

from badges import api
from badges.admin.base import SystemOwned
from badges.admin.columns import linked, short
from badges.admin.searching import LearnerSearch, chosen_learner, chosen_template
from badges.exceptions import BadgesError
from badges.models import Delivery


@admin.register(Delivery)
class DeliveryAdmin(LearnerSearch, SystemOwned):
    """The outbox. A failed delivery says why, and can be sent again or given up."""

    learner = "progress__user"
    template = "progress__template"
    list_display = (
        "identity",
        "kind",
        "state",
        "learner_link",
        "template_link",
        "next_attempt_at",
        "beginning_of_error",
    )
    keys = {"learner": "progress__user", "state__exact": "state"}
    list_filter = ("state", "kind", chosen_learner("progress__user"), chosen_template("progress__template"))
    list_select_related = ("progress__user", "progress__template")
    fields = (
        "learner_link",
        "template_link",
        "progress_link",
        "kind",
        "lane",
        "state",
        "error",
        "unsettled",
        "attempts",
        "next_attempt_at",
        "decided_at",
        "lease_expires_at",
        "finished_at",
    )
    readonly_fields = ("learner_link", "template_link", "progress_link", "lease_expires_at")
    actions = ("resend", "cancel")

    @admin.display(description=_("id"))
    def identity(self, delivery: Delivery) -> int:
        return delivery.pk

    @admin.display(description=_("learner"))
    def learner_link(self, delivery: Delivery) -> str:
        return linked(delivery.progress.user)

    @admin.display(description=_("template"))
    def template_link(self, delivery: Delivery) -> str:
        return linked(delivery.progress.template)

    @admin.display(description=_("progress"))
    def progress_link(self, delivery: Delivery) -> str:
        return linked(delivery.progress)

    @admin.display(description=_("error"))
    def beginning_of_error(self, delivery: Delivery) -> str:
        return short(delivery.error)

    @admin.action(description=_("Resend"), permissions=["operate"])
    def resend(self, request: HttpRequest, queryset: models.QuerySet[Delivery]) -> None:
        """Give failed deliveries all their attempts again."""
        for delivery in self.picked(request, queryset, command="manage.py deliver_badges --once --retry-failed"):
            try:
                api.resend_delivery(delivery_id=delivery.pk)
            except BadgesError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                text = gettext("Delivery %(id)d (%(kind)s) is tried again.")
                values = {"id": delivery.pk, "kind": delivery.get_kind_display()}
                self.message_user(request, text % values, messages.SUCCESS)

    @admin.action(description=_("Cancel"), permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: models.QuerySet[Delivery]) -> HttpResponse | None:
        """Give deliveries up that wait or have failed."""
        deliveries = self.picked(request, queryset)
        if not deliveries:
            return None
        question = gettext(
            "These deliveries will never be made, and this cannot be undone. The badges stay what they are here; a "
            "badge whose issue is cancelled is not at the provider, one whose revocation is cancelled stays there, and "
            "of a cancelled announcement nobody is told."
        )
        title = gettext("Cancel deliveries")
        asking = self.confirmation(request, deliveries, action="cancel", title=title, question=question)
        if asking is not None:
            return asking
        for delivery in deliveries:
            try:
                api.cancel_delivery(delivery_id=delivery.pk)
            except BadgesError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                text = gettext("Delivery %(id)d (%(kind)s) was cancelled.")
                values = {"id": delivery.pk, "kind": delivery.get_kind_display()}
                self.message_user(request, text % values, messages.SUCCESS)
        return None
