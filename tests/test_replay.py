"""The replay: what statements make of the catalog, statement by statement."""

from __future__ import annotations

from typing import Any

import pytest

from schemalint.catalog.catalog import Catalog, empty_catalog
from schemalint.catalog.model import ConstraintKind, Relation, Rows
from schemalint.parse.statements import Statement
from schemalint.replay.replay import Replayed, command_span, replay_migration
from schemalint.text import Source


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEMALINT_STRICT", "1")


def migration(text: str, path: str = "migration.sql", transactional: bool = True) -> Any:
    from schemalint.migrations.migration import Migration

    return Migration(path=path, version="1", name=path, source=Source(path, text), transactional=transactional)


def replay(*texts: str, transactional: bool = True) -> Replayed:
    """The last of these migrations, replayed after the others."""
    catalog = empty_catalog()
    for text in texts:
        replayed = replay_migration(catalog, migration(text, transactional=transactional))
        catalog = replayed.after
    return replayed


def table(catalog: Catalog, name: str) -> Relation:
    found = catalog.find_relation("public", name)
    assert found is not None
    return found


def test_spans_of_columns_and_constraints() -> None:
    text = """CREATE TABLE t (
  id int PRIMARY KEY, -- the key, of course
  a text NOT NULL DEFAULT 'x, y' CHECK (a <> ')'), /* , */
  CONSTRAINT u UNIQUE (id, a)
);"""
    relation = table(replay(text).after, "t")
    assert [each.span.text for each in relation.columns if each.span] == [
        "id int PRIMARY KEY",
        "a text NOT NULL DEFAULT 'x, y' CHECK (a <> ')')",
    ]
    spans = {each.name: each.span.text for each in relation.constraints if each.span}
    assert spans["t_pkey"] == "PRIMARY KEY"
    assert spans["t_a_not_null"] == "NOT NULL"
    assert spans["t_a_check"] == "CHECK (a <> ')')"
    assert spans["u"] == "CONSTRAINT u UNIQUE (id, a)"


def test_spans_of_commands() -> None:
    replayed = replay("CREATE TABLE t (a int);", "ALTER TABLE t\n  ADD b text NOT NULL, -- one\n  ALTER a SET DEFAULT f(1, 2);")
    statement = replayed.steps[0].statement
    assert isinstance(statement, Statement)
    assert [command_span(statement, each).text for each in range(2)] == ["ADD b text NOT NULL", "ALTER a SET DEFAULT f(1, 2)"]
    column = table(replayed.before, "t").column("a")
    assert column is not None and column.span is not None and column.span.text == "a int"


@pytest.mark.parametrize(
    ("written", "text"),
    [("$$ SELECT 'é' $$", " SELECT 'é' "), ("$x$ $$ $x$", " $$ "), ("' it''s '", " it's "), ("'plain'", "plain")],
)
def test_body_of_a_function_stands_where_it_is_written(written: str, text: str) -> None:
    source = f"-- é\nSET check_function_bodies = off;\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS {written};"
    function = replay(source).after.find_functions("public", "f")[0]
    assert function.body is not None and function.body.text == text
    last = function.body.span(len(text) - 1, len(text))
    assert last.text == text[-1]
    assert source[last.start - 1] == text[-2]


def test_a_refused_statement_changes_nothing() -> None:
    replayed = replay("CREATE TABLE t (a int);", "ALTER TABLE t ADD b int, ADD a int; ALTER TABLE t ADD c int;")
    first, second = replayed.steps
    assert first.refusal is not None and first.refusal.sqlstate == "42701"
    assert first.after is first.before and second.refusal is None
    assert [each.name for each in table(replayed.after, "t").columns] == ["a", "c"]


def test_what_no_migration_made_is_unmodelled() -> None:
    replayed = replay("ALTER TABLE auth.users ADD a int;")
    assert [each.reason for each in replayed.steps[0].unmodelled] == ['relation "auth.users" is not made by any migration']
    assert replayed.steps[0].refusal is None


def test_reference_to_a_platform_table_keeps_the_column() -> None:
    replayed = replay("CREATE TABLE t (a uuid REFERENCES auth.users (id));")
    (constraint,) = table(replayed.after, "t").constraints
    assert constraint.kind is ConstraintKind.FOREIGN_KEY and constraint.references is None
    assert len(replayed.steps[0].unmodelled) == 1


@pytest.mark.parametrize(
    ("transactional", "text", "commits"),
    [
        (True, "SELECT 1; SELECT 2;", [False, True]),
        (False, "SELECT 1; SELECT 2;", [True, True]),
        (False, "BEGIN; SELECT 1; COMMIT; SELECT 2;", [False, False, True, True]),
        (True, "BEGIN; SELECT 1; COMMIT; SELECT 2;", [False, False, True, True]),
    ],
)
def test_commit_boundaries(transactional: bool, text: str, commits: list[bool]) -> None:
    assert [each.commits for each in replay(text, transactional=transactional).steps] == commits


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("CREATE TABLE t (a int);", Rows.POSSIBLE),
        ("CREATE TABLE t (a int); INSERT INTO t VALUES (1);", Rows.SOME),
        ("CREATE TABLE t (a int); INSERT INTO t VALUES (1); DELETE FROM t;", Rows.POSSIBLE),
        ("CREATE TABLE t (a int); INSERT INTO t VALUES (1); TRUNCATE t;", Rows.POSSIBLE),
    ],
)
def test_rows(text: str, rows: Rows) -> None:
    assert table(replay(text).after, "t").rows is rows


def test_rows_within_the_migration() -> None:
    replayed = replay("CREATE TABLE t (a int); SELECT 1;")
    assert table(replayed.steps[0].after, "t").rows is Rows.NONE


def test_identity_through_rename_and_move() -> None:
    before = replay("CREATE TABLE t (a int);").after
    moved = replay("CREATE TABLE t (a int);", "ALTER TABLE t RENAME TO u; CREATE SCHEMA s; ALTER TABLE u SET SCHEMA s;").after
    found = moved.find_relation("s", "u")
    assert found is not None and found.oid == table(before, "t").oid


def test_create_or_replace_keeps_the_function() -> None:
    first = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION f() FROM public;"
    old = replay(first).after.find_functions("public", "f")[0]
    new = replay(first, "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2';").after.find_functions(
        "public", "f"
    )[0]
    assert (new.oid, new.privileges) == (old.oid, ())
    assert new.body is not None and new.body.text == "SELECT 2"


def test_trees_follow_a_renamed_column() -> None:
    history = "CREATE TABLE t (a int CHECK (a > 0)); CREATE VIEW v AS SELECT t.a AS x FROM t WHERE a > 1;"
    after = replay(history, "ALTER TABLE t RENAME COLUMN a TO b;").after
    check = table(after, "t").constraints[0].expression
    query = table(after, "v").query
    assert check is not None and query is not None
    assert '"sval": "a"' not in str(check.node).replace("'", '"') and "'sval': 'b'" in str(check.node)
    assert "'sval': 'a'" not in str(query.node) and str(query.node).count("'sval': 'b'") == 2


def test_privileges() -> None:
    text = """CREATE TABLE t (a int, b int); GRANT SELECT (a), INSERT ON t TO anon; GRANT ALL ON t TO authenticated;
              REVOKE INSERT ON t FROM anon, authenticated;
              ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO anon; CREATE TABLE u (a int);"""
    after = replay(text).after
    granted = {(each.role, each.name, each.columns) for each in table(after, "t").privileges}
    assert ("anon", "select", (1,)) in granted and ("authenticated", "update", ()) in granted
    assert not any(name == "insert" for _, name, _ in granted)
    assert [(each.role, each.name) for each in table(after, "u").privileges] == [("anon", "select")]


def test_a_defect_is_a_remark(monkeypatch: pytest.MonkeyPatch) -> None:
    from schemalint.replay import replay as module

    def broken(*_: Any) -> Catalog:
        raise ZeroDivisionError

    monkeypatch.delenv("SCHEMALINT_STRICT")
    monkeypatch.setitem(module.HANDLERS, "CreateStmt", broken)
    replayed = replay("CREATE TABLE t (a int);")
    assert replayed.steps[0].unmodelled[0].reason.startswith("internal error: ZeroDivisionError")


# -- DO blocks


@pytest.mark.parametrize(
    ("block", "columns"),
    [
        ("ALTER TABLE t ADD b int;", ["a", "b"]),
        (
            "IF NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 't' AND column_name = 'a')"
            " THEN ALTER TABLE t ADD b int; END IF;",
            ["a"],
        ),
        (
            "IF EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public' AND tablename = 't')"
            " THEN ALTER TABLE t ADD b int; END IF;",
            ["a", "b"],
        ),
        (
            "IF NOT EXISTS (SELECT 1 FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid"
            " WHERE c.conname = 'k' AND r.relname = 't')"
            " THEN ALTER TABLE t ADD b int; ELSE ALTER TABLE t ADD c int; END IF;",
            ["a", "b"],
        ),
        ("ALTER TABLE t ADD b int; ALTER TABLE t ADD a int; EXCEPTION WHEN duplicate_column THEN NULL;", ["a"]),
        ("EXECUTE format('ALTER TABLE %I ADD %I int', 't', 'B');", ["a", "B"]),
        (
            "FOR i IN SELECT unnest(ARRAY['b', 'c']) AS n LOOP"
            " EXECUTE 'ALTER TABLE t ADD ' || quote_ident(i.n) || ' int'; END LOOP;",
            ["a", "b", "c"],
        ),
        (
            "IF to_regclass('public.gone') IS NULL THEN ALTER TABLE t ADD b int; END IF; RETURN; ALTER TABLE t ADD c int;",
            ["a", "b"],
        ),
    ],
)  # fmt: skip
def test_block(block: str, columns: list[str]) -> None:
    replayed = replay("CREATE TABLE t (a int);", f"DO $$ BEGIN {block} END $$;")
    assert replayed.steps[0].unmodelled == () and replayed.steps[0].refusal is None
    relation = table(replayed.after, "t")
    assert [each.name for each in relation.columns] == columns


def test_what_a_block_does_not_say() -> None:
    text = "DO $$ BEGIN IF EXISTS (SELECT 1 FROM t) THEN\n ALTER TABLE t ADD b int; END IF; ALTER TABLE u ADD c int; END $$;"
    replayed = replay("CREATE TABLE t (a int); CREATE TABLE u (a int);", text)
    (remark,) = replayed.steps[0].unmodelled
    assert remark.span.text.startswith("IF EXISTS")
    assert table(replayed.after, "t").tainted and not table(replayed.after, "u").tainted
    column = table(replayed.after, "u").column("c")
    assert column is not None and column.span is not None and column.span.text == "c int"


def test_a_block_is_refused_as_a_whole() -> None:
    replayed = replay("CREATE TABLE t (a int);", "DO $$ BEGIN ALTER TABLE t ADD b int; ALTER TABLE t ADD a int; END $$;")
    refusal = replayed.steps[0].refusal
    assert refusal is not None and refusal.sqlstate == "42701"
    assert refusal.span.text == "ALTER TABLE t ADD a int"
    assert replayed.after.find_relation("public", "t") == replayed.before.find_relation("public", "t")
