"""The rules in force, followed as the configuration changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from badges import api
from badges.models import BadgePenalty, BadgeRequirement, BadgeTemplate, DataRule, PenaltyTarget, RulebookVersion
from badges.models.rulebook import MOST_NOTED
from badges.services import rulebook
from tests.builders import PASSING, course_key, event, rules, template

pytestmark = pytest.mark.django_db

EVENTS = [event(course, passing=passing) for course in "ABCDZ" for passing in (True, False)]

Write = Callable[[BadgeTemplate, BadgeTemplate], Any]
"""Changes the first template, for which there is a second one to take things from or to give things to."""


def add_requirement(one: BadgeTemplate, _: BadgeTemplate) -> None:
    made = BadgeRequirement.objects.create(template=one, key="more", event_type=PASSING)
    DataRule.objects.bulk_create(rules(DataRule, "D", "true", requirement=made))


def move_requirement(one: BadgeTemplate, other: BadgeTemplate) -> None:
    moved = one.requirements.get(key="pass-b")
    moved.template = other
    moved.save()


def move_rule(one: BadgeTemplate, other: BadgeTemplate) -> None:
    one.requirements.get(key="pass-a").rules.update(requirement=other.requirements.get(key="pass-d"))


def move_rule_by_its_key(one: BadgeTemplate, other: BadgeTemplate) -> None:
    wanted = other.requirements.get(key="pass-d")
    one.requirements.get(key="pass-a").rules.update(requirement_id=wanted.pk)


def move_rules_in_bulk(one: BadgeTemplate, other: BadgeTemplate) -> None:
    moved = list(one.requirements.get(key="pass-a").rules.all())
    for each in moved:
        each.requirement = other.requirements.get(key="pass-d")
    DataRule.objects.bulk_update(moved, ["requirement"])


def move_target_in_bulk(one: BadgeTemplate, other: BadgeTemplate) -> None:
    moved = one.penalties.get().targets.get()
    moved.penalty, moved.requirement = other.penalties.get(), other.requirements.get(key="pass-c")
    PenaltyTarget.objects.bulk_update([moved], ["penalty", "requirement"])


def upsert(one: BadgeTemplate, _: BadgeTemplate) -> None:
    one.name = "upserted"
    told = ["uuid"] if connection.features.supports_update_conflicts_with_target else None
    BadgeTemplate.objects.bulk_create([one], update_conflicts=True, update_fields=["name"], unique_fields=told)


def delete_and_make_again(one: BadgeTemplate, _: BadgeTemplate) -> None:
    fields = {field.attname: getattr(one, field.attname) for field in BadgeTemplate._meta.concrete_fields}
    one.delete()
    BadgeTemplate.objects.bulk_create([BadgeTemplate(**{**fields, "rules_version": 0, "name": "made again"})])


def an_older_release_writes(one: BadgeTemplate, _: BadgeTemplate) -> None:
    """It raises the version, and notes nothing."""
    RulebookVersion.objects.update(version=F("version") + 1)
    BadgeTemplate._base_manager.filter(pk=one.pk).update(name="by an older release")


def both_releases_write(one: BadgeTemplate, other: BadgeTemplate) -> None:
    an_older_release_writes(one, other)
    other.save()


def save_a_stale_copy(one: BadgeTemplate, _: BadgeTemplate) -> None:
    copy = BadgeTemplate.objects.get(pk=one.pk)
    one.requirements.get(key="pass-a").rules.filter(path="course.course_key").update(value=course_key("D"))
    copy.name = "saved later"
    copy.save()


def load(one: BadgeTemplate, _: BadgeTemplate) -> None:
    text = api.dump_definitions(template_uuids=[one.uuid]).replace(course_key("B"), course_key("D"))
    assert api.load_definitions(text=text).changed


WRITES: dict[str, Write] = {
    "save": lambda one, other: one.save(),
    "rename": lambda one, other: BadgeTemplate.objects.filter(pk=one.pk).update(name="x"),
    "deactivate": lambda one, other: BadgeTemplate.objects.filter(pk=one.pk).update(is_active=False),
    "archive": lambda one, other: BadgeTemplate.objects.bulk_update([archived(one)], ["state"]),
    "delete": lambda one, other: one.delete(),
    "delete several": lambda one, other: BadgeTemplate.objects.all().delete(),
    "new template": lambda one, other: template("AZ"),
    "new requirement": add_requirement,
    "new target": lambda one, other: PenaltyTarget.objects.create(
        penalty=one.penalties.get(), requirement=one.requirements.get(key="pass-b")
    ),
    "other targets": lambda one, other: one.penalties.get().requirements.set([one.requirements.get(key="pass-b")]),
    "no targets": lambda one, other: one.penalties.get().targets.all().delete(),
    "no penalty": lambda one, other: BadgePenalty.objects.filter(template=one).delete(),
    "other rule": lambda one, other: one.requirements.first().rules.update(value="false"),
    "no rules": lambda one, other: one.requirements.first().rules.all().delete(),
    "no requirement": lambda one, other: one.requirements.first().delete(),
    "group": lambda one, other: BadgeRequirement.objects.filter(template=one).update(group="any"),
    "saved rule": lambda one, other: one.requirements.first().rules.get(path="is_passing").save(),
    "moved requirement": move_requirement,
    "moved rule": move_rule,
    "moved rule, by its key": move_rule_by_its_key,
    "moved rules, in bulk": move_rules_in_bulk,
    "moved target, in bulk": move_target_in_bulk,
    "upsert": upsert,
    "deleted and made again": delete_and_make_again,
    "an older release": an_older_release_writes,
    "an older release and this one": both_releases_write,
    "stale copy": save_a_stale_copy,
    "load_badges": load,
}


def archived(one: BadgeTemplate) -> BadgeTemplate:
    one.state = BadgeTemplate.State.ARCHIVED
    return one


def told(rules: rulebook.Rules) -> Any:
    """All that they know, and what they say to some events."""
    matches = [rules.book.match(each.type, each.payload) for each in EVENTS]
    return (
        rules.book.version,
        rules.facts,
        [rules.book.template(pk) for pk in sorted(rules.facts)],
        [match and (match.fulfils, dict(match.resets), match.templates) for match in matches],
    )


@pytest.mark.parametrize("write", WRITES)
def test_following_a_change_ends_in_what_reading_everything_finds(write: str) -> None:  # S26
    one, other = template("AB", penalties="A"), template("CD", penalties="D")
    template("ABCD")
    known = rulebook.load()
    WRITES[write](one, other)
    assert RulebookVersion.current() > known.book.version
    following = rulebook.load(known)
    assert told(following) == told(rulebook.load())


def test_following_change_after_change_ends_in_the_same_too() -> None:  # S26
    following = rulebook.load()
    for name, write in WRITES.items():
        one, other = template("AB", penalties="A"), template("CD", penalties="D")
        following = rulebook.load(following)
        write(one, other)
        following = rulebook.load(following)
        assert told(following) == told(rulebook.load()), name


def test_a_template_comes_back() -> None:  # S10, S26
    one = template("A")
    known = rulebook.load()
    BadgeTemplate.objects.filter(pk=one.pk).update(is_active=False)
    without = rulebook.load(known)
    assert not without.facts
    BadgeTemplate.objects.filter(pk=one.pk).update(is_active=True)
    assert told(rulebook.load(without)) == told(rulebook.load())


def test_a_version_that_goes_back_is_read_whole() -> None:  # S26
    one = template("A")
    known = rulebook.load()
    # A backup from before the template was renamed is restored.
    RulebookVersion.objects.update(version=1, whole=1, noted=1)
    BadgeTemplate._base_manager.filter(pk=one.pk).update(name="as it was", rules_version=1)
    assert told(rulebook.load(known)) == told(rulebook.load())


def test_only_the_template_that_changed_is_read(monkeypatch: pytest.MonkeyPatch) -> None:  # S26
    one, _ = template("AB"), template("CD")
    known = rulebook.load()
    one.requirements.first().rules.filter(path="course.course_key").update(value=course_key("Z"))
    read = rulebook.template_specs
    seen: list[set[int]] = []

    def reading(templates: Any) -> Any:
        seen.append({row.pk for row in templates})
        return read(templates)

    monkeypatch.setattr(rulebook, "template_specs", reading)
    rulebook.load(known)
    assert seen == [{one.pk}]


def test_following_a_change_costs_the_same_however_many_templates_there_are() -> None:
    def cost() -> int:
        known = rulebook.load()
        one.save()
        with CaptureQueriesContext(connection) as captured:
            rulebook.load(known)
        return len(captured)

    one = template("AB")
    few = cost()
    for _ in range(20):
        template("CD")
    assert cost() == few <= 10


def test_a_change_of_very_many_templates_is_a_change_of_all() -> None:
    RulebookVersion.bump()
    RulebookVersion.note(range(MOST_NOTED + 1))
    row = RulebookVersion.objects.get()
    assert row.whole == row.version
