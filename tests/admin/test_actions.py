"""What a person may have the system do: resend, revoke and release, retry."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from badges import api
from badges.eventbus.signals import find_learner
from badges.exceptions import PermanentError
from badges.host import create_learner
from badges.models import BadgeProgress, CredlyBadge, Delivery, FailedEvent
from badges.providers.memory import MemoryProvider
from tests import builders
from tests.admin.pages import act, listing, messages, page, text


@pytest.fixture
def failed_issue(memory: type[MemoryProvider]) -> Delivery:
    """The issue of an awarded badge that the provider refused for good."""
    template = builders.template("A")
    memory.account(template.account.external_id).fail("issue", PermanentError("Invalid badge template."))
    api.receive_event(event=builders.event("A"))
    api.deliver_due()
    return Delivery.objects.get(kind=Delivery.Kind.ISSUE, state=Delivery.State.FAILED)


@pytest.fixture
def badge() -> CredlyBadge:
    builders.template("A")
    api.receive_event(event=builders.event("A"))
    return CredlyBadge.objects.get()


class TestResending:
    def test_a_failed_delivery_is_tried_again(
        self, admin_client: Client, failed_issue: Delivery, memory: type[MemoryProvider]
    ) -> None:
        # S28
        assert "Invalid badge template." in text(admin_client.get(listing("delivery")))
        response = act(admin_client, "delivery", "resend", failed_issue)
        assert messages(response) == [f"Delivery {failed_issue.pk} (issue) is tried again."]
        api.deliver_due()
        failed_issue.refresh_from_db()
        assert failed_issue.state == Delivery.State.DONE
        assert len(memory.account(failed_issue.progress.template.account.external_id).badges) == 1

    def test_each_row_that_cannot_be_resent_says_why(self, admin_client: Client, failed_issue: Delivery) -> None:
        # S32
        done = Delivery.objects.get(kind=Delivery.Kind.ANNOUNCE_AWARDED)
        response = act(admin_client, "delivery", "resend", failed_issue, done)
        told = messages(response)
        assert f"Delivery {done.pk} is done; only a failed one can be resent." in told
        assert f"Delivery {failed_issue.pk} (issue) is tried again." in told

    def test_too_many_are_left_to_the_command(
        self, admin_client: Client, failed_issue: Delivery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("badges.admin.base.ACTED_ON", 1)
        response = act(admin_client, "delivery", "resend", failed_issue, select_across="1")
        assert "deliver_badges --once --retry-failed" in messages(response)[0]
        failed_issue.refresh_from_db()
        assert failed_issue.state == Delivery.State.FAILED

    def test_who_may_only_look_cannot_do_it(self, staff: Callable[..., Client], failed_issue: Delivery) -> None:
        client = staff("view_delivery")
        assert "Resend" not in text(client.get(listing("delivery")))
        act(client, "delivery", "resend", failed_issue)
        failed_issue.refresh_from_db()
        assert failed_issue.state == Delivery.State.FAILED

    def test_who_may_change_deliveries_can(self, staff: Callable[..., Client], failed_issue: Delivery) -> None:
        act(staff("change_delivery"), "delivery", "resend", failed_issue)
        failed_issue.refresh_from_db()
        assert failed_issue.state == Delivery.State.PENDING


class TestCancelling:
    def test_a_delivery_is_cancelled_after_a_question(self, admin_client: Client, failed_issue: Delivery) -> None:
        assert "this cannot be undone" in text(act(admin_client, "delivery", "cancel", failed_issue))
        failed_issue.refresh_from_db()
        assert failed_issue.state == Delivery.State.FAILED
        done = Delivery.objects.get(kind=Delivery.Kind.ANNOUNCE_AWARDED)
        told = messages(act(admin_client, "delivery", "cancel", failed_issue, done, confirmed="yes"))
        assert f"Delivery {failed_issue.pk} (issue) was cancelled." in told
        assert f"Delivery {done.pk} is done; only one that waits or has failed can be cancelled." in told

    def test_too_many_are_refused(
        self, admin_client: Client, failed_issue: Delivery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("badges.admin.base.ACTED_ON", 0)
        response = act(admin_client, "delivery", "cancel", failed_issue, confirmed="yes")
        assert messages(response) == ["Nothing was done: select at most 0 rows at once."]

    def test_who_may_only_look_cannot_do_it(self, staff: Callable[..., Client], failed_issue: Delivery) -> None:
        act(staff("view_delivery"), "delivery", "cancel", failed_issue, confirmed="yes")
        failed_issue.refresh_from_db()
        assert failed_issue.state == Delivery.State.FAILED


class TestDecidingByHand:
    def test_a_badge_is_revoked_after_a_question(self, admin_client: Client, badge: CredlyBadge) -> None:
        # S25
        asked = act(admin_client, "credlybadge", "revoke", badge)
        shown = text(asked)
        assert "They stay revoked, whatever the learners do" in shown and f"{badge.uuid} (learner1)" in shown
        badge.refresh_from_db()
        assert badge.status == "awarded"
        response = act(admin_client, "credlybadge", "revoke", badge, confirmed="yes")
        assert messages(response) == [f"Badge {badge.uuid} was revoked."]
        badge.refresh_from_db()
        assert badge.status == "revoked"
        assert "held back by hand" in text(response)
        assert "held back by hand" in text(admin_client.get(page(badge)))
        api.receive_event(event=builders.event("A", at="12:00"))
        badge.refresh_from_db()
        assert badge.status == "revoked"

    def test_a_hold_is_lifted_after_a_question(self, admin_client: Client, badge: CredlyBadge) -> None:
        # S25
        api.revoke_badge(credential_uuid=badge.uuid)
        assert "Once the hold is lifted" in text(act(admin_client, "credlybadge", "release", badge))
        assert BadgeProgress.objects.get().held_back
        response = act(admin_client, "credlybadge", "release", badge, confirmed="yes")
        assert messages(response) == [f"Badge {badge.uuid} is no longer held back."]
        api.receive_event(event=builders.event("A", at="12:00"))
        badge.refresh_from_db()
        assert badge.status == "awarded"

    def test_what_is_not_possible_is_told_for_each_badge(self, admin_client: Client, badge: CredlyBadge) -> None:
        response = act(admin_client, "credlybadge", "release", badge, confirmed="yes")
        assert messages(response) == [f"Badge {badge.uuid}: The badge is not held back."]
        api.revoke_badge(credential_uuid=badge.uuid)
        response = act(admin_client, "credlybadge", "revoke", badge, confirmed="yes")
        assert messages(response) == [f"Badge {badge.uuid}: The badge is revoked already."]

    def test_too_many_are_refused(
        self, admin_client: Client, badge: CredlyBadge, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("badges.admin.base.ACTED_ON", 0)
        response = act(admin_client, "credlybadge", "revoke", badge, confirmed="yes")
        assert messages(response) == ["Nothing was done: select at most 0 rows at once."]
        badge.refresh_from_db()
        assert badge.status == "awarded"

    @pytest.mark.parametrize("action", ["revoke", "release"])
    def test_who_may_only_look_cannot_do_it(
        self, staff: Callable[..., Client], badge: CredlyBadge, action: str
    ) -> None:
        if action == "release":
            api.revoke_badge(credential_uuid=badge.uuid)
        before = BadgeProgress.objects.values("held_back").get()
        act(staff("view_credlybadge"), "credlybadge", action, badge, confirmed="yes")
        assert BadgeProgress.objects.values("held_back").get() == before


class TestRetryingEvents:
    @pytest.fixture
    def failed(self) -> FailedEvent:
        """An event whose username belongs to somebody else."""
        builders.template("A")
        learner = find_learner(builders.event("A", learner=1))
        assert learner is not None
        create_learner(learner)
        api.receive_event(event=builders.event("A", learner=2, username="learner1"))
        return FailedEvent.objects.get()

    def test_one_that_can_be_handled_now_is_gone(self, admin_client: Client, failed: FailedEvent) -> None:
        # S34
        FailedEvent.objects.update(line=json.dumps(builders.line("A", learner=2)))
        assert messages(act(admin_client, "failedevent", "retry", failed)) == ["1 event was handled."]
        assert not FailedEvent.objects.exists() and CredlyBadge.objects.get().username == "learner2"

    def test_one_that_fails_again_stays(self, admin_client: Client, failed: FailedEvent) -> None:
        told = messages(act(admin_client, "failedevent", "retry", failed))
        assert told == ["1 event failed again; its error says why."]
        assert FailedEvent.objects.get().attempts == 2

    def test_one_that_is_gone_meanwhile_is_told(
        self, admin_client: Client, failed: FailedEvent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        picked = "badges.admin.failures.FailedEventAdmin.picked"
        monkeypatch.setattr(picked, lambda *_, **__: [FailedEvent(pk=999_999)])
        told = messages(act(admin_client, "failedevent", "retry", failed))
        assert told == ["Somebody else has handled them meanwhile."]

    def test_too_many_are_left_to_the_command(
        self, admin_client: Client, failed: FailedEvent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("badges.admin.base.ACTED_ON", 0)
        told = messages(act(admin_client, "failedevent", "retry", failed))
        assert told == ["Nothing was done: select at most 0 rows at once. For more, run: manage.py retry_failed_events"]
        assert FailedEvent.objects.get().attempts == 1

    def test_what_is_in_the_event_is_shown_to_those_who_may_retry_it_only(
        self, admin_client: Client, staff: Callable[..., Client], failed: FailedEvent
    ) -> None:
        # S36
        client = staff("view_failedevent")
        for shown in (admin_client.get(listing("failedevent")), client.get(page(failed))):
            assert failed.error[:40] in text(shown)
            assert "learner1@example.com" not in text(shown) and "learner2@example.com" not in text(shown)
        assert "learner2@example.com" in text(admin_client.get(page(failed)))
        act(client, "failedevent", "retry", failed)
        assert FailedEvent.objects.get().attempts == 1


def test_nobody_does_anything_without_signing_in(client: Client, badge: CredlyBadge) -> None:
    response: Any = act(client, "credlybadge", "revoke", badge, confirmed="yes")
    assert "/admin/login/" in response.redirect_chain[-1][0]
    badge.refresh_from_db()
    assert badge.status == "awarded"
