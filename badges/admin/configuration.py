"""Parts of the configuration that are edited on other pages, and its version."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from badges.admin import words
from badges.admin.base import SystemOwned, Unlisted
from badges.admin.columns import linked
from badges.models import DataRule, PenaltyDataRule, PenaltyTarget, RulebookVersion


@admin.register(DataRule)
class DataRuleAdmin(SystemOwned):
    """All rules of all requirements, to find those that speak of a course; edited with their requirement."""

    list_display = ("sentence", "requirement_link", "template_link")
    list_filter = ("operator",)
    list_select_related = ("requirement__template",)
    list_per_page = 50
    search_fields = ("path", "value")
    search_help_text = _("A part of a rule's path or value, such as a course key")
    ordering = ("pk",)

    @admin.display(description=_("rule"))
    def sentence(self, rule: DataRule) -> str:
        return words.rule(rule)

    @admin.display(description=_("requirement"))
    def requirement_link(self, rule: DataRule) -> str:
        return linked(rule.requirement)

    @admin.display(description=_("template"))
    def template_link(self, rule: DataRule) -> str:
        return linked(rule.requirement.template)


@admin.register(PenaltyDataRule)
class PenaltyDataRuleAdmin(SystemOwned):
    """All rules of all penalties; edited with their penalty."""

    list_display = ("sentence", "penalty_link", "template_link")
    list_filter = ("operator",)
    list_select_related = ("penalty__template",)
    list_per_page = 50
    search_fields = ("path", "value")
    search_help_text = _("A part of a rule's path or value, such as a course key")
    ordering = ("pk",)

    @admin.display(description=_("rule"))
    def sentence(self, rule: PenaltyDataRule) -> str:
        return words.rule(rule)

    @admin.display(description=_("penalty"))
    def penalty_link(self, rule: PenaltyDataRule) -> str:
        return linked(rule.penalty)

    @admin.display(description=_("template"))
    def template_link(self, rule: PenaltyDataRule) -> str:
        return linked(rule.penalty.template)


@admin.register(PenaltyTarget)
class PenaltyTargetAdmin(Unlisted):
    """Which penalty resets which requirement; edited with the penalty."""

    list_display = ("penalty", "requirement")
    list_select_related = ("penalty", "requirement")
    list_per_page = 50
    search_fields = ("penalty__key", "requirement__key")
    ordering = ("pk",)


@admin.register(RulebookVersion)
class RulebookVersionAdmin(Unlisted):
    """The number that every write to the configuration raises."""

    list_display = ("version",)
