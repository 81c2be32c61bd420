"""Hostile migrations: each of these is answered with an error, and the run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemalint.catalog.catalog import empty_catalog
from schemalint.migrations.migration import History, Migration
from schemalint.parse.statements import Statement
from schemalint.replay.replay import Replayed, replay_migration
from schemalint.text import Source
from schemalint.verify.environment import Environment, prepare
from schemalint.verify.replaying import Applied, apply
from schemalint.verify.server import OWNER, SUPERUSER, Server, embedded_binaries, started
from schemalint.verify.shape import Shapes

DEFINER = """
CREATE FUNCTION rise() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN {body} END $$;
SELECT rise();
"""
REFUSED = {
    "a program": "COPY (SELECT 1) TO PROGRAM 'touch {file}';",
    "a program's output": "CREATE TABLE t (a text); COPY t FROM PROGRAM 'id';",
    "a file written": "COPY (SELECT 1) TO '{file}';",
    "a file read": "CREATE TABLE t (a text); COPY t FROM '/etc/passwd';",
    "a file read by a function": "SELECT pg_read_file('/etc/passwd');",
    "a directory listed": "SELECT pg_ls_dir('/');",
    "a large object written": "SELECT lo_export(lo_from_bytea(0, 'x'), '{file}');",
    "a large object read": "SELECT lo_import('/etc/passwd');",
    "dblink": "CREATE EXTENSION dblink; SELECT dblink_connect('user={superuser}');",
    "a foreign server": "CREATE EXTENSION postgres_fdw; CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw;",
    "files as tables": "CREATE EXTENSION file_fdw; CREATE SERVER s FOREIGN DATA WRAPPER file_fdw;",
    "an untrusted language": "CREATE EXTENSION plpython3u; CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'return 1';",
    "a library": "CREATE FUNCTION f(int) RETURNS int LANGUAGE c AS '$libdir/plpgsql', 'x';",
    "a library loaded": "LOAD '/tmp/x.so';",
    "the server's settings": "ALTER SYSTEM SET archive_command = 'id';",
    "settings of a superuser": "SET session_preload_libraries = 'x';",
    "the superuser's role": "SET ROLE {superuser};",
    "the superuser's session": "SET SESSION AUTHORIZATION {superuser};",
    "a superuser's rights": "ALTER ROLE {owner} SUPERUSER;",
    "a superuser made": "CREATE ROLE root SUPERUSER LOGIN;",
    "membership of the superuser": "GRANT {superuser} TO {owner};",
    "membership of who runs programs": "GRANT pg_execute_server_program TO {owner};",
    "a catalog written": "UPDATE pg_catalog.pg_authid SET rolsuper = true;",
    "a definer that rises": DEFINER.replace("{body}", "ALTER ROLE {owner} SUPERUSER;"),
    "a definer that runs a program": DEFINER.replace("{body}", "COPY (SELECT 1) TO PROGRAM 'touch {file}';"),
    "an event trigger": "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION suppress_redundant_updates_trigger();",
    "a function of the catalog": "ALTER FUNCTION pg_catalog.length(text) IMMUTABLE;",
    "a table space": "CREATE TABLESPACE t LOCATION '/tmp';",
    "another database": "CREATE DATABASE other;",
    "no limit on files": "SET temp_file_limit = -1;",
    "a subscription": "CREATE SUBSCRIPTION s CONNECTION 'user={superuser}' PUBLICATION p;",
    "a prepared transaction": "PREPARE TRANSACTION 'x';",
}  # fmt: skip
SHADOWS = """
CREATE SCHEMA evil;
CREATE FUNCTION public.to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS $$ SELECT 'null'::jsonb $$;
CREATE FUNCTION public.age(xid) RETURNS int LANGUAGE sql AS $$ SELECT 1 / 0 $$;
CREATE FUNCTION public.unnest(smallint[]) RETURNS SETOF smallint LANGUAGE sql AS $$ SELECT 1::smallint WHERE false $$;
CREATE FUNCTION public.never(name, name) RETURNS bool LANGUAGE sql AS $$ SELECT 1 / 0 = 1 $$;
CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = name, FUNCTION = public.never);
CREATE FUNCTION public.no(int, int) RETURNS bool LANGUAGE sql AS $$ SELECT 1 / 0 = 1 $$;
CREATE OPERATOR public.<= (LEFTARG = int, RIGHTARG = int, FUNCTION = public.no);
CREATE TABLE public.pg_class (oid oid, relname name);
CREATE TABLE public.kept (id int PRIMARY KEY);
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with started(embedded_binaries(18)) as running:
        yield running


@pytest.fixture(scope="module")
def environment(server: Server) -> Environment:
    return prepare(server, History(".", "flat", ()), [], ("$user", "public"))


def replayed(text: str) -> Replayed:
    return replay_migration(empty_catalog(), Migration("1.sql", "1", "1.sql", Source("1.sql", text)))


def applied(server: Server, environment: Environment, text: str) -> tuple[Applied, list[tuple[object, ...]]]:
    """What becomes of a migration that is followed by a harmless statement, and whether that one was run."""
    with server.session(server.clone(environment.database)) as connection:
        result = apply(connection, replayed(text + "\n;CREATE TABLE public.went_on (id int);"), environment)
        rows = connection.execute(
            "SELECT pg_catalog.to_regclass('public.went_on') IS NOT NULL, pg_catalog.current_setting('is_superuser')"
        ).fetchall()
    return result, rows


@pytest.mark.parametrize("name", REFUSED)
def test_what_reaches_beyond_the_database_is_refused_and_the_run_goes_on(
    server: Server, environment: Environment, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "made"
    text = REFUSED[name].replace("{file}", str(file)).replace("{superuser}", SUPERUSER).replace("{owner}", OWNER)
    result, rows = applied(server, environment, text)
    assert result.refused, "nothing was refused"
    assert rows == [(True, "off")]
    assert not file.exists()


def test_the_role_that_dumps_name_is_the_replaying_one_and_no_superuser(server: Server, environment: Environment) -> None:
    """SET ROLE postgres stands in many dumps; here it is allowed, and of no use."""
    result, rows = applied(server, environment, "SET ROLE postgres; COPY (SELECT 1) TO PROGRAM 'id';")
    assert [each.sqlstate for each in result.refused] == ["42501"]
    assert rows == [(True, "off")]


def test_names_of_the_catalog_that_a_migration_takes_do_not_reach_the_tool(server: Server, environment: Environment) -> None:
    database = server.clone(environment.database)
    with server.session(database) as connection:
        shadows = "ALTER ROLE postgres SET search_path = evil, public, pg_catalog;\n" + SHADOWS
        assert not apply(connection, replayed(shadows), environment).refused
    with server.session(database) as connection:
        shape = Shapes(connection).named("public", "kept")
    with server.session(database) as connection:
        connection.execute("ALTER ROLE postgres RESET search_path")
    assert shape is not None
    assert shape.keys == (("id",),)


def test_every_statement_of_the_hostile_ones_is_read(tmp_path: Path) -> None:
    """So that none of them is refused for its spelling."""
    for text in REFUSED.values():
        filled = text.replace("{file}", str(tmp_path)).replace("{superuser}", SUPERUSER).replace("{owner}", OWNER)
        assert all(isinstance(each.statement, Statement) for each in replayed(filled).steps)
