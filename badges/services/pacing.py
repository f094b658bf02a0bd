"""
When the next delivery may go to an account (S28): a provider that fails or asks to wait is left alone, and no account
is sent more than ``ACCOUNT_RATE_LIMIT`` allows.

What is known of an account is in its row, on the database's clock, so it holds for all workers and outlives them. The
row is locked for a moment only, alone, and never while a request is made.
"""

from __future__ import annotations

import datetime
import logging
import time

from django.db import transaction
from django.db.models import DateTimeField, F, Q, QuerySet, Value
from django.db.models.functions import NullIf

from badges.clock import DatabaseNow
from badges.conf import conf
from badges.exceptions import TransientError
from badges.models import ProviderAccount

logger = logging.getLogger(__name__)


def wait_for_turn(account: ProviderAccount) -> bool:
    """
    Wait until something may be sent with the account; False when that is not soon, and nothing may be sent.

    Waits for its place in the account's rate, no longer than ``SWEEP_INTERVAL``. Of an account that has failed
    ``BREAKER_FAILURES`` times in a row one delivery is let through every ``BREAKER_PAUSE`` seconds.

    ``account`` may have been read a moment ago; what is true now is filled in, for :func:`answered`.
    """
    if not (conf.account_rate_limit or account.rests_until):
        return True
    with transaction.atomic(durable=True):
        locked = ProviderAccount.objects.select_for_update().annotate(now=DatabaseNow()).get(pk=account.pk)
        if locked.rests(locked.now):
            return False
        turn = max(locked.next_turn_at or locked.now, locked.now) if conf.account_rate_limit else locked.now
        wait = (turn - locked.now).total_seconds()
        if wait > conf.sweep_interval:
            return False
        if conf.account_rate_limit:
            locked.next_turn_at = turn + datetime.timedelta(seconds=1 / conf.account_rate_limit)
        if locked.is_failing:
            locked.rests_until = turn + datetime.timedelta(seconds=conf.breaker_pause)
        locked.save(update_fields=["next_turn_at", "rests_until"])
    account.failures, account.rests_until = locked.failures, locked.rests_until
    if wait > 0:
        time.sleep(wait)
    return True


def answered(account: ProviderAccount) -> None:
    """
    The provider answered, with whatever: the failures in a row end, and the rest that this very delivery was let
    through in spite of. One that was asked for meanwhile is kept.
    """
    if account.failures or account.rests_until:
        until = Value(account.rests_until, output_field=DateTimeField())
        _row(account).update(failures=0, rests_until=NullIf("rests_until", until))


def failed(account: ProviderAccount, error: TransientError) -> None:
    """
    The provider did not answer, or asked to wait: the whole account rests as long as it asked, and once it has failed
    ``BREAKER_FAILURES`` times in a row, ``BREAKER_PAUSE`` seconds.
    """
    _row(account).update(failures=F("failures") + 1)
    if error.retry_after:
        _rest(_row(account), error.retry_after)
    if _rest(_row(account).filter(failures__gte=conf.breaker_failures), conf.breaker_pause):
        logger.warning(
            "Account %s fails again and again; one delivery is tried every %g s until the provider answers.",
            account.external_id,
            conf.breaker_pause,
            extra={"action": "account_rests"},
        )


def resume(account_id: int) -> bool:
    """Send with the account again at once, as a person wants it; False when it did not rest."""
    rows = ProviderAccount.objects.filter(pk=account_id, rests_until__gt=DatabaseNow())
    return bool(rows.update(failures=0, rests_until=None))


def _rest(rows: QuerySet[ProviderAccount], seconds: float) -> int:
    """Let them rest for ``seconds``, or longer if they do anyway; how many rest longer for it."""
    until = DatabaseNow() + datetime.timedelta(seconds=seconds)
    return rows.filter(Q(rests_until=None) | Q(rests_until__lt=until)).update(rests_until=until)


def _row(account: ProviderAccount) -> QuerySet[ProviderAccount]:
    return ProviderAccount.objects.filter(pk=account.pk)
