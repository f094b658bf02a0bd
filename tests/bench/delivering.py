"""
Issuing badges to a provider that takes its time: ``python -m tests.bench.delivering BADGES CONCURRENCY`` prints JSON.

The address of the provider's server is in ``CREDLY_API_BASE_URL``. One process, one round of ``deliver_badges``, that
many at a time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from io import StringIO

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.settings")
django.setup()

# What follows needs Django set up.
from django.core.management import call_command  # noqa: E402

from badges import api  # noqa: E402
from badges.models import Delivery  # noqa: E402
from credentials_settings.sandbox.credly import DEMO_KEY, DEMO_ORGANIZATION, DEMO_TEMPLATE  # noqa: E402
from tests.bench.site import new_learners  # noqa: E402
from tests.builders import account, event, template  # noqa: E402


def main() -> None:
    count, concurrency = map(int, sys.argv[1:])
    owner = account(external_id=str(DEMO_ORGANIZATION))
    owner.set_api_key(DEMO_KEY)
    owner.save()
    template("A", uuid=DEMO_TEMPLATE, account=owner)
    for _, learner in zip(range(count), new_learners(), strict=False):
        api.receive_event(event=event("A", learner=learner))
    began = time.perf_counter()
    call_command("deliver_badges", "--once", f"--concurrency={concurrency}", stdout=StringIO())
    spent = time.perf_counter() - began
    issued = Delivery.objects.filter(kind=Delivery.Kind.ISSUE, state=Delivery.State.DONE).count()
    assert issued == count, f"{issued} of {count} issued"
    print(json.dumps({"badges": count, "per_second": count / spent}))


if __name__ == "__main__":
    main()
