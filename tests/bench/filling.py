"""
Fills the tables as years of learners do, with one statement a table: many rows, no Python for each of them.

Each learner has ten fulfilments: four of the five requirements of two templates, and both of a third one, whose badge
was awarded, announced and issued. Two templates are popular: every second learner has begun the one, every fourth was
awarded the other. The rest have about as many learners as each other.
"""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connection

from badges.host import UserCredential
from badges.models import BadgeTemplate
from tests.builders import PASSING, template

BEGUN, COMPLETE = 200, 100
"""Templates of which learners have four of five requirements, and both of two."""

POPULAR = ("Filled 0 0", "Filled 1 0")
"""The names of the templates that every second learner has begun, and every fourth was awarded."""

ANNOUNCED_LATELY = 500
"""Of so many announcements one was sent since the last sweep, and is not counted yet."""

NUMBERS = {
    "postgresql": "SELECT generate_series AS n FROM generate_series(1, {count})",
    "mysql": "SELECT seq AS n FROM seq_1_to_{count}",  # MariaDB's Sequence engine
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s",
}
PADDED = {"postgresql": "lpad(({})::text, 12, '0')", "mysql": "lpad({}, 12, '0')", "sqlite": "printf('%012d', {})"}
QUICKLY = {
    "postgresql": ["SET synchronous_commit = off", "SET session_replication_role = replica"],  # no foreign keys
    "mysql": ["SET foreign_key_checks = 0, unique_checks = 0"],
    "sqlite": [],
}
BACK = {
    "postgresql": ["RESET synchronous_commit", "RESET session_replication_role"],
    "mysql": ["SET foreign_key_checks = 1, unique_checks = 1"],
    "sqlite": [],
}
STATISTICS = {"postgresql": "VACUUM ANALYZE {table}", "mysql": "ANALYZE TABLE {table}"}
"""Not on SQLite, whose statistics outlive the tests' tables; version 3.40 finds too few rows with some of them."""

TIME = "'2026-04-01 10:00:00'"

TABLES = {
    "core_user": """
        (id, username, lms_user_id, email, full_name, password, is_superuser, first_name, last_name, is_staff,
         is_active, date_joined)
        SELECT {user} + n, {concat_name}, {user} + n, {concat_email}, '', '', {false}, '', '', {false}, {true}, {time}
        FROM ({numbers}) numbers
    """,
    "bench_choice": """
        (user_id, template_id, credential_id, is_complete)
        SELECT {user} + n, place.template_id, {credential} + n, 1 FROM ({numbers}) numbers
            JOIN bench_place place ON place.is_complete = 1
                AND place.number = CASE WHEN n % 4 = 0 THEN 0 ELSE n % {complete} END
        UNION ALL
        SELECT {user} + n, place.template_id, NULL, 0 FROM ({numbers}) numbers
            JOIN bench_place place ON place.is_complete = 0
                AND place.number = CASE WHEN n % 2 = 0 THEN 0 ELSE 1 + n % ({begun} - 1) END
        UNION ALL
        SELECT {user} + n, place.template_id, NULL, 0 FROM ({numbers}) numbers
            JOIN bench_place place ON place.is_complete = 0
                AND place.number = 1 + (n + 1 + n % 97) % ({begun} - 1)
    """,
    "openedx_badges_fulfillment": """
        (user_id, requirement_id, fulfilled, time, event_id, email, full_name)
        SELECT choice.user_id, requirement.id, {true}, {time}, {event}, '', ''
        FROM bench_choice choice
            JOIN openedx_badges_badgerequirement requirement ON requirement.template_id = choice.template_id
        WHERE requirement.{key} <> 'pass-e'
    """,
    "credentials_usercredential": """
        (id, created, modified, credential_id, username, status, uuid, credential_content_type_id)
        SELECT credential_id, {time}, {time}, template_id, {name_of_user}, 'awarded', {uuid}, {content_type}
        FROM bench_choice WHERE is_complete = 1
    """,
    "openedx_badges_credlybadge": """
        (usercredential_ptr_id, state, external_uuid, earner_id)
        SELECT credential_id, 'accepted', {uuid}, '' FROM bench_choice WHERE is_complete = 1
    """,
    "openedx_badges_badgeprogress": """
        (user_id, template_id, credential_id, awarded_at, decided_at, held_back, created)
        SELECT user_id, template_id, credential_id,
            CASE WHEN is_complete = 1 THEN {typed_time} END, CASE WHEN is_complete = 1 THEN {typed_time} END,
            {false}, {time}
        FROM bench_choice
    """,
    "openedx_badges_delivery": """
        (progress_id, lane, kind, decided_at, state, attempts, next_attempt_at, unsettled, error, finished_at,
         uncounted)
        SELECT progress.id, kind.lane, kind.kind, {time}, 'done', 1, {time}, {false}, '', {time},
            kind.lane = 'announce' AND progress.id % {announced_lately} = 0
        FROM openedx_badges_badgeprogress progress
            CROSS JOIN (
                SELECT 'announce' AS lane, 'announce_awarded' AS kind UNION ALL SELECT 'provider', 'issue'
            ) kind
        WHERE progress.credential_id > {credential}
    """,
    "openedx_badges_journalentry": """
        (user_id, template_id, kind, subject, penalty, event_id, event_type, event_time, saw, detail, created)
        SELECT choice.user_id, choice.template_id, 'fulfilled', requirement.{key}, '', {event}, '{passing}', {time},
            {nothing}, '', {time}
        FROM bench_choice choice
            JOIN openedx_badges_badgerequirement requirement ON requirement.template_id = choice.template_id
        WHERE requirement.{key} <> 'pass-e'
        UNION ALL
        SELECT user_id, template_id, 'awarded', '', '', '', '', NULL, {nothing}, '', {time}
        FROM bench_choice WHERE is_complete = 1
    """,
}
"""What is inserted into each table, in this order."""


@dataclasses.dataclass(frozen=True)
class Filled:
    """``username`` is of a learner who has both popular templates; ``rows`` are those that were added, by table."""

    username: str
    rows: dict[str, int]


def fill(learners: int, told: Callable[[str], object]) -> Filled:
    """
    Add so many learners with all that they have; ``told`` is called with a line for each table.

    Needs :func:`make_templates`.
    """
    vendor = connection.vendor
    words = _words(vendor, learners)
    rows: dict[str, int] = {}
    with connection.cursor() as cursor:
        for statement in QUICKLY[vendor]:
            cursor.execute(statement)
        cursor.execute("DELETE FROM bench_choice")
        for table, insert in TABLES.items():
            began = time.monotonic()
            cursor.execute(f"INSERT INTO {table} {insert.format(**words)}")
            rows[table] = cursor.rowcount
            told(f"{table}: {cursor.rowcount:,} rows in {time.monotonic() - began:.0f} s")
        for statement in BACK[vendor]:
            cursor.execute(statement)
        for statement in connection.ops.sequence_reset_sql(no_style(), [get_user_model(), UserCredential]):
            cursor.execute(statement)
        for table in rows.keys() - {"bench_choice"} if vendor in STATISTICS else ():
            cursor.execute(STATISTICS[vendor].format(table=table))
            if cursor.description:
                cursor.fetchall()
    return Filled(f"learner{words['user'] + 4}", rows)


def make_templates() -> None:
    """Those that are begun and completed; and tables that number them, and tell which learner has which."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_place (is_complete integer, number integer, template_id bigint)")
        cursor.execute(
            "CREATE TABLE bench_choice"
            " (user_id integer, template_id bigint, credential_id integer, is_complete integer)"
        )
        for is_complete, count, courses in ((0, BEGUN, "ABCDE"), (1, COMPLETE, "AB")):
            for number in range(count):
                made = template(courses, name=f"Filled {is_complete} {number}", is_active=False)
                cursor.execute("INSERT INTO bench_place VALUES (%s, %s, %s)", [is_complete, number, made.pk])


def _words(vendor: str, learners: int) -> dict[str, Any]:
    def joined(*parts: str) -> str:
        return " || ".join(parts) if vendor != "mysql" else f"CONCAT({', '.join(parts)})"

    def last(model: Any) -> int:
        return int(model._default_manager.order_by("-pk").values_list("pk", flat=True).first() or 0)

    user, credential = last(get_user_model()), last(UserCredential)
    number_of_event = "choice.user_id * 16 + requirement.id % 16"
    prefix = uuid.uuid4().hex[:20]
    typed = connection.vendor == "postgresql"
    has_uuids = typed or connection.features.has_native_uuid_field
    as_text = joined(f"'{prefix}'", PADDED[vendor].format("credential_id"))
    return {
        "numbers": NUMBERS[vendor].format(count=learners),
        "user": user,
        "credential": credential,
        "begun": BEGUN,
        "announced_lately": ANNOUNCED_LATELY,
        "complete": COMPLETE,
        "nothing": "CAST('[]' AS jsonb)" if typed else "'[]'",
        "time": f"CAST({TIME} AS timestamptz)" if typed else TIME,
        "typed_time": f"CAST({TIME} AS timestamptz)" if typed else TIME,
        "true": "TRUE" if vendor != "sqlite" else "1",
        "false": "FALSE" if vendor != "sqlite" else "0",
        "key": connection.ops.quote_name("key"),
        "concat_name": joined("'learner'", f"({user} + n)"),
        "concat_email": joined("'learner'", f"({user} + n)", "'@example.com'"),
        "name_of_user": joined("'learner'", "user_id"),
        "event": joined(f"'{prefix[:8]}-0000-4000-8000-'", PADDED[vendor].format(number_of_event)),
        "uuid": f"CAST({as_text} AS uuid)" if has_uuids else as_text,
        "content_type": ContentType.objects.get_for_model(BadgeTemplate).pk,
        "passing": PASSING,
    }
