"""Rules below a requirement or penalty: checked before they are saved, each mistake told at its field (S14, S15)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy as _

from badges import api
from badges.admin import words
from badges.data import RuleSpec
from badges.exceptions import RuleError
from badges.models import DataRule, PenaltyDataRule

SAMPLES = ("true", "1", "2026-05-01")
"""Every kind of value can be read from one of these."""


class RuleForm(forms.ModelForm):
    """One rule for events of type ``event_type``, empty when that is not known yet."""

    operator = forms.ChoiceField(choices=words.operator_choices, initial="eq", label=_("Operator"))

    class Meta:
        fields = ("path", "operator", "value")
        widgets = {
            "path": forms.TextInput(attrs={"size": 34, "list": "badges-paths", "autocomplete": "off"}),
            "value": forms.TextInput(attrs={"size": 34}),
        }

    def __init__(self, *args: Any, event_type: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.event_type = event_type

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.event_type not in api.event_types() or not {"path", "operator", "value"} <= cleaned.keys():
            return cleaned
        rule = RuleSpec(cleaned["path"], cleaned["operator"], cleaned["value"])
        if fault := find_fault(self.event_type, rule):
            self.add_error(*fault)
        return cleaned


def refusal(event_type: str, rule: RuleSpec) -> str:
    """Why the rule cannot be used for the event type; empty when it can."""
    try:
        api.check_rule(event_type=event_type, rule=rule)
    except RuleError as error:
        return str(error)
    return ""


def find_fault(event_type: str, rule: RuleSpec) -> tuple[str, str] | None:
    """
    The field of a rule that has to be changed, and why; None for a rule that can be used.

    It is the first field that is refused whatever comes after it.
    """
    problem = refusal(event_type, rule)
    if not problem:
        return None
    if no_such_path := refusal(event_type, RuleSpec(rule.path, "exists", "true")):
        return "path", no_such_path
    if _fits(event_type, rule.path, rule.operator):
        return "value", problem
    usable = [str(label) for name, label in words.OPERATORS.items() if _fits(event_type, rule.path, name)]
    told = gettext("This does not fit what is at %(path)s. Use one of: %(operators)s.")
    return "operator", told % {"path": rule.path, "operators": ", ".join(usable)}


def _fits(event_type: str, path: str, operator: str) -> bool:
    """Whether the operator can be used for the field, with one value or another."""
    return any(not refusal(event_type, RuleSpec(path, operator, sample)) for sample in SAMPLES)


class RuleFormSet(forms.BaseInlineFormSet):
    """Tells each rule the event type that the owner's form was given."""

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        return {**super().get_form_kwargs(index), "event_type": self.instance.event_type}


class RuleInline(admin.TabularInline):
    """The rules are part of their owner: who may change it may change them."""

    form = RuleForm
    formset = RuleFormSet
    verbose_name = _("rule")
    verbose_name_plural = _("Rules: all of them have to hold. Without any, every event of the type counts.")

    def get_extra(self, request: HttpRequest, obj: models.Model | None = None, **kwargs: Any) -> int:
        return 0 if obj else 2

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self._may(request, "view") or self.has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        # Django asks without an owner on the page of a new one, and for the rows of any.
        return self._may(request, "change") or (obj is None and self._may(request, "add"))

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.has_change_permission(request, obj)

    def _may(self, request: HttpRequest, what: str) -> bool:
        owner = self.parent_model._meta
        return bool(request.user.has_perm(f"{owner.app_label}.{what}_{owner.model_name}"))


class DataRuleInline(RuleInline):
    model = DataRule


class PenaltyDataRuleInline(RuleInline):
    model = PenaltyDataRule
