"""What is stored as a definition file, and back."""

from __future__ import annotations

import string
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

from badges.exceptions import BadgesError
from badges.models import BadgeTemplate, ProviderAccount, RulebookVersion
from badges.services.definitions import LoadReport, dump
from tests.services.definitions.examples import ACCOUNT, PASSING, TEMPLATE, TWO_COURSES, changed

Load = Callable[..., LoadReport]

OTHER = "1d2d8ff5-2d2b-4f2e-8a39-3a7e35a2a002"


def clear() -> None:
    BadgeTemplate.objects.all().delete()
    ProviderAccount.objects.all().delete()


def test_a_dump_says_everything_but_keys(load: Load) -> None:
    load(TWO_COURSES)

    text = dump()

    wanted = yaml.safe_load(TWO_COURSES)
    del wanted["accounts"][0]["api_key"]
    template = wanted["templates"][0]
    template["requirements"][1] |= {"group": "", "description": ""}
    template["penalties"][0] |= {"description": ""}
    assert yaml.safe_load(text) == wanted
    assert "key-1" not in text
    assert "- {path: is_passing, operator: eq, value: 'true'}\n" in text


# S26
def test_loading_a_dump_changes_nothing(load: Load, waited: list[float]) -> None:
    load(TWO_COURSES)
    version = RulebookVersion.current()
    waited.clear()

    report = load(dump())

    assert (report.changed, report.unchanged, report.changes) == (0, 5, ())
    assert (RulebookVersion.current(), waited) == (version, [])


def test_loading_a_dump_undoes_what_was_changed_since(load: Load) -> None:
    load(changed(("        group: A\n", ""), ("    description: Passed both courses\n", "")))
    before = dump()
    load(TWO_COURSES)
    assert dump() != before

    load(before)

    assert dump() == before


def test_a_dump_of_nothing_can_be_loaded(load: Load) -> None:
    assert load(dump()) == LoadReport()


def test_some_templates_are_dumped_with_their_accounts_only(load: Load) -> None:
    load(TWO_COURSES)
    load(f"version: 1\naccounts: [{{id: two}}]\ntemplates: [{{uuid: {OTHER}, account: two, name: Other}}]\n")

    [account], [template] = map(yaml.safe_load(dump([uuid.UUID(OTHER)])).get, ("accounts", "templates"))

    assert account == {"provider": "credly", "id": "two", "name": ""}
    assert (template["uuid"], template["requirements"], template["penalties"]) == (OTHER, [], [])
    assert [one["uuid"] for one in yaml.safe_load(dump())["templates"]] == [TEMPLATE, OTHER]


def test_another_id_at_the_provider_is_kept(load: Load) -> None:
    load(changed(("state: active", "external_id: '0017'")))
    before = dump()

    clear()
    load(before)

    assert BadgeTemplate.objects.get().external_id == "0017"
    assert dump() == before


def test_a_template_that_is_not_there_is_told(db: None) -> None:
    with pytest.raises(BadgesError, match=f"There is no badge template {OTHER}"):
        dump([uuid.UUID(OTHER)])


# --- whatever is stored --------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
odd_texts = st.sampled_from(["yes", "null", "~", "0123", "2026-05-01", "- a", "a: b", "#", "'", '"', "\n", " x ", "*a"])
values = texts | odd_texts
keys = st.text(string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=12)
rules = st.lists(
    st.fixed_dictionaries(
        {
            "path": st.just("course.display_name"),
            "operator": st.sampled_from(["eq", "ne", "contains", "starts_with", "ends_with", "matches"]),
            "value": values,
        }
    ),
    max_size=3,
)
requirements = st.lists(
    st.fixed_dictionaries(
        {"key": keys, "event_type": st.just(PASSING), "group": values, "description": values, "rules": rules}
    ),
    unique_by=lambda requirement: requirement["key"],
    max_size=4,
)


@st.composite
def templates(draw: st.DrawFn) -> dict[str, Any]:
    made = draw(requirements)
    names = [one["key"] for one in made]
    chosen = st.sets(st.sampled_from(names), min_size=1) if names else st.nothing()
    resets = chosen.map(lambda some: [name for name in names if name in some])
    penalty = st.fixed_dictionaries(
        {"key": keys, "event_type": st.just(PASSING), "description": values, "requirements": resets, "rules": rules}
    )
    return {
        "uuid": str(draw(st.uuids(version=1) | st.uuids(version=4))),
        "account": ACCOUNT,
        "name": draw(values.filter(bool)),
        "description": draw(values),
        "state": draw(st.sampled_from(["draft", "active", "archived"])),
        "is_active": draw(st.booleans()),
        "allow_reaward": draw(st.booleans()),
        "requirements": made,
        "penalties": draw(st.lists(penalty, unique_by=lambda one: one["key"], max_size=3 if names else 0)),
    }


@hypothesis_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(definitions=st.lists(templates(), max_size=3, unique_by=lambda template: template["uuid"]))
def test_a_dump_of_whatever_is_stored_loads_to_the_same(load: Load, definitions: list[dict[str, Any]]) -> None:
    clear()
    account = {"provider": "credly", "id": ACCOUNT, "name": "Demo University"}
    load(yaml.safe_dump({"version": 1, "accounts": [account], "templates": definitions}))
    first = dump()

    assert load(first).changed == 0
    assert yaml.safe_load(first)["templates"] == [
        {"provider": "credly", "image_url": "", **template} for template in definitions
    ]
    clear()
    load(first)
    assert dump() == first
