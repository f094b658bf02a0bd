"""
What an event costs, measured: ``make bench``, or ``python -m tests.bench --help``.

Each measurement runs in processes of its own, so that no cache and no heap of one is met by the next (the kinds of
event share one in a quick run):

- ``events``: what one event costs, by database and number of templates (pyperf);
- ``rules``: building the rulebook, and following one change;
- ``memory``: what a long-running consumer keeps;
- ``consuming``: events a second of ``consume_events`` from a backlog in Kafka, in each of the ``variants``;
- ``delivering``: badges a second of ``deliver_badges`` to a provider that takes its time.

``report`` turns the figures into tables and compares them with the contract; it knows nothing of how they came about.

How noise is kept out: pyperf starts a fresh, warmed-up process for each measurement and every repetition; each value is
one event, so that median and p99 are those of events and not of averages, and one interruption spoils one value; ratios
are taken within one run; everything else of the machine stays on this machine's loopback. The load of the machine
before the run stands in the result: figures of a busy machine are worth little.
"""
