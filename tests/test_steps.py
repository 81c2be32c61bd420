"""The steps that `breaks/required-column` offers as SQL: after them the writes succeed, on a real server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.applying import apply_all, probe
from tests.fixture_files import FOLDER, read_fixture
from tests.postgres import Server, sqlstate_of
from tests.test_rules import findings

FILES = sorted((FOLDER / "breaks" / "required_column").glob("bad*.sql"))
NUMBER = re.compile(r"^(?:\d\. |   )", re.MULTILINE)
OFFERED: list[str] = []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_steps_apply_and_end_it(path: Path, postgres: Server, tmp_path: Path) -> None:
    fixture = read_fixture(path)
    helps = [each.help or "" for each in findings(tmp_path, fixture, ()) if each.rule == "breaks/required-column"]
    steps = [each.partition("\n")[2] for each in helps if each.startswith("in three steps")]
    OFFERED.extend(steps)
    if len(steps) != len(helps):
        return  # told in words
    with postgres.database() as connect:
        apply_all(connect, fixture)
        assert "23502" in [each.sqlstate for each in probe(connect, fixture)]
        for each in steps:
            assert sqlstate_of(connect(), NUMBER.sub("", each)) is None, each
        assert "23502" not in [each.sqlstate for each in probe(connect, fixture)]


def test_most_fixtures_get_steps() -> None:
    assert len(OFFERED) >= len(FILES) / 2
