"""What the pages of requirements and penalties share: both are parts of a template and are reached from its page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _

from badges import api
from badges.admin import words
from badges.admin.base import BadgesAdmin
from badges.admin.columns import breakable, lines, linked, page
from badges.models import BadgeTemplate


def event_type_choices() -> list[tuple[str, str]]:
    """The event types that take part here (S5)."""
    return [("", gettext("Choose an event type")), *((name, name) for name in api.event_types())]


class StepForm(forms.ModelForm):
    """A requirement or penalty of one template."""

    event_type = forms.ChoiceField(
        choices=event_type_choices,
        label=_("Event type"),
        help_text=_("What has to happen. The settings say which types take part here (BADGES['EVENT_TYPES'])."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "template" in self.fields:
            self.fields["template"].widget = forms.HiddenInput()
        if "description" in self.fields:
            self.fields["description"].widget = forms.Textarea(attrs={"rows": 2, "cols": 60})
        stored = self.instance.event_type
        field: Any = self.fields.get("event_type")
        if field is not None and stored and stored not in api.event_types():
            label = gettext("%(type)s (takes no part any more)") % {"type": stored}
            field.choices = [*event_type_choices(), (stored, label)]

    @property
    def template_id(self) -> int | None:
        """The template that the row belongs to, or will belong to."""
        given: Any = self.instance.template_id or self.data.get("template") or self.initial.get("template")
        try:
            return int(given)
        except (TypeError, ValueError):
            return None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "template" in self.errors:  # the field is hidden, and so would its error be
            self.add_error(None, _("Open the badge template it belongs to and add it there."))
        return cleaned

    def clean_event_type(self) -> str:
        chosen: str = self.cleaned_data["event_type"]
        if chosen not in api.event_types():
            raise ValidationError(
                _("Events of this type take no part any more. Choose another, or list it in BADGES['EVENT_TYPES'].")
            )
        return chosen

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        others = self._meta.model.objects.filter(template=self.template_id, key=key).exclude(pk=self.instance.pk)
        if others.exists():
            raise ValidationError(_("This template has a “%(key)s” already. Choose another key."), params={"key": key})
        return key


class StepAdmin(BadgesAdmin):
    """
    One requirement or penalty, with its rules.

    A new one needs a template to belong to, so it is added from the template's page; and saving leads back there.
    """

    add_title: Any
    key_prefix: str
    search_fields = ("key", "template__name", "rules__value", "rules__path")
    search_help_text = _("A key, a template's name, or a part of a rule, such as a course key")
    change_form_template = "admin/badges/step_change_form.html"
    list_select_related = ("template",)
    list_per_page = 50

    class Media:
        js = ("badges/paths.js",)
        css: ClassVar = {"all": ("badges/admin.css",)}

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        return ("template",) if obj else ()

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("rules")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial = super().get_changeform_initial_data(request)
        initial.setdefault("key", self._free_key(request.GET["template"]))
        return initial

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        template = self._template_given(request)
        if template is None and request.method == "GET" and self.has_add_permission(request):
            text = gettext("Open the badge template it belongs to and add it there.")
            self.message_user(request, text, messages.INFO)
            return redirect("admin:badges_badgetemplate_changelist")
        title = self.add_title % {"template": template or ""}
        return super().add_view(request, form_url, {"title": title, "template": template, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        original = context.get("original")
        if original is not None:
            context["template"] = original.template
        paths = {name: list(api.event_fields(event_type=name)) for name in api.event_types()}
        context["paths"] = json_script(paths, "badges-paths-by-type")
        return super().render_change_form(request, context, *args, **kwargs)

    # --- where one goes on ---

    def response_add(self, request: HttpRequest, obj: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._back(request, obj, super().response_add(request, obj, *args, **kwargs))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self._back(request, obj, super().response_change(request, obj))

    def _back(self, request: HttpRequest, row: Any, response: HttpResponse) -> HttpResponse:
        if not row.rules.order_by("pk").exists():  # asked anew, not what was read before the form was saved
            text = gettext("“%(key)s” has no rules, so it applies to every event of its type.") % {"key": row.key}
            self.message_user(request, text, messages.WARNING)
        template = row.template
        if "_addanother" in request.POST:
            return redirect(f"{reverse(f'admin:badges_{self.opts.model_name}_add')}?template={template.pk}")
        return response if "_continue" in request.POST else redirect(page(template))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        template = row.template if row else None
        response = super().delete_view(request, object_id, extra_context)
        if template is not None and isinstance(response, HttpResponseRedirect):
            return redirect(page(template))
        return response

    def get_deleted_objects(
        self, objs: Iterable[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Summed up: Django would list every learner's record of it, of which there may be millions."""
        rows = list(objs)
        return [self.told_on_deletion(row) for row in rows], {str(self.opts.verbose_name_plural): len(rows)}, set(), []

    def told_on_deletion(self, row: Any) -> str:
        """What goes when ``row`` goes, in words."""
        return gettext("“%(key)s” of the template %(template)s, with its rules") % {
            "key": row.key,
            "template": row.template,
        }

    # --- columns ---

    @admin.display(description=_("template"), ordering="template__name")
    def template_link(self, row: Any) -> str:
        return linked(row.template)

    @admin.display(description=_("event type"))
    def type_of_event(self, row: Any) -> SafeString:
        return breakable(row.event_type)

    @admin.display(description=_("rules"))
    def rules(self, row: Any) -> SafeString | str:
        return lines(words.rules(row.rules.all()))

    # --- helpers ---

    def _template_given(self, request: HttpRequest) -> BadgeTemplate | None:
        """The template that a new row is for, by the address or the form."""
        given = request.POST.get("template") or request.GET.get("template") or ""
        return BadgeTemplate.objects.filter(pk=given).first() if given.isascii() and given.isdigit() else None

    def _free_key(self, template_id: str) -> str:
        taken = set(self.model.objects.filter(template=template_id).values_list("key", flat=True))
        return next(key for number in range(1, len(taken) + 2) if (key := f"{self.key_prefix}-{number}") not in taken)
