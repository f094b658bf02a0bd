"""Requirements of a badge template."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from badges.admin.rules import DataRuleInline
from badges.admin.searching import EventType
from badges.admin.steps import StepAdmin, StepForm
from badges.models import BadgeRequirement, Fulfillment


class RequirementForm(StepForm):
    class Meta:
        model = BadgeRequirement
        fields = ("template", "key", "event_type", "group", "description")
        widgets: ClassVar = {"group": forms.TextInput(attrs={"list": "badges-groups", "autocomplete": "off"})}


@admin.register(BadgeRequirement)
class BadgeRequirementAdmin(StepAdmin):
    """One requirement with its rules; its template's page shows how all of them go together."""

    form = RequirementForm
    inlines = (DataRuleInline,)
    add_title = _("Add a requirement of “%(template)s”")
    key_prefix = "requirement"
    list_display = ("key", "template_link", "group", "type_of_event", "rules")
    list_filter = (EventType,)
    ordering = ("template__name", "pk")
    fieldsets = ((None, {"fields": ("template", "key", "event_type", "group", "description")}),)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        template = context["original"].template if context.get("original") else context.get("template")
        if template is not None:
            named = template.requirements.exclude(group="").order_by("group")
            context["groups"] = named.values_list("group", flat=True).distinct()
        return super().render_change_form(request, context, *args, **kwargs)

    def told_on_deletion(self, row: BadgeRequirement) -> str:
        learners = Fulfillment.objects.filter(requirement=row).count()
        recorded = ngettext(
            "what is recorded of it for %(count)d learner", "what is recorded of it for %(count)d learners", learners
        ) % {"count": learners}
        parts = [super().told_on_deletion(row), recorded]
        if row.template.is_processed and row.template.requirements.count() == 1:
            parts.append(gettext("it is the last one, and without requirements nobody earns the badge"))
        return "; ".join(parts)
