"""Migrations forth, back and forth again, with badges in the tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.conftest import address
from tests.integration.courses import badge
from tests.integration.databases import is_postgres, is_sqlite, run
from tests.integration.peers import running_peers
from tests.integration.world import World, names, world

pytestmark = pytest.mark.timeout(600)  # a busy machine takes its time


def tables(url: str) -> set[str]:
    if is_sqlite(url):
        return {name for (name,) in run(url, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    schema = "'public'" if is_postgres(url) else "DATABASE()"
    rows = run(url, f"SELECT table_name FROM information_schema.tables WHERE table_schema = {schema}")  # noqa: S608
    return {name for (name,) in rows}


def of_badges(url: str) -> set[str]:
    return {name for name in tables(url) if "badges" in name}


def credentials(url: str) -> set[str]:
    """Whose credentials the service's own table has."""
    return {username for (username,) in run(url, "SELECT username FROM credentials_usercredential")}


WITHOUT_MARKS = """
    SELECT (SELECT COUNT(*) FROM openedx_badges_delivery WHERE lane = 'announce' AND state = 'done')
        + (SELECT SUM(sent) FROM openedx_badges_announcementcount)
"""
"""How many announcements were sent, as it was told before migration 0006."""


def announcements_are_counted_as_before(made: World, url: str) -> None:
    """Some added up, some marked, some purged; back and forth, and back once more after old code has announced."""
    run(url, "UPDATE openedx_badges_announcementcount SET sent = sent + 40 WHERE kind = 'announce_awarded'")
    run(url, "UPDATE openedx_badges_delivery SET uncounted = (kind = 'announce_revoked')")
    run(url, "UPDATE openedx_badges_announcementcount SET sent = sent - 1 WHERE kind = 'announce_revoked'")
    told = made.peers[0].ask("report")["signals"]
    assert told == {"BADGE_AWARDED": 43, "BADGE_REVOKED": 1}
    made.manage("migrate", "badges", "0005")
    assert run(url, WITHOUT_MARKS) == [(44,)]
    made.manage("migrate", "badges", "0006")
    assert made.peers[0].ask("report")["signals"] == told
    run(url, "UPDATE openedx_badges_announcementcount SET sent = 0")
    made.manage("migrate", "badges", "0005")
    assert run(url, WITHOUT_MARKS) == [(4,)]
    made.manage("migrate", "badges", "0006")


@pytest.mark.parametrize("variable", ["", "POSTGRES_URL", "MARIADB_URL"], ids=["sqlite", "postgres", "mariadb"])
def test_migrations_go_back_without_a_trace_and_forth_again(variable: str, tmp_path: Path) -> None:
    server = address(variable) if variable else f"sqlite:///{tmp_path}"
    with world(server, tmp_path, peers=1) as made:
        url = made.env()["DATABASE_URL"]
        assert "No changes detected" in made.manage("makemigrations", "--check", "--dry-run")
        one = badge("A", penalties="A")
        made.load(one)
        learners = made.learners(3)
        made.peers[0].ask("credential_of_the_service", username="of-the-service")
        made.peers[0].ask("handle", lines=[one.line("A", learner=learner) for learner in learners])
        made.peers[0].ask("handle", lines=[one.line("A", learner=learners[0], at="10:01", passing=False)])
        made.peers[0].ask("deliver")
        assert credentials(url) == {"of-the-service", *names(learners)}
        assert len(of_badges(url)) > 10

        announcements_are_counted_as_before(made, url)
        made.manage("migrate", "badges", "zero")
        assert of_badges(url) == set()
        assert credentials(url) == {"of-the-service"}

        made.manage("migrate")
        # The old process has rules of tables that are gone.
        with running_peers(1, made.env(), tmp_path) as made.peers:
            made.load(one)
            made.peers[0].ask("handle", lines=[one.line("A", learner=learner, at="11:00") for learner in learners])
            assert made.holders(one) == names(learners)
        assert credentials(url) == {"of-the-service", *names(learners)}
