"""Every fixture on a real server: what is reported happens, what is not does not.

A `fails/` fixture cannot be applied, a `breaks/` one makes a probe raise, both with an SQLSTATE that the rule states; a
`loses/` one lets every write through and loses it. What is good applies, takes every write and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest

from schemalint.rule import load_rules
from tests.applying import apply_all, expected_to_fail, lost, probe, probe_meanwhile
from tests.fixture_files import Fixture, fixture_files, read_fixture
from tests.postgres import Answer, Connect, Server, sqlstate_of

LATER = ("drifts", "cutover", "decisions")  # groups whose proof has another form


@cache
def sqlstates() -> dict[str, tuple[str, ...]]:
    """What each rule says that PostgreSQL answers."""
    return {rule.id: rule.sqlstates for rule in load_rules()}


def fixtures(groups: tuple[str, ...], *, bad: bool) -> list[object]:
    """The fixtures as parameters; one that cannot be read is a failure of the tests of the format."""
    paths = (path for path in fixture_files() if path.parts[-3] in groups and path.name.startswith("bad") == bad)
    return [pytest.param(path, id="/".join((*path.parts[-3:-1], path.stem))) for path in paths]


def sqlstates_in(answers: Iterable[Answer]) -> list[str | None]:
    return [each.sqlstate for each in answers]


@contextmanager
def applied(server: Server, path: Path) -> Iterator[tuple[Fixture, Connect]]:
    """A database in which everything was applied that the fixture does not expect to fail."""
    fixture = read_fixture(path)
    with server.database() as connect:
        refused = apply_all(connect, fixture)
        assert refused.keys() <= set(expected_to_fail(fixture)), f"not applied: {refused}"
        yield fixture, connect


@pytest.mark.parametrize("path", fixtures(("fails",), bad=True))
def test_cannot_be_applied(postgres: Server, path: Path) -> None:
    fixture = read_fixture(path)
    with postgres.database() as connect:
        refused = apply_all(connect, fixture)
    assert list(refused) == expected_to_fail(fixture)
    stated = sqlstates()[fixture.rule]
    assert all(not stated or each.sqlstate in stated for each in refused.values()), f"{refused}, where the rule states {stated}"


@pytest.mark.parametrize("path", fixtures(("breaks",), bad=True))
def test_breaks(postgres: Server, path: Path) -> None:
    with applied(postgres, path) as (fixture, connect):
        answers = sqlstates_in(probe(connect, fixture))
    stated = sqlstates()[fixture.rule]
    raised = [each for each in answers if each and (not stated or each in stated)]
    assert raised, f"the probe answers {answers}, where the rule states {stated}"


@pytest.mark.parametrize("path", fixtures(("loses",), bad=True))
def test_loses(postgres: Server, path: Path) -> None:
    with applied(postgres, path) as (fixture, connect):
        assert fixture.probe, "no probe"
        assert fixture.lost, "no query for what was lost"
        assert sqlstates_in(probe(connect, fixture)) == [None] * len(fixture.probe)
        assert lost(connect, fixture), "nothing was lost"


@pytest.mark.parametrize("path", fixtures(("blocks",), bad=True))
def test_blocks(postgres: Server, path: Path) -> None:
    """While the last migration's transaction is open, a writer in another session waits for it."""
    fixture = read_fixture(path)
    with postgres.database() as connect:
        assert "55P03" in sqlstates_in(probe_meanwhile(connect, fixture))


@pytest.mark.parametrize("path", fixtures(("exposes",), bad=True))
def test_exposes(postgres: Server, path: Path) -> None:
    """The probe does what it should not be able to, and the query of what was "lost" shows what it got at."""
    with applied(postgres, path) as (fixture, connect):
        assert fixture.lost, "no query for what was exposed"
        probe(connect, fixture)
        assert lost(connect, fixture), "nothing was exposed"


@pytest.mark.parametrize("path", fixtures(LATER, bad=True))
def test_applies(postgres: Server, path: Path) -> None:
    with applied(postgres, path):
        pass


@pytest.mark.parametrize("path", fixtures(("fails", "breaks", "loses", "blocks", "exposes", *LATER), bad=False))
def test_does_none_of_it(postgres: Server, path: Path) -> None:
    fixture = read_fixture(path)
    with postgres.database() as connect:
        assert apply_all(connect, fixture) == {}
        if fixture.group in ("breaks", "loses"):
            assert fixture.probe, "no probe"
        assert sqlstates_in(probe(connect, fixture)) == [None] * len(fixture.probe)
        assert lost(connect, fixture) == []


def test_a_fixture_that_is_wrong_is_found_out(postgres: Server, tmp_path: Path) -> None:
    """The checks above can fail: a harmless write does not pass as broken, nor a broken migration as applied."""
    text = "-- 0001_a.sql\nCREATE TABLE a (id int); -- expect: breaks/required-column\n-- probe\nINSERT INTO a VALUES (1);\n"
    path = tmp_path / "breaks" / "required_column" / "bad.sql"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with applied(postgres, path) as (fixture, connect):
        assert sqlstates_in(probe(connect, fixture)) == [None]
        assert sqlstate_of(connect(), "INSERT INTO a VALUES ('x')") == "22P02"
    path.write_text(text.replace("(id int)", "(id strange)"))
    with pytest.raises(AssertionError, match=r"not applied: .*42704"), applied(postgres, path):
        pass
    with postgres.database() as connect, pytest.raises(psycopg.errors.UndefinedTable):
        connect().execute("SELECT * FROM a")
