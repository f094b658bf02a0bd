"""Penalties of a badge template."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from badges.admin.columns import lines
from badges.admin.rules import PenaltyDataRuleInline
from badges.admin.searching import EventType
from badges.admin.steps import StepAdmin, StepForm
from badges.models import BadgePenalty, BadgeRequirement


class PenaltyForm(StepForm):
    """A penalty resets requirements of its own template, of at least one."""

    resets = forms.ModelMultipleChoiceField(
        BadgeRequirement.objects.none(),
        label=_("Resets"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("A learner who fulfilled these has to fulfil them again."),
        error_messages={"invalid_choice": _("Only requirements of the same template can be reset.")},
    )

    class Meta:
        model = BadgePenalty
        fields = ("template", "key", "event_type", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["resets"]
        field.queryset = BadgeRequirement.objects.filter(template=self.template_id)
        if self.instance.pk:
            self.initial["resets"] = [requirement.pk for requirement in self.instance.requirements.all()]


@admin.register(BadgePenalty)
class BadgePenaltyAdmin(StepAdmin):
    """One penalty with its rules."""

    form = PenaltyForm
    inlines = (PenaltyDataRuleInline,)
    add_title = _("Add a penalty to “%(template)s”")
    key_prefix = "penalty"
    list_display = ("key", "template_link", "type_of_event", "rules", "resets")
    list_filter = (EventType,)
    ordering = ("template__name", "pk")
    fieldsets = ((None, {"fields": ("template", "key", "event_type", "resets", "description")}),)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[BadgePenalty]:
        return super().get_queryset(request).prefetch_related("requirements")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if not change or "resets" in form.changed_data:
            form.instance.requirements.set(form.cleaned_data["resets"])

    @admin.display(description=_("resets"))
    def resets(self, penalty: BadgePenalty) -> SafeString | str:
        return lines([requirement.key for requirement in penalty.requirements.all()])
