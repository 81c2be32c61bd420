"""The SQL that a finding offers: put in, it ends the finding, and brings no error about."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from schemalint.finding import Finding, Severity
from tests.fixture_files import FOLDER, Fixture, Migration, read_fixture
from tests.test_rules import findings

RULES = Path(__file__).parents[1] / "rules"
WITH_FIX = sorted(each for each in RULES.glob("*/*.py") if "fix=" in each.read_text(encoding="utf-8"))
FILES = [path for rule in WITH_FIX for path in sorted((FOLDER / rule.parent.name / rule.stem).glob("bad*.sql"))]


def test_some_rules_offer_one() -> None:
    assert len(FILES) >= len(WITH_FIX) >= 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join((*path.parts[-3:-1], path.stem)))
def test_what_is_offered_ends_the_finding(path: Path, tmp_path: Path) -> None:
    fixture = read_fixture(path)
    rule = f"{path.parts[-3]}/{path.parts[-2].replace('_', '-')}"
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
    before = findings(tmp_path / "before", fixture, ())
    offered = [each for each in before if each.rule == rule and each.fix is not None]
    assert offered
    after = findings(tmp_path / "after", fixed(fixture, offered), ())
    assert not [each.message for each in after if each.rule == rule and each.message in {one.message for one in offered}]
    assert errors(after) <= errors(before)


def errors(found: tuple[Finding, ...]) -> set[tuple[str, str]]:
    return {(each.rule, each.message) for each in found if each.severity is Severity.ERROR}


def fixed(fixture: Fixture, offered: list[Finding]) -> Fixture:
    """The fixture with what the findings offer, from the last place to the first."""
    migrations = []
    for name, sql in fixture.migrations:
        mine = [each.fix for each in offered if Path(each.span.source.path).name == name and each.fix is not None]
        for fix in sorted(mine, key=lambda each: each.offset, reverse=True):
            sql = sql[: fix.offset] + fix.text + sql[fix.offset :]
        migrations.append(Migration(name, sql))
    return dataclasses.replace(fixture, migrations=tuple(migrations))
