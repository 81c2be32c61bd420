"""Fixtures put to a server: their migrations in order, then the writes that prove them."""

from __future__ import annotations

from tests.fixture_files import Fixture, Migration, in_one_transaction, statements
from tests.postgres import Answer, Connect, Connection, answer_of


def apply(connection: Connection, migration: Migration, refused: bool) -> Answer:
    """The error with which the migration is refused, or the answer to its last statement.

    What cannot run in a transaction runs outside one, unless it is expected to be refused: perhaps for that.
    """
    if not in_one_transaction(migration.sql) and not refused:
        answer = Answer(None, "")
        for each in statements(migration.sql):
            answer = answer_of(connection, each)
            if answer.sqlstate is not None:
                break
        return answer
    connection.execute("BEGIN")
    answer = answer_of(connection, migration.sql)
    if answer.sqlstate is None:
        return answer_of(connection, "COMMIT")
    connection.execute("ROLLBACK")
    return answer


def expected_to_fail(fixture: Fixture) -> list[str]:
    """The migrations that the fixture expects to be refused, in order."""
    fails = [each.migration for each in fixture.expectations if each.rule.startswith("fails/") and each.severity != "info"]
    return list(dict.fromkeys(fails))


def apply_all(connect: Connect, fixture: Fixture) -> dict[str, Answer]:
    """The migrations that are refused, each with the server's answer. Each has a session of its own, as a runner would."""
    if fixture.setup:
        connect("postgres").execute(fixture.setup)
    refused, failing = {}, expected_to_fail(fixture)
    for migration in fixture.migrations:
        if migration.name in fixture.rows:
            connect().execute(fixture.rows[migration.name])
        answer = apply(connect(), migration, migration.name in failing)
        if answer.sqlstate is not None:
            refused[migration.name] = answer
    return refused


def probe(connect: Connect, fixture: Fixture) -> list[Answer]:
    """The server's answers to the probe."""
    sessions: dict[str, Connection] = {}
    answers = []
    for each in fixture.probe:
        if each.user not in sessions:
            sessions[each.user] = connect(each.user)
        answers.append(answer_of(sessions[each.user], each.sql))
    return answers


def probe_meanwhile(connect: Connect, fixture: Fixture) -> list[Answer]:
    """The server's answers to the probe of a writer who is impatient, while the last migration's transaction is open."""
    *earlier, last = fixture.migrations
    for migration in earlier:
        if migration.name in fixture.rows:
            connect().execute(fixture.rows[migration.name])
        assert apply(connect(), migration, refused=False).sqlstate is None
    if last.name in fixture.rows:
        connect().execute(fixture.rows[last.name])
    running = connect()
    running.execute("BEGIN")
    running.execute(last.sql)
    writer = connect()
    writer.execute("SET lock_timeout = '100ms'")
    answers = [answer_of(writer, each.sql) for each in fixture.probe]
    running.execute("ROLLBACK")
    return answers


def lost(connect: Connect, fixture: Fixture) -> list[tuple[object, ...]]:
    return connect("postgres").execute(fixture.lost).fetchall() if fixture.lost else []
