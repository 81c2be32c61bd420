"""The place a history is replayed in: its platform, roles and extensions, and its layout's transactions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from schemalint.catalog.catalog import empty_catalog
from schemalint.migrations.migration import History, Migration
from schemalint.migrations.sections import up_part
from schemalint.parse.statements import Statement
from schemalint.replay.replay import Replayed, replay_migration
from schemalint.text import Source
from schemalint.verify.environment import Environment, is_supabase, platform_sql, prelude_of, prepare, stub_of
from schemalint.verify.replaying import Applied, apply
from schemalint.verify.server import Server, embedded_binaries, started

USUAL_PATH = ("$user", "public")
STUBBED = """
CREATE EXTENSION IF NOT EXISTS "uuid-ossp";
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE EXTENSION citext;
CREATE EXTENSION IF NOT EXISTS citext;
COMMENT ON EXTENSION citext IS 'x';
CREATE EXTENSION moddatetime;
CREATE SCHEMA tools;
CREATE EXTENSION unaccent WITH SCHEMA tools;
CREATE TABLE a (id uuid PRIMARY KEY DEFAULT uuid_generate_v4(), token bytea DEFAULT gen_random_bytes(20),
  name citext, at timestamptz);
CREATE TRIGGER moved BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION moddatetime(at);
INSERT INTO a (name) VALUES (tools.unaccent('é'));
UPDATE a SET name = 'b';
"""
PLATFORM = """
CREATE TABLE profiles (id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
  key uuid DEFAULT extensions.uuid_generate_v4());
ALTER TABLE profiles ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON profiles FOR ALL TO authenticated USING (auth.uid() = id AND auth.role() = 'authenticated');
CREATE POLICY files ON storage.objects FOR SELECT TO anon USING (bucket_id = 'a' AND (storage.foldername(name))[1] = 'b');
GRANT SELECT ON profiles TO anon, authenticated, service_role;
ALTER TABLE profiles OWNER TO postgres;
CREATE FUNCTION handle() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS
  $$ BEGIN INSERT INTO public.profiles (id) VALUES (NEW.id); RETURN NEW; END $$;
CREATE TRIGGER made AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION public.handle();
ALTER PUBLICATION supabase_realtime ADD TABLE profiles;
INSERT INTO storage.buckets (id, name) VALUES ('a', 'a');
INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'a@example.com');
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with started(embedded_binaries(18)) as running:
        yield running


def history(*texts: str, root: str = ".") -> History:
    names = [f"{number}.sql" for number in range(len(texts))]
    made = (Migration(n, n[0], n, Source(n, text), up_part(text).transactional) for n, text in zip(names, texts, strict=True))
    return History(root, "flat", tuple(made))


def replays(of: History) -> list[Replayed]:
    catalog, found = empty_catalog(), []
    for each in of.migrations:
        found.append(replay_migration(catalog, each))
        catalog = found[-1].after
    return found


def run(server: Server, of: History, query: str = "SELECT") -> tuple[Environment, list[Applied], list[tuple[object, ...]]]:
    replayed = replays(of)
    parts = [s.statement for each in replayed for s in each.steps if isinstance(s.statement, Statement)]
    environment = prepare(server, of, parts, USUAL_PATH)
    with server.session(server.clone(environment.database)) as connection:
        applied = [apply(connection, each, environment) for each in replayed]
        return environment, applied, connection.execute(query.encode()).fetchall()


def test_extensions_that_the_server_lacks_are_stood_in_for_and_this_is_said(server: Server) -> None:
    query = "SELECT name, pg_catalog.octet_length(token), at IS NOT NULL FROM a"
    environment, applied, rows = run(server, history(STUBBED), query)
    assert applied == [Applied()]
    assert rows == [("b", 20, True)]
    said = "extension {} is not on the server; stand-ins of its common functions and types were used"
    assert environment.notes == tuple(map(said.format, ("citext", "moddatetime", "pgcrypto", "unaccent", "uuid-ossp")))


def test_an_extension_that_nothing_stands_in_for_is_named(server: Server) -> None:
    environment, applied, _ = run(server, history("CREATE EXTENSION pg_partman;"))
    assert environment.notes == ("extension pg_partman is not on the server, and nothing stands in for it",)
    assert applied == [Applied()]


def test_an_extension_that_only_brings_a_type_is_the_real_one(server: Server) -> None:
    text = "CREATE EXTENSION vector; CREATE TABLE a (v vector(2)); INSERT INTO a VALUES ('[1,2]');"
    environment, applied, rows = run(server, history(text), "SELECT v <-> '[1,2]' FROM a")
    assert (environment.notes, applied, rows) == ((), [Applied()], [(0.0,)])


def test_a_history_of_supabase_finds_its_platform(server: Server) -> None:
    environment, applied, rows = run(server, history(PLATFORM), "SELECT count(*) FROM profiles")
    assert applied == [Applied()]
    assert rows == [(1,)]
    assert environment.supabase


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (history("CREATE TABLE a (id int)"), False),
        (history("CREATE TABLE a (id int)", root="app/supabase/migrations"), True),
        (history("CREATE TABLE a (id int REFERENCES auth.users)"), True),
        (history("GRANT SELECT ON a TO authenticated"), True),
        (history("CREATE TABLE author.users_list (id int)"), False),
    ],
)
def test_the_platform_is_told_by_the_folder_or_by_names(of: History, expected: bool) -> None:
    assert is_supabase(of) is expected
    assert (prelude_of(of) == platform_sql()) is expected


def test_roles_that_a_history_names_and_does_not_make_are_there(server: Server) -> None:
    text = 'CREATE TABLE a (id int); GRANT SELECT ON a TO reporting; ALTER TABLE a OWNER TO "Chief"; GRANT ALL ON a TO public;'
    assert run(server, history(text))[1] == [Applied()]


def test_a_role_that_the_history_makes_is_left_to_it(server: Server) -> None:
    text = "CREATE ROLE made_here; CREATE TABLE a (id int); GRANT SELECT ON a TO made_here;"
    assert run(server, history(text))[1] == [Applied()]


def test_what_is_refused_is_told_and_does_not_stop_what_follows(server: Server) -> None:
    _, applied, rows = run(
        server,
        history("CREATE TABLE a (id int);\nDROP TABLE missing;\nCREATE TABLE b (id int);"),
        "SELECT to_regclass('b')::text",
    )
    assert [(each.sqlstate, each.message, each.span.text) for each in applied[0].refused] == [
        ("42P01", 'table "missing" does not exist', "DROP TABLE missing")
    ]
    assert rows == [("b",)]


def test_transactions_are_those_of_the_layout_and_of_the_file(server: Server) -> None:
    """An enum label cannot be used in the transaction that adds it, an index not be made concurrently in any."""
    texts = [
        "CREATE TYPE mood AS ENUM ('a'); CREATE TABLE a (mood mood);",
        "ALTER TYPE mood ADD VALUE 'b'; INSERT INTO a VALUES ('b');",
        "ALTER TYPE mood ADD VALUE 'c'; COMMIT; INSERT INTO a VALUES ('c');",
    ]
    _, applied, _ = run(server, history(*texts))
    assert [[each.sqlstate for each in one.refused] for one in applied] == [[], ["55P04"], []]
    _, applied, _ = run(server, history("CREATE TABLE a (id int);", "CREATE INDEX CONCURRENTLY i ON a (id);"))
    assert applied == [Applied(), Applied()]


def test_a_constraint_that_speaks_at_the_end_is_heard(server: Server) -> None:
    tables = "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE a (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);"
    _, applied, rows = run(server, history(tables, "INSERT INTO a VALUES (1);"), "SELECT * FROM a")
    assert [each.sqlstate for each in applied[1].refused] == ["23503"]
    assert rows == []


def test_settings_end_with_the_migration(server: Server) -> None:
    texts = ("SET search_path = x; SET ROLE postgres; CREATE TEMP TABLE t (id int);", "CREATE TABLE a (id int);")
    _, applied, rows = run(server, history(*texts), "SELECT to_regclass('public.a')::text")
    assert applied[1] == Applied()
    assert rows == [("a",)]


def test_what_psql_alone_knows_is_not_run(server: Server) -> None:
    _, applied, _ = run(server, history("\\! touch /nowhere\nCREATE TABLE a (id int);\nCOPY a FROM stdin;\n1\n\\.\n"))
    assert [each.reason for each in applied[0].skipped] == [
        "\\! is a command of psql's",
        "COPY of data that comes with the file",
    ]


def test_rows_of_a_select_are_not_kept(server: Server) -> None:
    """A result larger than what may be held at once."""
    _, applied, _ = run(server, history("SELECT repeat('x', 1000) FROM generate_series(1, 300000);"))
    assert applied == [Applied()]


def test_every_stand_in_can_be_made(server: Server) -> None:
    from schemalint.verify.environment import HERE

    names = sorted(each.stem for each in (HERE / "stubs").glob("*.sql"))
    text = "".join(f'CREATE EXTENSION "{name}";\n' for name in names if name != "vector")
    assert run(server, history(text))[1] == [Applied()]
    assert stub_of("../platforms/supabase") is None
