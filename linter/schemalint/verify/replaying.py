"""A history on a server, statement by statement, with the transactions that its layout has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from schemalint.catalog.catalog import quoted
from schemalint.parse.statements import MetaCommand, Part, Statement, Unread
from schemalint.replay.step import Replayed
from schemalint.text import Span
from schemalint.verify.environment import Environment, schema_option, stub_of
from schemalint.verify.server import ServerError, first_line

if TYPE_CHECKING:
    import psycopg

    from schemalint.verify.server import Connection

SAVEPOINT = "schemalint_statement"


class Refused(msgspec.Struct, frozen=True):
    """A statement that the server answers with an error."""

    span: Span
    sqlstate: str
    message: str


class Skipped(msgspec.Struct, frozen=True):
    """A statement that is not sent to the server."""

    span: Span
    reason: str


class Applied(msgspec.Struct, frozen=True):
    """What became of a migration. What follows a refused statement is applied all the same, as the model does it."""

    refused: tuple[Refused, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def apply(connection: Connection, replayed: Replayed, environment: Environment) -> Applied:
    """A migration, in a session like a new one, or with the settings that the one before it has left."""
    connection.execute("DISCARD ALL")
    if not replayed.own_session:
        path = ", ".join(map(quoted, replayed.before.search_path)) or '""'
        connection.execute("SELECT pg_catalog.set_config('search_path', %s, false)", [path])
    if replayed.migration.transactional:
        connection.execute("BEGIN")
    refused: list[Refused] = []
    skipped: list[Skipped] = []
    for step in replayed.steps:
        part = step.statement
        outcome = _statement(connection, part, environment)
        if isinstance(outcome, Skipped):
            skipped.append(outcome)
        elif outcome is not None:
            refused.append(outcome)
    if replayed.steps and (failed := _end(connection, replayed.steps[-1].statement.span)):
        refused.append(failed)
    return Applied(tuple(refused), tuple(skipped))


def _statement(connection: Connection, part: Part, environment: Environment) -> Refused | Skipped | None:
    if isinstance(part, MetaCommand):
        return Skipped(part.span, f"\\{part.name} is a command of psql's")
    if isinstance(part, Unread):
        return Skipped(part.span, part.reason)
    if isinstance(part, Statement):
        if part.kind == "TransactionStmt":
            return _transaction(connection, part)
        if part.kind == "CopyStmt" and not part.node.get("filename"):
            return Skipped(part.span, "COPY of data that comes with the file")
        if part.kind == "CreateExtensionStmt" and part.node["extname"] not in environment.real:
            return _stub(connection, part, environment)
        if _of_stubbed_extension(part, environment):
            return None
    error = run(connection, part.span.text, isinstance(part, Statement) and returns_rows(part))
    return None if error is None else refusal(part.span, error)


def refusal(span: Span, error: psycopg.Error) -> Refused:
    return Refused(span, error.sqlstate or "XX000", first_line(error))


def returns_rows(statement: Statement) -> bool:
    node = statement.node
    return statement.kind == "SelectStmt" or bool(node.get("returningList") or node.get("returningClause"))


def run(connection: Connection, text: str, rows: bool = False) -> psycopg.Error | None:
    """The error that a statement is answered with; inside a transaction, which goes on after it."""
    import psycopg
    from psycopg.pq import TransactionStatus

    if connection.info.transaction_status is TransactionStatus.INERROR:
        connection.execute("ROLLBACK")
    inside = connection.info.transaction_status is TransactionStatus.INTRANS
    if inside:
        connection.execute(f"SAVEPOINT {SAVEPOINT}".encode())
    try:
        _send(connection, text, rows)
    except psycopg.Error as error:
        if connection.closed:
            raise ServerError(f"the server has ended the session: {first_line(error)}") from error
        _return_to_savepoint(connection, inside)
        return error
    if inside and connection.info.transaction_status is TransactionStatus.INTRANS:
        connection.execute(f"RELEASE SAVEPOINT {SAVEPOINT}".encode())
    return None


def _send(connection: Connection, text: str, rows: bool) -> None:
    query = text.replace("\0", "").encode("utf-8", "replace")
    if not rows:
        connection.execute(query)
        return
    with connection.cursor() as cursor:
        # Row by row: nobody looks at them, and there may be more than fit into memory.
        for _ in cursor.stream(query):
            pass


def _return_to_savepoint(connection: Connection, inside: bool) -> None:
    from psycopg.pq import TransactionStatus

    if inside and connection.info.transaction_status is not TransactionStatus.IDLE:
        connection.execute(f"ROLLBACK TO SAVEPOINT {SAVEPOINT}".encode())
        connection.execute(f"RELEASE SAVEPOINT {SAVEPOINT}".encode())


def _transaction(connection: Connection, statement: Statement) -> Refused | None:
    """BEGIN, COMMIT and their like, as they stand."""
    import psycopg

    try:
        connection.execute(statement.span.text.encode())
    except psycopg.Error as error:
        return refusal(statement.span, error)
    return None


def _end(connection: Connection, span: Span) -> Refused | None:
    """Commits what is open; a constraint that was deferred to the end may speak up."""
    import psycopg
    from psycopg.pq import TransactionStatus

    if connection.info.transaction_status is TransactionStatus.IDLE:
        return None
    try:
        connection.execute("COMMIT")
    except psycopg.Error as error:
        return refusal(span, error)
    return None


def _stub(connection: Connection, statement: Statement, environment: Environment) -> Refused | None:
    """Stands in for CREATE EXTENSION, in the schema that the extension would be in."""
    name = statement.node["extname"]
    text = stub_of(name)
    if name in environment.present or text is None:
        return None
    schema = schema_option(statement.node)
    before = (connection.execute("SELECT pg_catalog.current_setting('search_path')").fetchone() or ("",))[0]
    if schema is not None:
        connection.execute("SELECT pg_catalog.set_config('search_path', %s, false)", [quoted(schema)])
    error = run(connection, text)
    connection.execute("SELECT pg_catalog.set_config('search_path', %s, false)", [before])
    if error is None or error.sqlstate in ("42723", "42710", "42P07"):  # IF NOT EXISTS: an earlier one has made it
        return None
    return refusal(statement.span, error)


def _of_stubbed_extension(statement: Statement, environment: Environment) -> bool:
    """Whether a statement is about an extension that only seems to be there."""
    node = statement.node
    if statement.kind == "CommentStmt" and node.get("objtype") == "OBJECT_EXTENSION":
        name = node.get("object", {}).get("String", {}).get("sval")
    elif statement.kind in ("AlterExtensionStmt", "AlterExtensionContentsStmt"):
        name = node.get("extname")
    elif statement.kind == "DropStmt" and node.get("removeType") == "OBJECT_EXTENSION":
        return all(each.get("String", {}).get("sval") not in environment.real for each in node.get("objects") or ())
    else:
        return False
    return name not in environment.real
