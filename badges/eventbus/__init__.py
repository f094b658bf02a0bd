"""
The event bus: the only package that imports openedx-events and the event-bus implementations.

``signals`` turns a public signal into an :class:`~badges.data.Event` and answers what event types there are and what
their payloads hold; ``jsonlines`` writes and reads events as text; ``publisher`` announces; ``consumer`` and
``producer`` are what ``EVENT_BUS_CONSUMER`` and ``EVENT_BUS_PRODUCER`` may name.
"""
