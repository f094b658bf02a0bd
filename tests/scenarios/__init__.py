"""
Scenarios: badge definitions and events in, a report out.

Each ``*.yaml`` beside this file is one. It goes through the commands that operators use (``load_badges``,
``replay_events``, ``deliver_badges``, ``badge_report``) and, for deliveries, through HTTP to a sandbox Credly.

``about``
    what it shows;
``statements``
    the numbers in SEMANTICS that it proves;
``badges``
    the definitions, as ``load_badges`` reads them, without the account;
``settings``
    entries of ``settings.BADGES`` that differ;
``steps``
    a list of

    - ``load``: definitions to load from here on;
    - ``events``: a list of ``pass|fail COURSE USERNAME HH:MM`` or whole events as in a JSON line;
    - ``faults``: what the sandbox Credly does wrong from here on;
    - ``deliver``: executes everything that is due, also what a retry would make wait;
    - ``expect``: a part of the report; a key that is not there is not looked at;
    - ``credly``: badges at the sandbox: ``posts`` (how many were asked for) and ``live`` (how many are not revoked).
"""
