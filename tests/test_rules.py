"""Every rule on every fixture: what is said, with rule and line, is what the fixture expects and nothing else.

All rules run on all fixtures, so one that speaks up on a neighbour's is either wanted (the fixture says so) or wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from schemalint.check import check
from schemalint.configuration.files import parse
from schemalint.finding import Finding
from schemalint.migrations.discovery import discover
from schemalint.rule import Rule, load_rules
from tests.fixture_files import FOLDER, Expectation, Fixture, fixture_files, read_fixture

RULES = FOLDER.parent / "rules"
SECTIONS = ("## Why", "## Way out", "## Not reported")

FILES = [pytest.param(path, id="/".join((*path.parts[-3:-1], path.stem))) for path in fixture_files()]
RULE_FILES = [
    pytest.param(path, id=f"{path.parent.name}/{path.stem}")
    for path in sorted(RULES.glob("*/*.py"))
    if not path.stem.startswith("_")
]


class Said(NamedTuple):
    """A finding, or an expectation, in what the two have in common."""

    migration: str
    line: int
    rule: str
    severity: str


def findings(folder: Path, fixture: Fixture, asked: tuple[str, ...]) -> tuple[Finding, ...]:
    """What the engine says of the fixture's migrations: of the newest state, or of those asked about."""
    migrations = folder / "migrations"
    migrations.mkdir(exist_ok=True)
    for name, sql in fixture.migrations:
        (migrations / name).write_text(sql, encoding="utf-8")
    history, chosen = discover([migrations / name for name in asked], migrations, folder)
    return check(history, chosen, parse(fixture.configuration, folder)).findings


BESIDE = ("blocks", "drifts")  # what is true beside other consequences, and shown by fixtures of its own


def said(fixture: Fixture, found: tuple[Finding, ...], expected: list[Expectation]) -> list[Said]:
    """The findings that a fixture has to account for: errors, warnings, and infos of its own group or that it expects.

    A severity that the fixture leaves open is taken from its expectation.
    """
    open_places = {(each.migration, each.line, each.rule) for each in expected if each.severity is None}
    infos = {(each.migration, each.line, each.rule) for each in expected if each.severity == "info"}
    result = []
    for each in found:
        path, line, _ = each.span.place
        place = (Path(path).name, line, each.rule)
        group = each.rule.partition("/")[0]
        if each.severity == "info" and place not in infos and group != fixture.group:
            continue
        if group in BESIDE and group != fixture.group:
            continue
        severity = "any" if place in open_places and each.severity != "info" else each.severity.value
        result.append(Said(*place, severity))
    return sorted(result)


def owed(expected: list[Expectation]) -> list[Said]:
    return sorted(Said(each.migration, each.line, each.rule, each.severity or "any") for each in expected)


def in_words(found: tuple[Finding, ...]) -> str:
    return "\n".join(
        f"{each.severity}[{each.rule}] {each.certainty}: {each.message}\n  --> {each.span.place}: {each.span.text!r}"
        for each in found
    )


@pytest.mark.parametrize("path", FILES)
def test_of_the_newest_state(path: Path, tmp_path: Path) -> None:
    fixture = read_fixture(path)
    found = findings(tmp_path, fixture, ())
    assert said(fixture, found, list(fixture.expectations)) == owed(list(fixture.expectations)), in_words(found)


@pytest.mark.parametrize("path", FILES)
def test_of_the_last_file_alone(path: Path, tmp_path: Path) -> None:
    fixture = read_fixture(path)
    last = fixture.migrations[-1].name
    expected = [each for each in fixture.expectations if each.migration == last]
    found = findings(tmp_path, fixture, (last,))
    assert said(fixture, found, expected) == owed(expected), in_words(found)


# -- what a rule consists of


@cache
def rules() -> dict[str, Rule]:
    return {rule.id: rule for rule in load_rules()}


def rule_id(path: Path) -> str:
    return f"{path.parent.name}/{path.stem.replace('_', '-')}"


@cache
def fixtures_of() -> Counter[tuple[str, bool]]:
    """How many fixtures each rule has, good and bad; read from names alone."""
    return Counter(
        (f"{path.parts[-3]}/{path.parts[-2].replace('_', '-')}", path.name.startswith("bad")) for path in fixture_files()
    )


@pytest.mark.parametrize("path", RULE_FILES)
def test_a_file_is_one_rule(path: Path) -> None:
    assert rule_id(path) in rules()
    assert len(rules()) == len(RULE_FILES)


@pytest.mark.parametrize("path", RULE_FILES)
def test_a_rule_has_fixtures(path: Path) -> None:
    assert fixtures_of()[rule_id(path), True], "no fixtures of what it must report: bad*.sql"
    assert fixtures_of()[rule_id(path), False], "no fixtures of what it must not report: good*.sql"


@pytest.mark.parametrize("path", RULE_FILES)
def test_a_rule_is_documented(path: Path) -> None:
    documentation = rules()[rule_id(path)].documentation
    first, _, rest = documentation.partition("\n")
    assert re.fullmatch(r"[A-Z].*\.", first), "the first line is a sentence"
    headings = [line.strip() for line in rest.splitlines() if line.strip().startswith("#")]
    assert headings == list(SECTIONS)
    texts = re.split("|".join(SECTIONS), rest)[1:]
    assert all(text.strip() for text in texts), "an empty section"


@pytest.mark.parametrize("path", RULE_FILES)
def test_a_rule_states_what_the_server_answers(path: Path) -> None:
    rule = rules()[rule_id(path)]
    assert all(re.fullmatch(r"[0-9A-Z]{5}", state) for state in rule.sqlstates)
    assert bool(rule.sqlstates) == (rule.group in ("fails", "breaks", "blocks"))


@pytest.mark.parametrize("folder", sorted({path.parent for path in fixture_files()}), ids=lambda path: "/".join(path.parts[-2:]))
def test_a_folder_of_fixtures_belongs_to_a_rule(folder: Path) -> None:
    assert rule_id(folder) in rules()


@pytest.mark.parametrize("path", [each for each in FILES if Path(str(each.values[0])).name.startswith("bad")])
def test_a_bad_fixture_shows_its_own_rule(path: Path) -> None:
    fixture = read_fixture(path)
    assert fixture.rule in {each.rule for each in fixture.expectations}
    assert {each.rule for each in fixture.expectations} <= set(rules())
