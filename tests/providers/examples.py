"""Example data of the provider tests."""

from __future__ import annotations

import datetime

from badges.data import BadgeQuery, IssueRequest, Recipient

AWARDED = datetime.datetime(2026, 5, 1, 10, 0, tzinfo=datetime.UTC)
EMAIL = "learner1+badges@example.com"
TEMPLATE = "0c1c7ff5-2d2b-4f2e-8a39-3a7e35a2a001"


def issue_request(
    template: str = TEMPLATE,
    *,
    earner_id: str = "1011",
    email: str = EMAIL,
    first_name: str = "Ada",
    last_name: str = "One",
) -> IssueRequest:
    return IssueRequest(template, AWARDED, Recipient(earner_id, email, first_name, last_name))


def query(template: str = TEMPLATE, *, earner_id: str = "1011", email: str = EMAIL) -> BadgeQuery:
    return BadgeQuery(template, earner_id, email)
