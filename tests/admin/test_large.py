"""Lists of large tables: what is shown from the whole table, what is looked for among the newest rows, and its cost."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from badges import api
from badges.admin import large
from badges.models import BadgeProgress, CredlyBadge, Delivery, Fulfillment, JournalEntry, WebhookEvent
from tests import builders
from tests.admin.pages import listing, text

PARTIAL = "Only the newest 2 rows were looked at. To find others, search for an exact name or id."


@pytest.fixture(autouse=True)
def awarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three learners with a badge each, the first of a template that the others do not have; lists look at two rows."""
    monkeypatch.setattr(large, "LOOKED_AT", 2)
    builders.template("A", name="The old one")
    api.receive_event(event=builders.event("A", learner=1))
    builders.template("B", name="The popular one")
    for learner in (2, 3):
        api.receive_event(event=builders.event("B", learner=learner))


def shown(client: Client, model: str, **parameters: Any) -> tuple[list[Any], bool]:
    """The learners or rows of a list, and whether it says that it is a part; the page and the list agree."""
    response: Any = client.get(listing(model), parameters)
    assert response.status_code == 200
    changes = response.context["cl"]
    assert bool(changes.newest) == (PARTIAL in text(response))
    return list(changes.result_list), bool(changes.newest)


def pk_of(name: str) -> int:
    return int(BadgeProgress.objects.filter(template__name=name).values_list("template_id", flat=True)[0])


def first(model: Any) -> Any:
    return model.objects.order_by("pk").first()


def test_a_list_as_it_opens_is_whole(admin_client: Client) -> None:
    rows, is_partial = shown(admin_client, "badgeprogress")
    assert [row.user.username for row in rows] == ["learner3", "learner2", "learner1"]
    assert not is_partial


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("journalentry", {"kind__exact": "awarded"}),
        ("journalentry", {"q": "The old"}),
        ("badgeprogress", {"badge": "awarded"}),
        ("credlybadge", {"status__exact": "awarded"}),
        ("credlybadge", {"state__exact": "created"}),
        ("delivery", {"kind__exact": "announce_awarded"}),
        ("fulfillment", {"fulfilled__exact": "1"}),
    ],
)
def test_what_no_index_has_is_looked_for_among_the_newest(
    admin_client: Client, model: str, parameters: dict[str, str]
) -> None:
    if "q" in parameters:
        builders.template("C", name="The old one, again")  # more than one template is no key
    rows, is_partial = shown(admin_client, model, **parameters)
    assert is_partial
    newest = {row.pk for row in rows}
    tables = {each._meta.model_name: each for each in (JournalEntry, BadgeProgress, CredlyBadge, Delivery, Fulfillment)}
    table = tables[model]
    assert newest <= set(table._default_manager.order_by("-pk").values_list("pk", flat=True)[:2])
    assert bool(newest) is ("q" not in parameters)


@pytest.mark.parametrize("model", ["credlybadge", "delivery", "fulfillment"])
def test_a_template_is_looked_for_among_the_newest_where_it_stands_in_another_table(
    admin_client: Client, model: str
) -> None:
    assert shown(admin_client, model, template=pk_of("The old one")) == ([], True)
    rows, is_partial = shown(admin_client, model, template=pk_of("The popular one"))
    assert len(rows) == 2 and is_partial
    assert shown(admin_client, model, q="The old") == ([], True)
    rows, is_partial = shown(admin_client, model, q="popular")
    assert len(rows) == 2 and is_partial


@pytest.mark.parametrize("model", ["badgeprogress", "journalentry"])
def test_a_template_is_found_whole_where_an_index_begins_with_it(admin_client: Client, model: str) -> None:
    old = pk_of("The old one")
    for parameters in ({"template": old}, {"q": "The old"}):
        rows, is_partial = shown(admin_client, model, **parameters)
        assert {row.template_id for row in rows} == {old} and not is_partial


def test_another_filter_looks_at_the_newest_of_what_a_key_has(admin_client: Client) -> None:
    rows, _ = shown(admin_client, "badgeprogress", template=pk_of("The old one"), badge="awarded")
    assert [row.user.username for row in rows] == ["learner1"]
    rows, is_partial = shown(admin_client, "journalentry", template=pk_of("The old one"), kind__exact="fulfilled")
    assert is_partial and rows == [], "the award and its announcement are newer"


@pytest.mark.parametrize("model", ["badgeprogress", "journalentry", "fulfillment", "delivery", "credlybadge"])
def test_a_learner_is_always_found(admin_client: Client, model: str) -> None:
    rows, is_partial = shown(admin_client, model, q="learner1")
    assert rows and not is_partial
    if model != "credlybadge":
        learner = first(BadgeProgress).user_id
        assert shown(admin_client, model, learner=learner) == (rows, False)


def test_a_badge_is_found_by_its_id(admin_client: Client) -> None:
    badge = first(CredlyBadge)
    assert shown(admin_client, "credlybadge", q=str(badge.uuid)) == ([badge], False)


def test_what_is_held_back_and_what_has_failed_is_always_found(admin_client: Client) -> None:
    BadgeProgress.objects.filter(pk=first(BadgeProgress).pk).update(held_back=True)
    delivery = first(Delivery)
    Delivery.objects.filter(pk=delivery.pk).update(state="failed")
    assert shown(admin_client, "badgeprogress", held_back__exact="1") == ([first(BadgeProgress)], False)
    assert shown(admin_client, "delivery", state__exact="failed") == ([delivery], False)


def test_a_webhook_is_found_by_its_id(admin_client: Client) -> None:
    template = first(BadgeProgress).template
    received = WebhookEvent.objects.create(account=template.account, event_id=template.uuid, event_type="any")
    assert shown(admin_client, "webhookevent", q=str(template.uuid)) == ([received], False)


def test_a_choice_that_is_none_is_refused_or_chooses_nothing(admin_client: Client) -> None:
    assert admin_client.get(listing("badgeprogress"), {"held_back__exact": "perhaps"}).status_code == 302
    rows, _ = shown(admin_client, "badgeprogress", learner="nobody")
    assert len(rows) == 3


def test_which_rows_are_on_a_page_is_asked_of_the_table_alone(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large.LargeTable, "list_per_page", 1)
    with CaptureQueriesContext(connection) as queries:
        shown(admin_client, "journalentry")
    selects = [query["sql"] for query in queries if 'FROM "openedx_badges_journalentry"' in query["sql"]]
    counting, choosing, showing = selects
    assert "COUNT(" in counting and "JOIN" not in counting
    assert "JOIN" not in choosing and "ORDER BY" in choosing
    assert "JOIN" in showing and " IN (" in showing


@pytest.mark.parametrize("typed", ["\uff11", "-1", "+1", "1_0", "9" * 30])
@pytest.mark.parametrize("model", ["badgeprogress", "delivery"])
def test_what_is_no_id_chooses_nothing(admin_client: Client, model: str, typed: str) -> None:
    everything, _ = shown(admin_client, model)
    assert shown(admin_client, model, learner=typed) == (everything, False)


@pytest.mark.parametrize("parameter", ["learner", "template"])
@pytest.mark.parametrize("model", ["badgeprogress", "delivery"])
def test_an_id_that_nothing_has_is_chosen_and_finds_nothing(admin_client: Client, model: str, parameter: str) -> None:
    response: Any = admin_client.get(listing(model), {parameter: "999999"})
    assert list(response.context["cl"].result_list) == []
    assert any(
        spec.parameter_name == parameter for spec in response.context["cl"].filter_specs if hasattr(spec, "lookup")
    )


def test_several_values_of_a_key_are_looked_for_among_the_newest(admin_client: Client) -> None:
    oldest, *_, newest = Delivery.objects.order_by("pk")
    Delivery.objects.filter(pk__in=[oldest.pk, newest.pk]).update(state="failed")
    assert shown(admin_client, "delivery", state__exact=["failed", "cancelled"]) == ([newest], True)


def test_an_action_takes_what_was_picked_though_it_is_not_among_the_newest_any_more(admin_client: Client) -> None:
    old = first(Delivery)
    Delivery.objects.filter(pk=old.pk).update(state="failed")
    response = admin_client.post(
        f"{listing('delivery')}?kind__exact={old.kind}", {"action": "resend", "_selected_action": [old.pk]}, follow=True
    )
    assert f"Delivery {old.pk}" in text(response)
    assert Delivery.objects.get(pk=old.pk).state == "pending"


def test_others_search_as_the_list_does(admin_client: Client, rf: Any) -> None:
    page = admin.site._registry[BadgeProgress]
    request = rf.get("/")
    for term, usernames in (("learner1", ["learner1"]), ("popular", ["learner2", "learner3"]), ("nothing", [])):
        rows, _ = page.get_search_results(request, BadgeProgress.objects.order_by("pk"), term)
        assert [row.user.username for row in rows] == usernames
