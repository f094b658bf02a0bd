"""Loading a definition file: all of it or nothing, and back only when it is in force everywhere."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable

from django.db import IntegrityError, OperationalError, transaction

from badges.conf import conf
from badges.models import RulebookVersion
from badges.services import rulebook
from badges.services.backoff import pause
from badges.services.definitions.model import Definitions
from badges.services.definitions.parsing import parse
from badges.services.definitions.plan import Plan
from badges.services.definitions.planning import make_plan
from badges.services.definitions.writing import write

logger = logging.getLogger(__name__)

MARGIN = 0.1
"""Seconds added to the age of the oldest rules in use, for a process that is a little late to look."""


@dataclasses.dataclass(frozen=True, slots=True)
class LoadReport:
    """
    What loading a file did, or would do, by number of accounts, templates, requirements and penalties.

    ``changes`` tells each of them that is not as it was, one line each; a requirement's rules are part of it.
    """

    created: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    changes: tuple[str, ...] = ()

    @property
    def changed(self) -> int:
        return self.created + self.updated + self.deleted


def load(
    text: str, *, dry_run: bool = False, prune: bool = False, wait: Callable[[float], None] = time.sleep
) -> LoadReport:
    """
    Make the database say what the YAML in ``text`` says: all of it, or nothing.

    Requirements and penalties that a listed template has in the database only are removed with ``prune``, else an
    error. With ``dry_run`` nothing is written. Returns when every process uses the new rules, ``RULEBOOK_MAX_AGE``
    seconds after the commit (S26), for which it calls ``wait``; at once when they are as they were.

    Raises :class:`DefinitionsError` with every problem, its line and path; :class:`ConfigurationError`.
    """
    definitions = parse(text)
    plan = _in_one_transaction(definitions, dry_run=dry_run, prune=prune)
    report = LoadReport(
        plan.count("new"), plan.count("changed"), plan.count("removed"), plan.count("unchanged"), plan.lines
    )
    if dry_run or not report.changed:
        return report
    logger.info(
        "Badge definitions loaded: %s added, %s changed, %s removed.",
        report.created,
        report.updated,
        report.deleted,
        extra={"action": "definitions_loaded"},
    )
    if plan.touches_rules:
        rulebook.forget()
        wait(conf.rulebook_max_age + MARGIN)
    return report


def _in_one_transaction(definitions: Definitions, *, dry_run: bool, prune: bool) -> Plan:
    """
    Again when events that are being handled get in the way: by a deadlock, because they lock in another order, or by a
    fulfilment of a requirement that is being removed.
    """
    for attempt in range(conf.database_retries):
        try:
            return _compare_and_write(definitions, dry_run=dry_run, prune=prune)
        except (OperationalError, IntegrityError):
            time.sleep(pause(attempt, base=0.05, cap=1))
    return _compare_and_write(definitions, dry_run=dry_run, prune=prune)


def _compare_and_write(definitions: Definitions, *, dry_run: bool, prune: bool) -> Plan:
    with transaction.atomic(durable=True):
        # Two loads at once queue up here, before either reads what it is going to change.
        RulebookVersion.objects.select_for_update().filter(pk=1).first()
        plan = make_plan(definitions, prune=prune)
        if not dry_run:
            write(plan)
    return plan
