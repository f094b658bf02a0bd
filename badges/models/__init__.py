"""Structure, constraints, and questions about one row. Everything that writes is in ``badges.services``."""

from badges.models.account import ProviderAccount
from badges.models.badge import CredlyBadge
from badges.models.delivery import Delivery
from badges.models.failure import FailedEvent, WebhookEvent
from badges.models.journal import AnnouncementCount, JournalEntry
from badges.models.legacy import AccredibleGroup, CredlyBadgeTemplate
from badges.models.penalty import BadgePenalty, PenaltyDataRule, PenaltyTarget
from badges.models.progress import BadgeProgress, Fulfillment
from badges.models.requirement import BadgeRequirement, DataRule
from badges.models.rulebook import RulebookVersion
from badges.models.template import BadgeTemplate

__all__ = [
    "AccredibleGroup",
    "AnnouncementCount",
    "BadgePenalty",
    "BadgeProgress",
    "BadgeRequirement",
    "BadgeTemplate",
    "CredlyBadge",
    "CredlyBadgeTemplate",
    "DataRule",
    "Delivery",
    "FailedEvent",
    "Fulfillment",
    "JournalEntry",
    "PenaltyDataRule",
    "PenaltyTarget",
    "ProviderAccount",
    "RulebookVersion",
    "WebhookEvent",
]
