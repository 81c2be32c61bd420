"""Every fixture on a real server: what is reported happens, what is not does not.

A `fails/` fixture cannot be applied, a `breaks/` one makes a probe raise, both with an SQLSTATE that the rule states; a
`loses/` one lets every write through and loses it. What is good applies, takes every write and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest

from schemalint.rule import load_rules
from tests.fixture_files import Fixture, Migration, fixture_files, in_one_transaction, read_fixture, statements
from tests.postgres import Connect, Connection, Server, sqlstate_of

LATER = ("drifts", "cutover", "decisions")  # groups whose proof has another form


@cache
def sqlstates() -> dict[str, tuple[str, ...]]:
    """What each rule says that PostgreSQL answers."""
    return {rule.id: rule.sqlstates for rule in load_rules()}


def fixtures(groups: tuple[str, ...], *, bad: bool) -> list[object]:
    """The fixtures as parameters; one that cannot be read is a failure of the tests of the format."""
    paths = (path for path in fixture_files() if path.parts[-3] in groups and path.name.startswith("bad") == bad)
    return [pytest.param(path, id="/".join((*path.parts[-3:-1], path.stem))) for path in paths]


def apply(connection: Connection, migration: Migration, refused: bool) -> str | None:
    """The SQLSTATE with which the migration is refused, None where it applies.

    What cannot run in a transaction runs outside one, unless it is expected to be refused: perhaps for that.
    """
    if not in_one_transaction(migration.sql) and not refused:
        return next((state for each in statements(migration.sql) if (state := sqlstate_of(connection, each))), None)
    connection.execute("BEGIN")
    state = sqlstate_of(connection, migration.sql)
    if state is None:
        return sqlstate_of(connection, "COMMIT")
    connection.execute("ROLLBACK")
    return state


def expected_to_fail(fixture: Fixture) -> list[str]:
    """The migrations that the fixture expects to be refused, in order."""
    fails = [each.migration for each in fixture.expectations if each.rule.startswith("fails/") and each.severity != "info"]
    return list(dict.fromkeys(fails))


def apply_all(connect: Connect, fixture: Fixture) -> dict[str, str]:
    """The migrations that are refused, each with its SQLSTATE. Each has a session of its own, as a runner would."""
    if fixture.setup:
        connect("postgres").execute(fixture.setup)
    refused, failing = {}, expected_to_fail(fixture)
    for migration in fixture.migrations:
        if migration.name in fixture.rows:
            connect().execute(fixture.rows[migration.name])
        state = apply(connect(), migration, migration.name in failing)
        if state:
            refused[migration.name] = state
    return refused


def probe(connect: Connect, fixture: Fixture) -> list[str | None]:
    """The server's answers to the probe: an SQLSTATE where it raises."""
    sessions: dict[str, Connection] = {}
    answers = []
    for each in fixture.probe:
        if each.user not in sessions:
            sessions[each.user] = connect(each.user)
        answers.append(sqlstate_of(sessions[each.user], each.sql))
    return answers


def lost(connect: Connect, fixture: Fixture) -> list[tuple[object, ...]]:
    return connect("postgres").execute(fixture.lost).fetchall() if fixture.lost else []


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
    assert all(not stated or state in stated for state in refused.values()), f"{refused}, where the rule states {stated}"


@pytest.mark.parametrize("path", fixtures(("breaks",), bad=True))
def test_breaks(postgres: Server, path: Path) -> None:
    with applied(postgres, path) as (fixture, connect):
        answers = probe(connect, fixture)
    stated = sqlstates()[fixture.rule]
    raised = [each for each in answers if each and (not stated or each in stated)]
    assert raised, f"the probe answers {answers}, where the rule states {stated}"


@pytest.mark.parametrize("path", fixtures(("loses",), bad=True))
def test_loses(postgres: Server, path: Path) -> None:
    with applied(postgres, path) as (fixture, connect):
        assert fixture.probe, "no probe"
        assert fixture.lost, "no query for what was lost"
        assert probe(connect, fixture) == [None] * len(fixture.probe)
        assert lost(connect, fixture), "nothing was lost"


@pytest.mark.parametrize("path", fixtures(("blocks",), bad=True))
def test_blocks(postgres: Server, path: Path) -> None:
    """While the last migration's transaction is open, a writer in another session waits for it."""
    fixture = read_fixture(path)
    *earlier, last = fixture.migrations
    with postgres.database() as connect:
        for migration in earlier:
            if migration.name in fixture.rows:
                connect().execute(fixture.rows[migration.name])
            assert apply(connect(), migration, refused=False) is None
        if last.name in fixture.rows:
            connect().execute(fixture.rows[last.name])
        running = connect()
        running.execute("BEGIN")
        running.execute(last.sql)
        writer = connect()
        writer.execute("SET lock_timeout = '100ms'")
        assert "55P03" in [sqlstate_of(writer, each.sql) for each in fixture.probe]
        running.execute("ROLLBACK")


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
        assert probe(connect, fixture) == [None] * len(fixture.probe)
        assert lost(connect, fixture) == []


def test_a_fixture_that_is_wrong_is_found_out(postgres: Server, tmp_path: Path) -> None:
    """The checks above can fail: a harmless write does not pass as broken, nor a broken migration as applied."""
    text = "-- 0001_a.sql\nCREATE TABLE a (id int); -- expect: breaks/required-column\n-- probe\nINSERT INTO a VALUES (1);\n"
    path = tmp_path / "breaks" / "required_column" / "bad.sql"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with applied(postgres, path) as (fixture, connect):
        assert probe(connect, fixture) == [None]
        assert sqlstate_of(connect(), "INSERT INTO a VALUES ('x')") == "22P02"
    path.write_text(text.replace("(id int)", "(id strange)"))
    with pytest.raises(AssertionError, match=r"not applied: .*42704"), applied(postgres, path):
        pass
    with postgres.database() as connect, pytest.raises(psycopg.errors.UndefinedTable):
        connect().execute("SELECT * FROM a")
