"""Badge templates: the page on which one is put together and activated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from badges.admin.base import BadgesAdmin
from badges.admin.outline import outline
from badges.admin.searching import as_uuid
from badges.models import BadgeProgress, BadgeRequirement, BadgeTemplate

FROM_PROVIDER = ("name", "description", "image_url", "state")
OURS = ("site", "is_active", "allow_reaward")


class BadgeTemplateForm(forms.ModelForm):
    """A new template is named by its account and its id there; an old one is ours only in part."""

    # Declared, because the scheme that Django assumes changes with its version.
    image_url = forms.URLField(label=_("Image"), required=False, max_length=500, assume_scheme="https")

    class Meta:
        model = BadgeTemplate
        fields = ("account", "external_id", *FROM_PROVIDER, *OURS)

    def clean_external_id(self) -> str:
        external_id: str = self.cleaned_data["external_id"]
        known = as_uuid(external_id)
        return str(known) if known else external_id

    def clean_is_active(self) -> bool:
        wanted: bool = self.cleaned_data["is_active"]
        if wanted and not self.initial.get("is_active"):
            faults = outline(self.instance).faults
            if faults:
                raise ValidationError([gettext("It cannot be activated yet."), *faults])
        return wanted

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.instance.pk and {"account", "external_id"} <= cleaned.keys():
            self._identify(cleaned["account"].provider, cleaned["external_id"])
        return cleaned

    def _identify(self, provider: str, external_id: str) -> None:
        """A new template gets the uuid that synchronizing would give it, where its id is one."""
        self.instance.provider = provider
        known = as_uuid(external_id)
        if known:
            self.instance.uuid = known
        same = Q(provider=provider, external_id=external_id) | Q(uuid=self.instance.uuid)
        twin = BadgeTemplate.objects.filter(same).first()
        if twin is not None:
            text = _("There is a template with this id already: %(name)s.")
            self.add_error("external_id", ValidationError(text, params={"name": twin.name}))


@admin.register(BadgeTemplate)
class BadgeTemplateAdmin(BadgesAdmin):
    """
    Built on one page: its requirements and penalties are listed on it, and each opens a page of its own.

    What the provider says of a template is entered once, when it is added by hand; then it follows the provider.
    """

    form = BadgeTemplateForm
    list_display = ("name", "account", "state", "is_active", "requirement_count")
    list_filter = ("is_active", "state", "account")
    list_select_related = ("account",)
    list_per_page = 50
    ordering = ("name", "pk")
    search_fields = ("name",)
    search_help_text = _("A part of the name, or the template's id")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[BadgeTemplate]:
        """With the number of requirements, counted apart: a join would group every column of the list."""
        rows = BadgeRequirement.objects.filter(template=OuterRef("pk")).order_by().values("template")
        count = Subquery(rows.annotate(how_many=Count("pk")).values("how_many"))
        return super().get_queryset(request).annotate(how_many_requirements=Coalesce(count, 0))

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        identity = as_uuid(search_term.strip())
        if identity is not None:
            return queryset.filter(Q(uuid=identity) | Q(external_id=str(identity))), False
        return super().get_search_results(request, queryset, search_term)

    # --- the form ---

    def get_readonly_fields(self, request: HttpRequest, obj: BadgeTemplate | None = None) -> tuple[str, ...]:
        return ("uuid", "provider", "account", "external_id", *FROM_PROVIDER) if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: BadgeTemplate | None = None) -> list[Any]:
        if obj is None:
            note = _("“Sync templates” on the account adds its templates by itself; add by hand what it does not list.")
            about = {"fields": ("account", "external_id", *FROM_PROVIDER), "description": note}
            return [(None, about), (_("Awarding"), {"fields": ("site", "allow_reaward")})]
        note = _("This follows the provider: change it there, then run “Sync templates” on the account.")
        about = {
            "fields": ("account", *FROM_PROVIDER, "external_id", "uuid"),
            "description": note,
            "classes": ("collapse",),
        }
        return [(_("Awarding"), {"fields": ("is_active", "allow_reaward", "site")}), (_("At the provider"), about)]

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> type[forms.ModelForm]:
        form = super().get_form(request, *args, **kwargs)
        for name in {"account", "site"} & form.base_fields.keys():
            widget = form.base_fields[name].widget
            widget.can_add_related = widget.can_change_related = widget.can_delete_related = False  # type: ignore[attr-defined]
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"site": getattr(settings, "SITE_ID", None), **super().get_changeform_initial_data(request)}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        template = context.get("original")
        if template is not None:
            may_add = {
                "requirement": request.user.has_perm("badges.add_badgerequirement"),
                "penalty": request.user.has_perm("badges.add_badgepenalty"),
            }
            context.update(outline=outline(template), may_add=may_add)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: BadgeTemplate, form: forms.ModelForm, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
        elif form.changed_data:  # nothing else: a synchronization may write the rest at this moment
            obj.save(update_fields=[*form.changed_data, "modified"])
        if obj.is_active:
            for warning in outline(obj).warnings:
                self.message_user(request, warning, messages.WARNING)

    def response_add(self, request: HttpRequest, obj: BadgeTemplate, *args: Any, **kwargs: Any) -> HttpResponse:
        if "_addanother" not in request.POST and IS_POPUP_VAR not in request.POST:
            form = request.POST.copy()
            form["_continue"] = "1"  # to its page: the requirements come next
            request.POST = form  # type: ignore[assignment]
        return super().response_add(request, obj, *args, **kwargs)

    def get_deleted_objects(
        self, objs: Iterable[BadgeTemplate], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Summed up: Django would list every learner's record, of which there may be millions."""
        told, protected, rows = [], [], list(objs)
        for template in rows:
            told.append(gettext("“%(name)s”, with its requirements and penalties") % {"name": template.name})
            learners = BadgeProgress.objects.filter(template=template).count()
            if learners:
                text = ngettext(
                    "the progress of %(count)d learner with “%(name)s”; switch the template off instead",
                    "the progress of %(count)d learners with “%(name)s”; switch the template off instead",
                    learners,
                )
                protected.append(text % {"count": learners, "name": template.name})
        return told, {str(self.opts.verbose_name_plural): len(rows)}, set(), protected

    # --- columns ---

    @admin.display(description=_("requirements"))
    def requirement_count(self, template: Any) -> int:
        return int(template.how_many_requirements)
