"""The place that a history was written for: its platform's schemas, its roles, and the extensions that it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from re import compile as pattern
from re import escape
from typing import TYPE_CHECKING, Any

import msgspec

from schemalint.catalog.catalog import quoted
from schemalint.migrations.migration import History
from schemalint.parse.statements import Statement
from schemalint.verify.server import Server, ServerError, first_line

if TYPE_CHECKING:
    from schemalint.verify.server import Connection

HERE = Path(__file__).parent
SUPABASE_FOLDER = "supabase/migrations"
SUPABASE_NAMES = pattern(
    r"\bauth\s*\.\s*(?:users|uid|jwt|role|email|identities|sessions)\b|\bstorage\s*\.\s*(?:objects|buckets|foldername)\b"
    r"|\brealtime\s*\.\s*\w|\bsupabase_\w+|\bservice_role\b|\b(?:TO|FROM)\s+(?:anon|authenticated)\b"
)
SUPABASE_EXTENSIONS = ("uuid-ossp", "pgcrypto")  # every project has them, in the schema extensions
SUPABASE_PATH = ('"$user"', "public", "extensions")
HARMLESS = ("vector",)  # untrusted ones that do nothing but bring a type; all others that are untrusted are stubbed
WITH_ROLES = frozenset((
    "GrantStmt", "GrantRoleStmt", "AlterOwnerStmt", "CreatePolicyStmt", "AlterPolicyStmt", "AlterDefaultPrivilegesStmt",
    "AlterRoleStmt", "AlterRoleSetStmt", "CreateSchemaStmt", "AlterTableStmt", "ReassignOwnedStmt",
))  # fmt: skip
MADE_BY_STUB = pattern(r"CREATE (?:FUNCTION|DOMAIN) (\w+)")
RESERVED_ROLES = ("public", "none", "postgres")


class Environment(msgspec.Struct, frozen=True):
    """A database in which the history can begin, and what stands in it for something else."""

    database: str
    prelude: str  # the SQL that was run in it, and more that psql needs to make the same elsewhere
    supabase: bool
    real: frozenset[str]  # extensions that the history's own CREATE EXTENSION gets
    present: frozenset[str]  # extensions that are there before the history begins
    notes: tuple[str, ...]


def is_supabase(history: History) -> bool:
    if history.root.rstrip("/").endswith(SUPABASE_FOLDER):
        return True
    return any(SUPABASE_NAMES.search(each.source.text) for each in history.migrations)


def prelude_of(history: History) -> str:
    """What is run before the history, for all that can be told without a server."""
    return platform_sql() if is_supabase(history) else "-- nothing: this history names no platform's objects\n"


def platform_sql() -> str:
    return (HERE / "platforms" / "supabase.sql").read_text("utf-8")


def stub_of(extension: str) -> str | None:
    """SQL that stands in for an extension; None where there is none of it."""
    known = {each.stem: each for each in (HERE / "stubs").glob("*.sql")}
    return known[extension].read_text("utf-8") if extension in known else None


def prepare(server: Server, history: History, statements: Iterable[Statement], search_path: tuple[str, ...]) -> Environment:
    """A database for the history, made before any of its SQL has run. Raises ServerError."""
    found = list(statements)
    wanted = dict(_extensions(found))
    supabase = is_supabase(history)
    database = server.clone()
    path = ", ".join(SUPABASE_PATH if supabase and search_path == ("$user", "public") else map(_quoted_schema, search_path))
    settings = [f"search_path = {path}", *(["createrole_self_grant = 'set, inherit'"] if server.version >= 16 else [])]
    server.administer([f"ALTER ROLE {quoted(server.owner)} SET {each}" for each in settings])
    prelude, present = [], ["plpgsql"]
    with server.session(database) as connection:
        trusted = _trusted(connection)
        if supabase:
            _run(connection, platform_sql())
            prelude.append(platform_sql())
            for each in SUPABASE_EXTENSIONS:
                text = _in_schema(each, "extensions", each in trusted)
                _run(connection, text)
                prelude.append(text)
                present.append(each)
        made = {each.node["role"] for each in found if each.kind == "CreateRoleStmt"}
        for role in sorted(set(_roles(found)) - made - server.roles):
            # To own something there, a role needs CREATE on its schema; on the history's own server it has it.
            text = f"CREATE ROLE {quoted(role)} NOLOGIN;\nGRANT ALL ON SCHEMA public TO {quoted(role)};\n"
            _run(connection, text)
            prelude.append(text)
    for each in HARMLESS:
        if each in wanted and server.superuser and _installed(server, database, each, wanted[each], supabase):
            present.append(each)
            prelude.append(f"CREATE EXTENSION IF NOT EXISTS {quoted(each)};\n")
    return Environment(
        database, "\n".join(prelude), supabase, frozenset(trusted), frozenset(present),
        tuple(_notes(wanted, trusted, present, history)),
    )  # fmt: skip


def _quoted_schema(name: str) -> str:
    return '"$user"' if name == "$user" else quoted(name)


def _run(connection: Connection, text: str) -> None:
    import psycopg

    try:
        connection.execute(text.encode())
    except psycopg.Error as error:
        raise ServerError(f"the prelude cannot be run: {first_line(error)}") from error


def _in_schema(extension: str, schema: str, real: bool) -> str:
    if real:
        return f"CREATE EXTENSION IF NOT EXISTS {quoted(extension)} WITH SCHEMA {quoted(schema)};\n"
    return f"SET search_path = {quoted(schema)};\n{stub_of(extension) or ''}RESET search_path;\n"


def _trusted(connection: Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM pg_catalog.pg_available_extension_versions WHERE trusted").fetchall()
    return {str(name) for (name,) in rows}


def _installed(server: Server, database: str, extension: str, schema: str | None, supabase: bool) -> bool:
    """Whether an untrusted extension that does no harm could be made, by the superuser."""
    import psycopg
    from psycopg import sql

    place = schema if schema == "extensions" and supabase else "public"
    statement = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} WITH SCHEMA {}")
    with server.preparing(database) as connection:
        try:
            connection.execute(statement.format(sql.Identifier(extension), sql.Identifier(place)))
        except psycopg.Error:
            return False
    return True


def _extensions(statements: Iterable[Statement]) -> Iterator[tuple[str, str | None]]:
    for each in statements:
        if each.kind == "CreateExtensionStmt":
            yield each.node["extname"], schema_option(each.node)


def schema_option(node: Mapping[str, Any]) -> str | None:
    """The schema that CREATE EXTENSION … SCHEMA names."""
    for each in node.get("options") or ():
        option = each["DefElem"]
        if option["defname"] == "schema":
            return str(option["arg"]["String"]["sval"])
    return None


def _roles(statements: Iterable[Statement]) -> Iterator[str]:
    """The roles that the history names in passing."""
    for each in statements:
        if each.kind in WITH_ROLES:
            for name in _role_names(each.node):
                if name not in RESERVED_ROLES and not name.startswith("pg_"):
                    yield name


def _role_names(tree: Any) -> Iterator[str]:
    stack = [tree]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            if each.get("roletype") == "ROLESPEC_CSTRING" and "rolename" in each:
                yield each["rolename"]
            stack.extend(value for value in each.values() if isinstance(value, dict | list))
        elif isinstance(each, list):
            stack.extend(each)


def _notes(wanted: Iterable[str], real: set[str], present: Iterable[str], history: History) -> Iterator[str]:
    """Which extensions the history gets in name only."""
    there = set(present) - set(SUPABASE_EXTENSIONS)
    for each in sorted({*wanted, *SUPABASE_EXTENSIONS} - real - there):
        stub = stub_of(each)
        if stub is None:
            yield f"extension {each} is not on the server, and nothing stands in for it"
        elif each in wanted or _calls(history, MADE_BY_STUB.findall(stub)):
            yield f"extension {each} is not on the server; stand-ins of its common functions and types were used"


def _calls(history: History, names: Iterable[str]) -> bool:
    called = pattern(r"\b(?:" + "|".join(map(escape, names)) + r")\s*\(")
    return any(called.search(each.source.text) for each in history.migrations)
