"""
Credly (https://www.credly.com/docs).

``client`` has the endpoints, ``payloads`` their JSON, ``provider`` what the app sees of it.
"""

from __future__ import annotations

from badges.providers.credly.provider import CredlyProvider

__all__ = ["CredlyProvider"]
