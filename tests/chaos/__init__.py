"""
Faults on purpose, on real parts: nothing is lost, nothing happens twice (``make chaos``).

``python -m tests.chaos [--seed N]… [--quick] [--database postgres|mariadb]… [scenario …]``; the servers are those of
this checkout (``make services``), because some of them are stopped and killed.

A scenario is a function in a module of ``tests.chaos.scenarios``, named in ``SCENARIOS`` there. It gets a
:class:`~tests.chaos.scene.Scene`:

- ``scene.chance`` is its only source of chance, made from the seed; ``scene.count(full, quick)`` picks a size;
- badges, learners and a topic of its own come from ``scene.load``, ``scene.learners`` and ``scene.topic``; the servers,
  the database and the other app that reads the announcements are shared with the scenarios before and after it;
- processes are started with ``scene.consumer``, ``scene.sweeper`` or ``scene.supervisor``, and end with it;
- each fault goes through ``scene.inject("what", …)``, which prints and counts it; what it waits for are points of
  progress (``scene.wait``, ``scene.handled``), not seconds;
- servers are killed with :mod:`tests.chaos.servers`, and are up again when it returns *or raises*;
- faults within a process are functions of :mod:`tests.chaos.faults`, which :mod:`tests.chaos.tampering` puts there;
- it ends with ``scene.reconcile(badge, histories)``: that waits until nothing is on its way any more, compares the
  four ledgers (:mod:`tests.chaos.reconciliation`) and counts what was lost and what happened twice.

Anything that it asserts on the way is an expectation: missed, the run ends non-zero too.
"""
