"""Runs after the service defined its event bus settings: in production, devstack and tests."""

from __future__ import annotations

from typing import Any

TOPIC = "learning-badges-lifecycle"


def producer_config() -> dict[str, Any]:
    """
    The part of ``EVENT_BUS_PRODUCER_CONFIG`` that puts our announcements on the bus, keyed by the credential's uuid.
    """
    return {
        f"org.openedx.learning.badge.{what}.v1": {TOPIC: {"event_key_field": "badge.uuid", "enabled": True}}
        for what in ("awarded", "revoked")
    }


def plugin_settings(settings: Any) -> None:
    """
    Announce badges on the bus; the deployment's own settings, which come later, may say otherwise.

    The service names both announcements itself, switched off as long as its own badges app is: they are switched on.
    Other topics of theirs stay as they are. Changes nothing when run twice, as the service's test settings do.
    """
    config = dict(getattr(settings, "EVENT_BUS_PRODUCER_CONFIG", {}))
    for event_type, topics in producer_config().items():
        config[event_type] = {**config.get(event_type, {}), **topics}
    settings.EVENT_BUS_PRODUCER_CONFIG = config
