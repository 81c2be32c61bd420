"""Scratch databases on a server that is there already: made and dropped beside the named one, which is only connected to."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from schemalint.verify.server import ROLE_SETTINGS, Server, ServerError, connected, first_line, guarded

if TYPE_CHECKING:
    from psycopg import sql

OLDEST = 13  # DROP DATABASE … WITH (FORCE)
RIGHTS = (
    "SELECT rolsuper, rolsuper OR rolcreatedb, rolsuper OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user"
)


@contextmanager
def on_existing(url: str) -> Iterator[Server]:
    """A server that somebody else runs; what this run makes on it is dropped at its end. Raises ServerError."""
    admin = _parameters(url)
    superuser, version = _rights(admin)
    prefix = f"schemalint_{secrets.token_hex(6)}_"
    owner = f"{prefix}owner"
    password = secrets.token_hex(16)
    order = {"admin": dict(admin), "prefix": prefix, "owner": owner}
    with guarded(Path(__file__).with_name("sweeper.py"), order, isolated=False):
        login = {key: value for key, value in admin.items() if key not in ("passfile", "service", "sslpassword")}
        server = Server(admin, {**login, "user": owner, "password": password}, prefix, superuser=False)
        try:
            server.administer(_owner_statements(owner, password, superuser, version))
            yield server
        finally:
            server.close()


def _parameters(url: str) -> Mapping[str, str]:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        parameters = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.Error as error:
        # What libpq says of it may quote it, and with it a password.
        raise ServerError("--database: this is no connection URL (postgresql://user@host/database)") from error
    return parameters


def _rights(admin: Mapping[str, str]) -> tuple[bool, int]:
    """Whether the user is a superuser, and the server's major version."""
    import psycopg

    try:
        with contextlib.closing(connected(admin)) as connection:
            row = connection.execute(RIGHTS).fetchone() or (False, False, False)
            version = connection.info.server_version // 10000
    except psycopg.Error as error:
        raise ServerError(f"--database: no connection ({_without_password(first_line(error), admin)})") from error
    superuser, may_make_databases, may_make_roles = row
    if version < OLDEST:
        raise ServerError(f"--database: PostgreSQL {version} is too old; {OLDEST} or newer is needed")
    if not (may_make_databases and may_make_roles):
        raise ServerError("--database: its user needs CREATEDB and CREATEROLE, to make a scratch database and a role for it")
    return bool(superuser), version


def _without_password(message: str, admin: Mapping[str, str]) -> str:
    password = admin.get("password")
    return message.replace(password, "***") if password else message


def _owner_statements(owner: str, password: str, superuser: bool, version: int) -> list[sql.Composed]:
    from psycopg import sql

    name = sql.Identifier(owner)
    # Before 16, CREATEROLE reaches every role that is no superuser's: also those that are not of this run.
    options = [*([sql.SQL("CREATEROLE")] if version >= 16 else []), *([sql.SQL("BYPASSRLS")] if superuser else [])]
    made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} {}").format(name, sql.Literal(password), sql.SQL(" ").join(options))
    statements: list[sql.Composed] = [made]
    if not superuser:
        statements.append(sql.SQL("GRANT {} TO CURRENT_USER").format(name))
    limits = {**ROLE_SETTINGS, **({"temp_file_limit": "256MB"} if superuser else {})}
    for setting, value in limits.items():
        statements.append(sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.Identifier(setting), sql.Literal(value)))
    return statements
