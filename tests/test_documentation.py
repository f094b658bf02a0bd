"""What the documentation says of options, commands, variables and targets is what there is."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import load_command_class
from django.core.management.base import BaseCommand
from django.test import override_settings

from badges import api
from badges.celery import app
from badges.conf import BadgesSettings
from badges.data import RuleSpec
from badges.engine.operators import OPERATORS
from badges.services.definitions.parsing import parse

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
README = (ROOT / "README.rst").read_text()
SETTINGS = (DOCS / "references" / "settings.rst").read_text()
COMMANDS = (DOCS / "references" / "commands.rst").read_text()
PAGES = sorted(path for path in DOCS.rglob("*.rst") if "_build" not in path.parts)


def readable(pages: list[Path]) -> list[Any]:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages]


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the first list-table below ``heading``, without its header."""
    lines = text[text.index(f"\n{heading}\n") :].splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith(".. list-table::"))
    rows: list[list[str]] = []
    for line in lines[begin + 1 :]:
        if line and not line.startswith(" "):
            break
        if line.startswith("   * - "):
            rows.append([line[7:].strip()])
        elif line.startswith("     -"):
            rows[-1].append(line[6:].strip())
        elif line.startswith("       ") and rows:
            rows[-1][-1] += " " + line.strip()
    return rows[1:]


def literals(cell: str) -> list[str]:
    return re.findall(r"``(.+?)``", cell)


def plain(value: Any) -> Any:
    """A list for a tuple, so that both can be written in the documentation."""
    return list(value) if isinstance(value, list | tuple) else value


# --- options -------------------------------------------------------------------------------------------------


def option_names() -> set[str]:
    return {name.upper() for name, _ in inspect.getmembers(BadgesSettings, lambda member: isinstance(member, property))}


@override_settings(BADGES={})
def default_of(option: str) -> Any:
    return plain(getattr(BadgesSettings(), option.lower()))


def documented_options() -> Mapping[str, str]:
    """The default that the reference gives, by option."""
    found = re.findall(r"^\.\. confval:: (\w+)\n   :type: .+\n   :default: ((?:.+\n)+)", SETTINGS, re.MULTILINE)
    return {name: literals(" ".join(default.split()))[0] for name, default in found}


def options_in_readme() -> Mapping[str, str]:
    return {literals(row[0])[0]: row[1] for row in table(README, "Configuration")}


def test_the_reference_has_every_option_and_no_other() -> None:
    assert set(documented_options()) == option_names()


def test_readme_has_every_option_and_no_other_and_links_to_the_reference() -> None:
    assert set(options_in_readme()) == option_names()
    assert "<docs/references/settings.rst>" in README


@pytest.mark.parametrize("option", sorted(option_names()))
def test_the_defaults_are_right_in_the_reference_and_in_readme(option: str) -> None:
    assert plain(ast.literal_eval(documented_options()[option])) == default_of(option)
    cell = options_in_readme()[option]
    if option == "EVENT_TYPES":  # too long for a cell
        assert cell == "the two course passing status events"
    else:
        assert plain(ast.literal_eval(literals(cell)[0])) == default_of(option)


# --- the standalone project ----------------------------------------------------------------------------------


def test_readme_has_every_variable_that_the_settings_read() -> None:
    project = ROOT / "credentials_settings"
    sources = [
        *(project / "settings").glob("[!o]*.py"),
        *project.glob("*.py"),
    ]  # not other_app, which is another project
    read = {name for path in sources for name in re.findall(r'os\.environ\.\w+\(\s*"(\w+)"', path.read_text())}
    told = {name for row in table(README, "Environment of the standalone project") for name in literals(row[0])}
    assert told - read == {"CREDLY_API_KEY"}  # named by a definition file
    assert read <= told
    assert "api_key_env: CREDLY_API_KEY" in (ROOT / "credentials_settings/sandbox/demo/badges.yaml").read_text()


def test_readme_has_every_target_that_make_help_lists() -> None:
    listed = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = {name for row in table(README, "Make targets") for name in literals(row[0])}
    assert told == {f"make {target}" for target in listed}


# --- commands ------------------------------------------------------------------------------------------------


def commands() -> list[str]:
    return sorted(path.stem for path in (ROOT / "badges/management/commands").glob("[!_]*.py"))


def options_of(command: BaseCommand, name: str) -> set[str]:
    parser = command.create_parser("manage.py", name)
    common = BaseCommand().create_parser("manage.py", name)
    return {option for action in parser._actions for option in action.option_strings} - {
        option for action in common._actions for option in action.option_strings
    }


@pytest.mark.parametrize("name", commands())
def test_the_reference_has_every_command_with_its_options(name: str) -> None:
    sections = re.split(r"^(\w+)\n\*+\n", COMMANDS, flags=re.MULTILINE)
    told = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert name in told
    missing = {option for option in options_of(load_command_class("badges", name), name) if option not in told[name]}
    assert not missing


# --- references to the code ----------------------------------------------------------------------------------


def dotted_names(text: str) -> Iterator[str]:
    """What the text calls by its dotted path."""
    yield from re.findall(r"[`\"]((?:badges|credentials_settings)(?:\.[A-Za-z_]\w*)+)[`\"(]", text)


def exists(name: str) -> bool:
    if name in app.tasks:
        return True
    module, rest = name, []
    while module:
        try:
            found: Any = importlib.import_module(module)
        except ImportError:
            module, _, last = module.rpartition(".")
            rest.insert(0, last)
            continue
        for part in rest:
            found = getattr(found, part, None)
        return found is not None
    return False


def paths(text: str) -> Iterator[str]:
    yield from re.findall(r"``((?:badges|credentials_settings|docs|requirements|scripts|tests)/[\w./-]*)``", text)


@pytest.mark.parametrize("page", readable([*PAGES, ROOT / "README.rst"]))
def test_names_and_paths_that_a_page_mentions_exist(page: Path) -> None:
    app.loader.import_default_modules()
    text = page.read_text()
    allowed = {"badges.yaml", "docs/_build/html"}
    unknown = {name for name in dotted_names(text) if name not in allowed and not exists(name)}
    unknown |= {path for path in paths(text) if path not in allowed and not (ROOT / path).exists()}
    assert not unknown


def test_links_in_readme_lead_somewhere() -> None:
    linked = {target for target in re.findall(r"<([^<>]+)>`_", README) if ":" not in target}
    assert len(linked) > 10
    assert {target for target in linked if not (ROOT / target).exists()} == set()


# --- examples ------------------------------------------------------------------------------------------------


def test_examples_of_events_can_be_read() -> None:
    lines = [line for path in DOCS.rglob("examples/*.jsonl") for line in path.read_text().splitlines()]
    assert len(lines) >= 3
    assert all(api.read_line(line=line).type in api.event_types() for line in lines)


def test_the_tutor_plugin_is_made_of_valid_settings() -> None:
    plugin = yaml.safe_load((DOCS / "how-tos/examples/tutor-badges.yml").read_text())
    for patch in ("credentials-settings-common", "openedx-lms-common-settings"):
        compile(plugin["patches"][patch], patch, "exec")
    assert "local-docker-compose-services" in plugin["patches"]


def test_the_concepts_explain_every_operator_and_its_example_can_be_meant() -> None:
    text = (DOCS / "concepts" / "rules_and_progress.rst").read_text()
    rows = table(text, "Rules")
    assert {name for row in rows for name in literals(row[0])} == set(OPERATORS)
    event_types = (
        "org.openedx.learning.course.passing.status.updated.v1",
        "org.openedx.learning.course.enrollment.created.v1",
    )
    for row in rows:
        path, operator, value = literals(row[2])[0].split(" ", 2)
        event_type = event_types[path == "mode"]
        api.check_rule(event_type=event_type, rule=RuleSpec(path, operator, value))


def test_examples_of_definitions_can_be_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDLY_API_KEY", "a-key")
    examples = list(DOCS.rglob("examples/*.yaml"))
    assert len(examples) >= 2
    assert all(parse(path.read_text()).accounts for path in examples)
