"""The definition file of the documentation, and changes to it."""

from __future__ import annotations

ACCOUNT = "6f3c8f6e-8c1b-4c58-9b0a-3a4f1f0f6f11"
TEMPLATE = "0c1c7ff5-2d2b-4f2e-8a39-3a7e35a2a001"
PASSING = "org.openedx.learning.course.passing.status.updated.v1"

# Line numbers matter here: the tests of messages name them.
TWO_COURSES = f"""\
version: 1
accounts:
  - provider: credly
    id: {ACCOUNT}
    name: Demo University
    api_key: key-1
templates:
  - uuid: {TEMPLATE}
    provider: credly
    account: {ACCOUNT}
    name: Two courses
    description: Passed both courses
    image_url: https://example.com/badge.png
    state: active
    is_active: true
    allow_reaward: true
    requirements:
      - key: pass-a
        event_type: {PASSING}
        group: A
        description: Course A passed
        rules:
          - {{path: is_passing, operator: eq, value: "true"}}
          - {{path: course.course_key, operator: eq, value: "course-v1:edX+A+1"}}
      - key: pass-b
        event_type: {PASSING}
        rules:
          - path: course.course_key
            operator: eq
            value: course-v1:edX+B+1
    penalties:
      - key: fail-a
        event_type: {PASSING}
        requirements: [pass-a]
        rules:
          - {{path: is_passing, operator: eq, value: "false"}}
"""


def changed(*changes: tuple[str, str], of: str = TWO_COURSES) -> str:
    """The file with the first occurrence of each text replaced."""
    for old, new in changes:
        assert old in of, old
        of = of.replace(old, new, 1)
    return of
