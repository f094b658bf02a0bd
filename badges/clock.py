"""
The clocks of the app, in one place so that a test or a fault scenario can turn them.

``now`` tells the moment a decision is made. Leases and due times are compared on the database's clock
(``DatabaseNow``), and the deadline of a request on the monotonic one, so a host whose clock steps neither issues twice
nor stalls (S39).
"""

from __future__ import annotations

import datetime
import time
from typing import Any

from django.db.models.functions import Now

from badges.conf import conf


def now() -> datetime.datetime:
    """The current moment, aware, UTC."""
    return datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(seconds=conf.clock_offset)


monotonic = time.monotonic
"""Seconds on a clock that never steps; its zero means nothing."""


class DatabaseNow(Now):
    """
    The current moment on the database's clock, in a query.

    Django's own is the local time of a MySQL or MariaDB server, which differs from every stored time by its offset, and
    jumps when summer time begins or ends: leases would run out an hour early.
    """

    def as_mysql(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **extra_context)
