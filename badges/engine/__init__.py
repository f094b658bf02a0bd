"""
The engine decides what an event changes. Pure: no Django, no HTTP, no clock, no randomness.

It takes and gives the value objects of :mod:`badges.data`: a :class:`~badges.engine.rulebook.Rulebook` says what
matches an event, :func:`~badges.engine.progress.decide` what that changes for a learner.
"""
