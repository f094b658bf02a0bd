"""The clocks of the app."""

from __future__ import annotations

from django.db import connection

from badges.clock import DatabaseNow
from badges.models import Delivery


def test_a_mysql_server_in_another_time_zone_is_asked_for_utc() -> None:  # S39
    compiler = Delivery.objects.all().query.get_compiler(connection=connection)
    assert DatabaseNow().as_mysql(compiler, connection) == ("UTC_TIMESTAMP(6)", [])
