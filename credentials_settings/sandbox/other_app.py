"""
``python -m credentials_settings.sandbox.other_app --group G --out FILE``: another app that reads the announcements.

It has a consumer group of its own and writes a line of JSON for each announcement that it received: what it was, the
credential, the time that with these two identifies it, the template and the username.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--topic", default="learning-badges-lifecycle")
    options.add_argument("--group", default="other-app")
    options.add_argument("--extra", default="{}", help="as for consume_events; Redis needs a consumer_name")
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "credentials_settings.settings.other_app"
    django.setup()

    from openedx_events.learning.signals import BADGE_AWARDED, BADGE_REVOKED  # needs Django's settings

    def received(signal: Any, metadata: Any, badge: Any, **_: Any) -> None:
        line = {
            "type": metadata.event_type,
            "credential": badge.uuid,
            "template": badge.template.uuid,
            "username": badge.user.pii.username,
            "time": metadata.time.isoformat(),
        }
        with given.out.open("a") as out:
            out.write(json.dumps(line) + "\n")

    for signal in (BADGE_AWARDED, BADGE_REVOKED):
        signal.connect(received, dispatch_uid="other-app", weak=False)
    given.out.touch()
    call_command("consume_events", topic=[given.topic], group_id=[given.group], extra=given.extra)


if __name__ == "__main__":
    main()
