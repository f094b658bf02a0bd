"""
Whatever anybody sends to the webhooks' addresses: answered, never with a 5xx, and stored only where it is a webhook.

With more inputs, about four minutes for a hundred thousand::

    BADGES_FUZZ_INPUTS=100000 .venv/bin/python -m pytest tests/test_webhook_fuzz.py --timeout 0 -p no:randomly
"""

from __future__ import annotations

import io
import json
import os
import string
import uuid
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, event, given, settings as hypothesis_settings, strategies as st

from badges.models import ProviderAccount, WebhookEvent
from badges.webhooks import LARGEST_BODY
from tests.builders import account

pytestmark = pytest.mark.django_db

INPUTS = int(os.environ.get("BADGES_FUZZ_INPUTS", "300"))
ID = "11111111-2222-4333-8444-555555555555"
GENUINE = {
    "id": ID,
    "organization_id": "6f3c8f6e-8c1b-4c58-9b0a-3a4f1f0f6f11",
    "event_type": "badge.created",
    "occurred_at": "2026-05-01T10:00:00.000Z",
    "badge": {"id": ID, "state": "accepted"},
}


@pytest.fixture
def accounts(settings: Any) -> tuple[ProviderAccount, ProviderAccount]:
    """The account that is written to, and another one."""
    settings.BADGES = {**settings.BADGES, "ENQUEUE": False}
    return account(external_id=GENUINE["organization_id"]), account()


# --- bodies --------------------------------------------------------------------------------------------------


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.uuids().map(str) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
fields = st.fixed_dictionaries({}, optional={name: values | st.just(known) for name, known in GENUINE.items()})
almost_genuine = fields.map(lambda changes: as_json({**GENUINE, **changes}))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A webhook with some bytes replaced."""
    body = as_json(GENUINE)
    begin, end = sorted(draw(st.tuples(*[st.integers(0, len(body))] * 2)))
    return body[:begin] + draw(st.binary(max_size=8)) + body[end:]


long_ones = st.integers(LARGEST_BODY - 2, LARGEST_BODY + 2).map(as_json(GENUINE).ljust)
deep_ones = st.integers(1, 60_000).map(lambda depth: b"[" * depth)
bodies = st.one_of(
    values.map(as_json), fields.map(as_json), almost_genuine, damaged(), st.binary(), long_ones, deep_ones
)

# --- everything around them ----------------------------------------------------------------------------------

names = [
    "ACCEPT",
    "ACCEPT_LANGUAGE",
    "CONTENT_ENCODING",
    "COOKIE",
    "EXPECT",
    "ORIGIN",
    "TRANSFER_ENCODING",
    "X_HTTP_METHOD_OVERRIDE",
]
headers = st.dictionaries(
    st.sampled_from([f"HTTP_{name}" for name in names]) | st.just("QUERY_STRING"),
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n")),
    max_size=3,
)
charsets = st.sampled_from(["utf-8", "utf-16", "none", ""]).map("application/json; charset={}".format)
forms = st.sampled_from(["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data"])
content_types = charsets | forms | st.text(st.characters(max_codepoint=255), max_size=20)
methods = st.sampled_from(["POST"] * 90 + ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "post", "", "\x00"])


usually = st.sampled_from([True] * 9 + [False])


@st.composite
def lengths(draw: st.DrawFn, body: bytes) -> str:
    """What the request says that its body's length is: usually so."""
    if draw(usually):
        return str(len(body))
    return draw(st.integers(-2, LARGEST_BODY * 2).map(str) | st.sampled_from(["", "x", "1e3", "²"]))


@st.composite
def addresses(draw: st.DrawFn, token: str) -> str:
    """The account's own, usually; as WSGI passes them on, a character a byte."""
    anything = st.text(st.characters(max_codepoint=255))
    cut = st.integers(0, len(token)).map(lambda at: token[:at])
    changed = st.sampled_from(string.hexdigits).map(lambda digit: digit + token[1:])
    provider = "credly" if draw(usually) else draw(st.sampled_from(["Credly", "accredible", "_", ""]) | anything)
    last = token if draw(usually) else draw(st.just(token.upper()) | cut | changed | anything)
    return f"/badges/webhooks/{provider}/{last}/"


@hypothesis_settings(
    max_examples=INPUTS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_whatever_comes_in_is_answered(
    accounts: tuple[ProviderAccount, ProviderAccount], data: st.DataObject
) -> None:  # S36
    receiver, _ = accounts
    WebhookEvent.objects.all().delete()
    body = data.draw(bodies)
    address = data.draw(addresses(receiver.webhook_token))
    around = {
        "REQUEST_METHOD": data.draw(methods),
        "CONTENT_TYPE": data.draw(content_types),
        "CONTENT_LENGTH": data.draw(lengths(body)),
        "PATH_INFO": address,
        **data.draw(headers),
    }

    def send() -> Any:
        return Client(enforce_csrf_checks=True).request(**{**around, "wsgi.input": io.BytesIO(body)})

    answer = send()
    event(str(answer.status_code))
    assert answer.status_code in {200, 400, 404, 405, 413}
    assert receiver.webhook_token.encode() not in answer.content
    stored = list(WebhookEvent.objects.values_list("account", "event_id", "event_type", "state"))
    if answer.status_code != 200:
        assert stored == []
        return
    told = json.loads(body[: int(around["CONTENT_LENGTH"])])
    assert stored == [(receiver.pk, uuid.UUID(told["id"]), told["event_type"], "received")]
    again = send()
    assert (again.status_code, again.content) == (answer.status_code, answer.content)
    assert list(WebhookEvent.objects.values_list("account", "event_id", "event_type", "state")) == stored
