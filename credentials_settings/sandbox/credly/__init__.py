"""
A Credly to develop against: the behaviour of the Web Service API v1 on a loopback port, with faults on demand.

It is an aiohttp application: aiohttp keeps connections alive, turns Nagle's algorithm off and hands out the transport,
so a lost answer or a TCP reset is one call; the standard library's ``http.server`` would need a router and a thread for
every held connection, and WSGI servers hide the socket.

As a process: ``python -m credentials_settings.sandbox.credly --port 8090``. In a test::

    with running_credly() as credly:
        requests.get(credly.url + "organizations", auth=(DEMO_KEY, ""))

The control plane is described in ``control``; where Credly's own behaviour is not public, a comment says what this
server does.
"""

from __future__ import annotations

from credentials_settings.sandbox.credly.seeds import DEMO_KEY, DEMO_ORGANIZATION, DEMO_TEMPLATE
from credentials_settings.sandbox.credly.server import RunningCredly, running_credly

__all__ = ["DEMO_KEY", "DEMO_ORGANIZATION", "DEMO_TEMPLATE", "RunningCredly", "running_credly"]
