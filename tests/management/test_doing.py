"""``deliver_badges``, ``retry_failed_events`` and ``sync_badge_templates``."""

from __future__ import annotations

import dataclasses
import io
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from badges import api
from badges.data import IssueRequest, ProviderBadge, ProviderTemplate
from badges.exceptions import PermanentError, TransientError
from badges.models import BadgeTemplate, CredlyBadge, Delivery, FailedEvent, ProviderAccount
from badges.providers.memory import MemoryAccount, MemoryProvider
from tests.builders import account, event, template
from tests.management.conftest import Run

SCIENCE = ProviderTemplate("2e3e9ff5-2d2b-4f2e-8a39-3a7e35a2a003", "Science")

# In one, PostgreSQL's and MariaDB's connections count as old between two rounds, and are closed.
outside_a_transaction = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(db: None) -> MemoryAccount:
    """The other side of an account with a template, for which a learner has earned the badge."""
    made = template("A")
    api.receive_event(event=event("A"))
    return MemoryProvider.account(made.account.external_id)


# --- deliver_badges ------------------------------------------------------------------------------------------


# S27
@pytest.mark.parametrize("options", [(), ("--once",)])
def test_delivering_once_executes_what_is_due(run: Run, provider: MemoryAccount, options: tuple[str, ...]) -> None:
    assert run("deliver_badges", *options)[0] == "done=1 failed=0 waiting=0\n"
    assert run("deliver_badges", *options)[0] == "done=0 failed=0 waiting=0\n"
    assert CredlyBadge.objects.get().external_uuid is not None
    assert provider.count("issue") == 1


# S28, S29
def test_what_fails_and_what_waits_is_counted(run: Run, provider: MemoryAccount) -> None:
    provider.fail("issue", TransientError("busy", status=503))
    assert run("deliver_badges")[0] == "done=0 failed=0 waiting=1\n"
    Delivery.objects.filter(lane="provider").update(next_attempt_at="2026-01-01T00:00:00Z")
    provider.fail("issue", PermanentError("archived", status=422))

    assert run("deliver_badges")[0] == "done=0 failed=1 waiting=0\n"


# S28
def test_failed_deliveries_can_be_resent(run: Run, provider: MemoryAccount) -> None:
    provider.fail("issue", PermanentError("archived", status=422))
    run("deliver_badges")

    assert run("deliver_badges")[0] == "done=0 failed=0 waiting=0\n"
    assert run("deliver_badges", "--retry-failed")[0] == "done=1 failed=0 waiting=0\n"


@outside_a_transaction
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_loop_ends_after_the_delivery_at_hand_when_it_is_told_to(
    run: Run, provider: MemoryAccount, settings: Any, number: signal.Signals
) -> None:
    settings.BADGES = {**settings.BADGES, "SWEEP_INTERVAL": 3600}
    before = signal.getsignal(number)

    def tell(execute: Any, sql: str, *rest: Any) -> Any:
        if "UPDATE" in sql:
            os.kill(os.getpid(), number)
        return execute(sql, *rest)

    with connection.execute_wrapper(tell):
        out, _ = run("deliver_badges", "--loop")

    assert out == "done=1 failed=0 waiting=0\n"
    assert provider.count("issue") == 1
    assert signal.getsignal(number) is before


@outside_a_transaction
def test_the_loop_leaves_the_next_delivery_alone_when_it_is_told_to_end(run: Run, provider: MemoryAccount) -> None:
    api.receive_event(event=event("A", learner=2))
    issue = MemoryProvider.issue

    def issue_and_tell(self: MemoryProvider, request: IssueRequest) -> ProviderBadge:
        os.kill(os.getpid(), signal.SIGTERM)
        return issue(self, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryProvider, "issue", issue_and_tell)
        out, _ = run("deliver_badges", "--loop")

    assert out == "done=1 failed=0 waiting=0\n"
    assert list(Delivery.objects.filter(kind="issue").order_by("pk").values_list("state", flat=True)) == [
        "done",
        "pending",
    ]


# S8, S34
def test_failed_events_whose_time_has_come_are_retried_without_celery(run: Run, failed: list[int]) -> None:
    FailedEvent.objects.filter(pk=failed[1]).update(next_attempt_at=None)

    run("deliver_badges")

    assert list(FailedEvent.objects.values_list("pk", flat=True)) == [failed[1]]


# Django lets a driver's own error through where a cursor is closed.
@pytest.mark.parametrize("error", [OperationalError, connection.Database.InterfaceError])
@outside_a_transaction
def test_the_loop_says_nothing_while_there_is_nothing_and_survives_the_database(
    run: Run, settings: Any, error: type[Exception]
) -> None:
    settings.BADGES = {**settings.BADGES, "SWEEP_INTERVAL": 0.001}
    rounds = []

    def count(execute: Any, sql: str, *rest: Any) -> Any:
        rounds.append(sql)
        if len(rounds) == 1:
            raise error("server closed the connection")
        if len(rounds) > 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        out, err = run("deliver_badges", "--loop")

    assert out == ""
    assert err == f"The database cannot be used ({error.__name__}); trying again.\n"


@outside_a_transaction
def test_the_loop_survives_a_connection_that_cannot_even_be_closed(
    run: Run, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BADGES = {**settings.BADGES, "SWEEP_INTERVAL": 0.001}
    looks = []

    def look() -> None:
        looks.append(1)
        if len(looks) > 1:
            os.kill(os.getpid(), signal.SIGTERM)
        raise connection.Database.OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(connection, "close_if_unusable_or_obsolete", look)
        assert run("deliver_badges", "--loop") == ("", "")

    assert len(looks) == 2


@outside_a_transaction
def test_the_loop_resends_failed_deliveries_in_its_first_round_only(
    run: Run, provider: MemoryAccount, settings: Any
) -> None:
    settings.BADGES = {**settings.BADGES, "SWEEP_INTERVAL": 0.001}
    provider.fail("issue", PermanentError("archived", status=422), times=10)
    run("deliver_badges")
    rounds = []

    def count(execute: Any, sql: str, *rest: Any) -> Any:
        if "provideraccount" in sql and "SELECT" in sql:
            rounds.append(sql)
        if len(rounds) > 20:
            os.kill(os.getpid(), signal.SIGTERM)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        out, _ = run("deliver_badges", "--loop", "--retry-failed")

    assert out == "done=0 failed=1 waiting=0\n"
    assert provider.count("issue") == 2


@outside_a_transaction
def test_once_ends_after_the_delivery_at_hand_too(run: Run, provider: MemoryAccount) -> None:
    api.receive_event(event=event("A", learner=2))

    def tell(execute: Any, sql: str, *rest: Any) -> Any:
        if "UPDATE" in sql:
            os.kill(os.getpid(), signal.SIGTERM)
        return execute(sql, *rest)

    with connection.execute_wrapper(tell):
        out, _ = run("deliver_badges", "--once")

    assert out == "done=1 failed=0 waiting=0\n"
    assert provider.count("issue") == 1


@pytest.mark.parametrize("options", [("--once",), ("--loop",)])
def test_several_deliveries_are_executed_at_the_same_time(
    run: Run, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    asked = []

    def deliver_due(**arguments: Any) -> api.DeliverReport:
        asked.append(arguments["concurrency"])
        os.kill(os.getpid(), signal.SIGTERM)
        return api.DeliverReport()

    monkeypatch.setattr(api, "deliver_due", deliver_due)
    run("deliver_badges", *options)
    run("deliver_badges", *options, "--concurrency", "8")
    assert asked == [1, 8]


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_a_number_of_threads_that_makes_no_sense_is_refused(run: Run, number: str) -> None:
    with pytest.raises(CommandError, match="--concurrency"):
        run("deliver_badges", f"--concurrency={number}")


def test_it_can_be_called_in_another_thread_which_gets_no_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "deliver_due", lambda **_: api.DeliverReport(done=3))
    monkeypatch.setattr(api, "flush_announcements", lambda: None)
    out = io.StringIO()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(call_command, "deliver_badges", stdout=out, skip_checks=True).result()
    assert out.getvalue() == "done=3 failed=0 waiting=0\n"


def test_once_and_loop_are_one_or_the_other(run: Run) -> None:
    with pytest.raises(CommandError, match="not allowed with argument"):
        run("deliver_badges", "--once", "--loop")


# --- retry_failed_events -------------------------------------------------------------------------------------


@pytest.fixture
def failed(db: None, settings: Any) -> list[int]:
    """The numbers of two events that failed because they were ahead of the clock."""
    template("A")
    tolerance = settings.BADGES["FUTURE_TOLERANCE"]
    settings.BADGES = {**settings.BADGES, "FUTURE_TOLERANCE": -(10**9)}
    for learner in (1, 2):
        assert api.receive_event(event=event("A", learner=learner)).failed
    settings.BADGES = {**settings.BADGES, "FUTURE_TOLERANCE": tolerance}
    return list(FailedEvent.objects.order_by("pk").values_list("pk", flat=True))


# S34
def test_failed_events_are_retried_and_healed(run: Run, failed: list[int]) -> None:
    assert run("retry_failed_events")[0] == "healed=2 failed=0\n"
    assert not FailedEvent.objects.exists()


# S34
def test_one_failed_event_can_be_retried(run: Run, failed: list[int]) -> None:
    assert run("retry_failed_events", "--id", str(failed[1]))[0] == "healed=1 failed=0\n"
    assert list(FailedEvent.objects.values_list("pk", flat=True)) == [failed[0]]


# S34
def test_an_event_that_fails_again_is_counted_and_kept(run: Run, failed: list[int]) -> None:
    FailedEvent.objects.update(line="no event any more")

    assert run("retry_failed_events")[0] == "healed=0 failed=2\n"
    assert FailedEvent.objects.count() == 2


# --- sync_badge_templates ------------------------------------------------------------------------------------


def test_templates_are_pulled_from_every_account(run: Run, db: None) -> None:
    first = account(name="First")
    account(name="Second")
    MemoryProvider.account(first.external_id).add_template(SCIENCE)

    out, err = run("sync_badge_templates")
    again, _ = run("sync_badge_templates", "--account", first.external_id)

    assert out == "First: 1 created, 0 updated, 0 unchanged\nSecond: 0 created, 0 updated, 0 unchanged\n"
    assert again == "First: 0 created, 0 updated, 1 unchanged\n"
    assert err == ""
    assert (BadgeTemplate.objects.get().name, BadgeTemplate.objects.get().is_active) == ("Science", False)


def test_a_template_that_comes_on_two_pages_is_one(run: Run, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made = account(name="First")
    monkeypatch.setattr(MemoryProvider, "fetch_templates", lambda _: iter([SCIENCE, SCIENCE]))

    assert run("sync_badge_templates", "--account", made.external_id)[0] == "First: 1 created, 0 updated, 0 unchanged\n"


def test_a_template_whose_id_is_no_uuid_gets_one_of_our_own(run: Run, db: None) -> None:
    made = account(name="First")
    MemoryProvider.account(made.external_id).add_template(ProviderTemplate("4711", "Science"))

    run("sync_badge_templates")

    assert str(BadgeTemplate.objects.get(external_id="4711").uuid) != "4711"


# S30
@pytest.mark.django_db
def test_an_account_that_cannot_be_reached_is_told_and_the_next_goes_on() -> None:
    account(name="First")
    ProviderAccount.objects.update(encrypted_key="")
    second = account(name="Second")
    MemoryProvider.account(second.external_id).add_template(SCIENCE)
    out, err = io.StringIO(), io.StringIO()

    with pytest.raises(CommandError, match="1 account could not be synchronized"):
        call_command("sync_badge_templates", stdout=out, stderr=err)

    assert err.getvalue().startswith("First: Account First has no API key.")
    assert out.getvalue() == "Second: 1 created, 0 updated, 0 unchanged\n"
    assert BadgeTemplate.objects.get().account == second


@pytest.mark.parametrize(
    ("too_long", "told"),
    [
        (ProviderTemplate("4711", "N" * 256), "Template 4711: its name has 256 characters, 255 can be stored."),
        (
            ProviderTemplate("4711", "Arts", image_url="https://" + "i" * 493),
            "Template 4711: its image_url has 501 characters, 500 can be stored.",
        ),
        (ProviderTemplate("4" * 65, "Arts"), f"Template {'4' * 65}: its external_id has 65 characters, 64 can be"),
    ],
)
@pytest.mark.django_db
def test_a_template_that_cannot_be_stored_is_told_and_the_others_are_taken_over(
    too_long: ProviderTemplate, told: str
) -> None:
    there = MemoryProvider.account(account(name="First").external_id)
    there.add_template(too_long)
    there.add_template(SCIENCE)
    out, err = io.StringIO(), io.StringIO()

    with pytest.raises(CommandError, match="1 template could not be taken over"):
        call_command("sync_badge_templates", stdout=out, stderr=err)

    assert err.getvalue().startswith(f"First: {told}")
    assert err.getvalue().endswith("Shorten it at the provider and synchronize again.\n")
    assert out.getvalue() == "First: 1 created, 0 updated, 0 unchanged\n"
    assert BadgeTemplate.objects.get().name == "Science"


@pytest.mark.django_db
def test_several_templates_that_cannot_be_stored_are_counted_and_the_known_one_stays_as_it_is() -> None:
    there = MemoryProvider.account(account(name="First").external_id)
    there.add_template(SCIENCE)
    call_command("sync_badge_templates", stdout=io.StringIO())
    there.add_template(dataclasses.replace(SCIENCE, name="N" * 256))
    there.add_template(ProviderTemplate("4711", "N" * 256))

    with pytest.raises(CommandError, match="2 templates could not be taken over"):
        call_command("sync_badge_templates", stdout=io.StringIO(), stderr=io.StringIO())

    assert BadgeTemplate.objects.get().name == "Science"


def test_an_account_without_a_name_gets_as_much_of_the_providers_as_can_be_stored(run: Run, db: None) -> None:
    made = account(name="")
    MemoryProvider.account(made.external_id).name = "N" * 300

    run("sync_badge_templates")

    assert ProviderAccount.objects.get().name == "N" * 255


def test_capitals_in_an_accounts_id_make_no_difference(run: Run, db: None) -> None:
    account(name="First", external_id="aa3c8f6e-8c1b-4c58-9b0a-3a4f1f0f6f11")
    account(name="Second")

    out, _ = run("sync_badge_templates", "--account", "AA3C8F6E-8C1B-4C58-9B0A-3A4F1F0F6F11")

    assert out == "First: 0 created, 0 updated, 0 unchanged\n"


def test_several_accounts_that_cannot_be_reached_are_counted(run: Run, db: None) -> None:
    account(name="First")
    account(name="Second")
    ProviderAccount.objects.update(encrypted_key="")

    with pytest.raises(CommandError, match="2 accounts could not be synchronized"):
        run("sync_badge_templates")


def test_an_account_that_is_not_there_is_told(run: Run) -> None:
    with pytest.raises(CommandError, match="There is no account nowhere here"):
        run("sync_badge_templates", "--account", "nowhere")
