"""Forgetting a learner: what is erased, what stays, and what is still done."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model

from badges import api
from badges.eventbus.jsonlines import to_line
from badges.exceptions import AmbiguousError, BadgesError, PermanentError
from badges.models import BadgeProgress, CredlyBadge, Delivery, FailedEvent, Fulfillment, JournalEntry
from badges.providers.memory import MemoryAccount, MemoryProvider
from badges.services import failures
from badges.services.retiring import UnknownLearner
from tests.builders import claim, event, line, template

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture(autouse=True)
def _any_time(settings: Any) -> None:
    settings.BADGES = {**settings.BADGES, "FUTURE_TOLERANCE": 10**9, "SETTLE_TIME": 0}


@pytest.fixture
def provider() -> MemoryAccount:
    return MemoryProvider.account(template("A").account.external_id)


def receive(course: str = "A", **fields: Any) -> None:
    assert api.receive_event(event=event(course, **fields)).matched


def failed(text: str, **fields: Any) -> FailedEvent:
    given = event(**fields)
    return FailedEvent.objects.create(
        event_id=given.id, event_type=given.type, event_time=given.time, line=text, error="deadlock"
    )


def everything_stored() -> str:
    """All the text and numbers in the tables of the app."""
    told = []
    for model in apps.get_app_config("badges").get_models():
        own = [field.attname for field in model._meta.local_concrete_fields]
        told += [repr(row) for row in model._default_manager.values_list(*own)]
    return "\n".join(told)


def test_no_text_that_identifies_the_learner_is_left(provider: MemoryAccount) -> None:
    User.objects.create(username="learner1", email="other@example.com", full_name="Somebody")
    receive(id=None)
    failed(to_line(event(course="B", id=None)), course="B", id=None)
    api.deliver_due()
    assert all(text in everything_stored() for text in ("learner1", "learner1@example.com", "Learner 1"))

    report = api.retire_learner(username="learner1")

    assert (report.contacts, report.failed_events, report.earner_ids) == (1, 1, 1)
    assert not any(text in everything_stored() for text in ("learner1", "@example.com", "Learner 1"))


def test_the_journal_stays_and_names_nobody(provider: MemoryAccount) -> None:  # S37
    receive()
    receive(learner=2)
    before = JournalEntry.objects.count()
    of_other = JournalEntry.objects.filter(user__username="learner2").count()

    assert api.retire_learner(username="learner1").journal == before - of_other

    assert JournalEntry.objects.count() == before
    assert JournalEntry.objects.filter(user=None).count() == before - of_other


def test_a_second_run_finds_nothing_to_do(provider: MemoryAccount) -> None:
    User.objects.create(username="learner1", lms_user_id=1, email="other@example.com")
    receive()
    api.retire_learner(lms_user_id=1, revoke_badges=True)
    api.deliver_due()
    api.retire_learner(lms_user_id=1, revoke_badges=True)  # what the deliveries wrote

    report = api.retire_learner(lms_user_id=1, revoke_badges=True)

    assert report == api.RetireReport()


def test_of_other_learners_nothing_is_erased(provider: MemoryAccount) -> None:
    User.objects.create(username="learner2", lms_user_id=2, email="other@example.com")
    User.objects.create(username="learner1", lms_user_id=1)
    receive(learner=2)
    kept = failed(to_line(event(course="B", learner=2)), course="B", learner=2)

    api.retire_learner(username="learner1", revoke_badges=True)

    assert Fulfillment.objects.get().email == "learner2@example.com"
    assert FailedEvent.objects.get() == kept
    assert Delivery.objects.get(kind="issue").state == "pending"


def test_every_record_of_the_lms_user_is_the_learners(provider: MemoryAccount) -> None:  # S3
    receive()
    User.objects.create(username="new-name", lms_user_id=1)
    failed(to_line(event(course="B", username="new-name")), course="B")

    report = api.retire_learner(username="new-name")

    assert (report.failed_events, report.cancelled) == (1, 1)
    assert not JournalEntry.objects.exclude(user=None).exists()


def test_a_learner_id_that_is_the_platforms_number_stays(provider: MemoryAccount) -> None:  # S22
    receive()
    api.deliver_due()

    assert api.retire_learner(username="learner1").earner_ids == 0
    assert CredlyBadge.objects.get().earner_id == "1"


# --- deliveries ----------------------------------------------------------------------------------------------


def test_an_issue_that_waits_is_cancelled(provider: MemoryAccount) -> None:
    receive()

    assert api.retire_learner(username="learner1").cancelled == 1

    api.deliver_due(retry_failed=True)
    assert provider.count("issue") == 0
    assert Delivery.objects.get(kind="issue").state == "cancelled"


def test_an_issue_that_failed_cannot_be_resent(provider: MemoryAccount) -> None:
    receive()
    provider.fail("issue", PermanentError("archived", status=422))
    api.deliver_due()

    assert api.retire_learner(username="learner1").cancelled == 1

    api.deliver_due(retry_failed=True)
    assert provider.count("issue") == 1


def test_an_issue_whose_answer_was_lost_is_not_sent_again(provider: MemoryAccount) -> None:  # S31, S39
    receive()
    provider.fail("issue", AmbiguousError("time-out"))
    api.deliver_due()

    assert api.retire_learner(username="learner1").cancelled == 2  # the comparison, too

    Delivery.objects.filter(state="pending").update(next_attempt_at="2026-01-01T00:00:00Z")
    api.deliver_due()
    assert provider.count("issue") == 1


def test_a_badge_that_may_be_there_is_looked_up_and_revoked(provider: MemoryAccount) -> None:  # S24, S31
    receive()
    provider.fail("issue", AmbiguousError("time-out"), after=True)
    api.deliver_due()

    assert api.retire_learner(username="learner1", revoke_badges=True).revoked == 1

    Delivery.objects.filter(state="pending").update(next_attempt_at="2026-01-01T00:00:00Z")
    api.deliver_due()
    assert [badge.state for badge in provider.badges.values()] == ["revoked"]
    assert provider.count("issue") == 1


def test_what_a_worker_has_is_told_and_its_learner_id_kept(provider: MemoryAccount) -> None:  # S39
    User.objects.create(username="learner1")
    receive(id=None)
    issue = Delivery.objects.filter(kind="issue")
    assert claim(issue.get().pk) is not None
    CredlyBadge.objects.update(earner_id="learner1")

    report = api.retire_learner(username="learner1")
    assert (report.cancelled, report.under_way, report.earner_ids) == (0, 1, 0)

    issue.update(state="done", claim=None, lease_expires_at=None)
    report = api.retire_learner(username="learner1")
    assert (report.under_way, report.earner_ids) == (0, 1)


# --- badges --------------------------------------------------------------------------------------------------


def test_badges_are_revoked_here_at_the_provider_and_announced(provider: MemoryAccount) -> None:  # S24, S25
    receive()
    api.deliver_due()

    report = api.retire_learner(username="learner1", revoke_badges=True)
    api.deliver_due()

    assert (report.revoked, report.under_way) == (1, 1)
    assert [badge.state for badge in provider.badges.values()] == ["revoked"]
    assert Delivery.objects.get(kind="announce_revoked").state == "done"
    progress = BadgeProgress.objects.select_related("credential").get()
    assert (progress.credential.status, progress.held_back) == ("revoked", True)


def test_badges_stay_unless_it_is_asked_to_revoke_them(provider: MemoryAccount) -> None:
    receive()
    api.deliver_due()

    assert api.retire_learner(username="learner1").revoked == 0

    assert CredlyBadge.objects.get().status == "awarded"
    assert not Delivery.objects.filter(kind="revoke").exists()


def test_a_late_event_awards_nothing_again(provider: MemoryAccount) -> None:  # S25
    receive()
    api.retire_learner(username="learner1", revoke_badges=True)
    receive(at="11:00")
    assert CredlyBadge.objects.get().status == "revoked"


# --- who -----------------------------------------------------------------------------------------------------


def test_failed_events_of_a_learner_without_a_record_are_erased() -> None:  # S34
    failed(to_line(event(learner=7)), learner=7)
    failed(to_line(event(learner=8)), learner=8)

    assert api.retire_learner(lms_user_id=7).failed_events == 1
    assert api.retire_learner(username="learner8").failed_events == 1


def test_a_failed_event_that_cannot_be_read_any_more_is_erased_if_it_names_the_learner() -> None:
    old = json.dumps({**line(), "type": "org.openedx.gone.v1"})
    failed(old)
    failed(old.replace("learner1", "learner12"), course="B")

    assert api.retire_learner(username="learner1").failed_events == 1
    assert "learner12" in FailedEvent.objects.get().line


@pytest.mark.parametrize("who", [{"username": "nobody"}, {"lms_user_id": 99}])
def test_a_learner_of_whom_nothing_is_known_is_an_error(who: dict[str, Any]) -> None:
    with pytest.raises(UnknownLearner, match="Nothing is known here"):
        api.retire_learner(**who)


def test_it_has_to_be_told_who() -> None:
    with pytest.raises(BadgesError, match="Tell who"):
        api.retire_learner()


def test_when_one_part_fails_nothing_is_erased(provider: MemoryAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create(username="learner1", lms_user_id=1, email="other@example.com")
    receive()
    monkeypatch.setattr(JournalEntry.objects, "filter", lambda **_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        api.retire_learner(username="learner1", revoke_badges=True)

    assert Fulfillment.objects.get().email == "learner1@example.com"
    assert CredlyBadge.objects.get().status == "awarded"


def test_a_failed_event_is_found_as_it_is_really_stored(monkeypatch: pytest.MonkeyPatch) -> None:  # S34
    template("A")
    monkeypatch.setattr(failures, "handle", lambda given: 1 / 0)
    failures.receive(event("A"))
    assert api.retire_learner(username="learner1").failed_events == 1
