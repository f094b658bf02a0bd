"""What every command does before its process ends."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from badges.eventbus import publisher

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("succeeds", [True, False])
def test_announcements_that_are_sent_in_the_background_are_waited_for(
    monkeypatch: pytest.MonkeyPatch, succeeds: bool
) -> None:  # S21
    flushed = []
    monkeypatch.setattr(publisher, "flush", lambda: flushed.append(True))
    if succeeds:
        call_command("deliver_badges")
    else:
        with pytest.raises(CommandError):
            call_command("load_badges", "no such file")
    assert flushed == [True]
