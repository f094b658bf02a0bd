"""Accounts at badge providers: adding one, its key, and pulling its templates."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from badges import api, clock
from badges.admin.base import BadgesAdmin
from badges.admin.columns import moment
from badges.conf import conf
from badges.exceptions import BadgesError, ConfigurationError
from badges.models import ProviderAccount
from badges.providers.registry import get_provider_class


def provider_choices() -> list[tuple[str, str]]:
    """The providers that the settings name."""
    return [(name, name.capitalize()) for name in conf.providers]


class ProviderAccountForm(forms.ModelForm):
    """The key goes in and never comes out again."""

    provider = forms.ChoiceField(choices=provider_choices, label=_("Provider"))
    api_key = forms.CharField(
        label=_("API key"),
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "size": 60}),
        help_text=_("It is stored encrypted and never shown. Leave this empty to keep the stored one."),
    )

    class Meta:
        model = ProviderAccount
        fields = ("provider", "external_id", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.has_settings_key and "api_key" in self.fields:
            self.fields["api_key"].disabled = True
            self.fields["api_key"].help_text = _(
                "This account's key comes from the deployment's settings (BADGES['ACCOUNT_KEYS']) and can only be "
                "changed there."
            )

    def clean_external_id(self) -> str:
        """In the provider's own form, and once: ids that differ in capitals only are the same account's."""
        external_id: str = self.cleaned_data["external_id"]
        provider = self.cleaned_data.get("provider")
        if provider is None:
            return external_id
        try:
            external_id = get_provider_class(provider).account_id(external_id)
        except ConfigurationError as error:
            raise forms.ValidationError(str(error)) from error
        except ValueError as error:
            raise forms.ValidationError(_("This is no account id: %(what)s."), params={"what": error}) from error
        if ProviderAccount.objects.filter(provider=provider, external_id__iexact=external_id).exists():
            raise forms.ValidationError(_("This account is here already. Find it in the list and change it there."))
        return external_id

    @sensitive_variables("key")
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        key = cleaned.get("api_key")
        if not key:
            return cleaned
        if cleaned.get("external_id", self.instance.external_id).casefold() in conf.account_keys:
            self.add_error(
                "api_key", _("The settings (BADGES['ACCOUNT_KEYS']) have this account's key. Leave this empty.")
            )
            return cleaned
        try:
            self.instance.set_api_key(key)
        except ConfigurationError as error:
            self.add_error("api_key", str(error))
        return cleaned


@admin.register(ProviderAccount)
class ProviderAccountAdmin(BadgesAdmin):
    """Keys are written here and synchronization is started; nothing here waits for a provider inside a transaction."""

    form = ProviderAccountForm
    list_display = ("name_or_id", "provider", "external_id", "key", "condition")
    list_filter = ("provider",)
    search_fields = ("name", "external_id")
    ordering = ("provider", "name", "pk")
    actions = ("sync_templates", "resume")

    @method_decorator(sensitive_post_parameters("api_key"))
    def changeform_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(*args, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: ProviderAccount | None = None) -> tuple[str, ...]:
        return ("provider", "external_id", "key", "key_fingerprint", "condition") if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: ProviderAccount | None = None) -> list[Any]:
        identity = (None, {"fields": ("provider", "external_id", "name")})
        written = ("api_key",) if obj is None or self.has_change_permission(request, obj) else ()
        shown = ("key", "key_fingerprint", "condition") if obj else ()
        return [identity, (_("Key"), {"fields": (*shown, *written)})]

    def save_model(self, request: HttpRequest, obj: ProviderAccount, form: forms.ModelForm, change: bool) -> None:
        if not change:
            return super().save_model(request, obj, form, change)
        # Only what was edited: a worker may pause the account at this moment.
        return obj.save(update_fields=["name", "encrypted_key", "modified"])

    def response_add(self, request: HttpRequest, obj: ProviderAccount, *args: Any, **kwargs: Any) -> HttpResponse:
        text = gettext("Next, select the account in the list below and run “Sync templates”: it tries the key, too.")
        self.message_user(request, text, messages.INFO)
        return super().response_add(request, obj, *args, **kwargs)

    # --- columns ---

    @admin.display(description=_("name"), ordering="name")
    def name_or_id(self, account: ProviderAccount) -> str:
        return str(account)

    @admin.display(description=_("key"))
    def key(self, account: ProviderAccount) -> str:
        if account.has_settings_key:
            return gettext("from the settings")
        return gettext("stored, encrypted") if account.encrypted_key else gettext("none")

    @admin.display(description=_("fingerprint"))
    def key_fingerprint(self, account: ProviderAccount) -> str | None:
        """Tells one key from another without giving it away."""
        try:
            return account.fingerprint or None
        except ConfigurationError:
            return None

    @admin.display(description=_("condition"))
    def condition(self, account: ProviderAccount) -> str:
        return problem_with(account) or gettext("ready")

    # --- actions ---

    @admin.action(description=_("Sync templates"), permissions=["change"])
    def sync_templates(self, request: HttpRequest, queryset: models.QuerySet[ProviderAccount]) -> None:
        """Pull the accounts' templates from the provider, all pages; also the way to try a key."""
        accounts = self.picked(request, queryset, command="manage.py sync_badge_templates")
        if not accounts:
            return
        try:
            reports = api.sync_templates(account_ids=[account.external_id for account in accounts])
        except BadgesError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        for report in reports:
            if report.error:
                self.message_user(request, f"{report.account}: {report.error}", messages.ERROR)
                continue
            text = gettext("%(account)s: %(created)d created, %(updated)d updated, %(unchanged)d unchanged.")
            numbers = {"created": report.created, "updated": report.updated, "unchanged": report.unchanged}
            self.message_user(request, text % {"account": report.account, **numbers}, messages.SUCCESS)
            for problem in report.refused:
                self.message_user(request, f"{report.account}: {problem}", messages.WARNING)

    @admin.action(description=_("Send again at once"), permissions=["change"])
    def resume(self, request: HttpRequest, queryset: models.QuerySet[ProviderAccount]) -> None:
        """End the rest of accounts whose provider failed or asked to wait."""
        for account in self.picked(request, queryset):
            if api.resume_account(account_id=account.pk):
                text, level = gettext("%(account)s: what is due is sent again."), messages.SUCCESS
            else:
                text, level = gettext("%(account)s does not rest."), messages.WARNING
            self.message_user(request, text % {"account": account}, level)


def problem_with(account: ProviderAccount) -> str:
    """Why nothing, or not everything, can be sent with the account, in words; empty when it can (S28, S30)."""
    try:
        if account.is_paused:
            return gettext("paused: %(reason)s") % {"reason": account.paused_reason}
        if not account.fingerprint:
            return gettext("no API key")
    except ConfigurationError as error:
        return str(error)
    if account.is_failing:
        text = gettext("%(failures)d failures in a row; one delivery at a time is tried until the provider answers")
        return text % {"failures": account.failures}
    if account.rests(clock.now()):
        return gettext("rests until %(moment)s, as the provider asked") % {"moment": moment(account.rests_until)}
    return ""
