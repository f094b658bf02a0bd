from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from badges.providers.memory import MemoryProvider


@pytest.fixture(autouse=True)
def memory(settings: Any, db: None) -> Iterator[type[MemoryProvider]]:
    """Badges go to the in-memory provider, and nothing goes to a task queue."""
    settings.BADGES = {
        **settings.BADGES,
        "PROVIDERS": {"credly": "badges.providers.memory.MemoryProvider"},
        "RULEBOOK_MAX_AGE": 0,
        "ENQUEUE": False,
    }
    MemoryProvider.reset()
    yield MemoryProvider
    MemoryProvider.reset()


@pytest.fixture
def staff() -> Callable[..., Client]:
    """A client of a member of staff with only these permissions of the badges app; a trailing ``*`` is any ending."""

    def make(*codenames: str) -> Client:
        user = get_user_model().objects.create_user(f"staff {codenames}", is_staff=True)
        granted = Permission.objects.filter(content_type__app_label="badges")
        for codename in codenames:
            if codename.endswith("*"):
                user.user_permissions.add(*granted.filter(codename__startswith=codename[:-1]))
            else:
                user.user_permissions.add(granted.get(codename=codename))
        client = Client()
        client.force_login(user)
        return client

    return make
