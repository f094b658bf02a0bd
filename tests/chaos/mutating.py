"""
``python -m tests.chaos.mutating``: each broken build of :mod:`tests.chaos.mutations` makes its scenario fail.

The exit code is 0 when all were caught. See ``--help``.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

CAUGHT_BY: Final = {
    "late_events_count": "duplicates",
    "no_transaction": "disk-full",
    "decisions_at_host_time": "clock-steps",
    "offsets_before_the_work": "kills",
    "goes_on_without_a_database": "database-away",
    "failed_batches_are_passed_over": "poison",
    "failed_events_are_logged_only": "poison",
    "claim_without_condition": "clock-steps",
    "no_look_up": "credly-away",
    "no_outbox": "workers-redis",
    "sent_is_announced": "bus-away",
    "leases_by_the_hosts_clock": "clock-steps",
}
"""Mutation -> the scenario that has to fail."""

PATIENCE: Final = "45"
"""Seconds until a scenario gives up waiting for what a broken build never does."""


def is_caught(mutation: str, *where: str) -> bool:
    """Run the mutation's scenario and tell what it found."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--quick", *where, CAUGHT_BY[mutation]],
        env={**os.environ, "TAMPERING": f"tests.chaos.mutations.{mutation}", "CHAOS_PATIENCE": PATIENCE},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    found = re.findall(r"^    ! (.*)$", done.stdout, re.MULTILINE)
    caught = done.returncode == 1 and bool(found)
    said = found[0][:150] if found else f"\n{done.stdout[-2000:]}"
    seconds = time.monotonic() - began
    print(
        f"{'caught' if caught else 'MISSED'} {mutation} by {CAUGHT_BY[mutation]} in {seconds:.0f} s: {said}", flush=True
    )
    return caught


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.mutating", description="Broken builds are caught.")
    parser.add_argument("mutations", nargs="*", metavar="mutation", help=f"of {', '.join(CAUGHT_BY)}; none: all")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--database", default="postgres", choices=("postgres", "mariadb"))
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.mutations) - CAUGHT_BY.keys()
    if unknown:
        parser.error(f"no mutation {', '.join(sorted(unknown))}")
    where = (f"--seed={chosen.seed}", f"--database={chosen.database}")
    caught = [is_caught(mutation, *where) for mutation in chosen.mutations or CAUGHT_BY]
    print(f"\n{len(caught)} mutations, {caught.count(False)} missed")
    return 0 if all(caught) else 1


if __name__ == "__main__":
    sys.exit(main())
