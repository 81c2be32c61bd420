"""`schemalint schema` and `schemalint map`, through the installed command; the schema against a real server's catalog."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fixture_files import fixture_files, read_fixture
from tests.postgres import Server
from tests.test_command_line import SEED, error_of, run

SYNC = "20251101000002"


def schema_of(folder: Path, *arguments: str) -> dict[str, Any]:
    done = run(folder, "schema", "--format", "json", *arguments)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_newest_and_an_older_state() -> None:
    newest = schema_of(SEED)
    assert set(newest) == {"relations", "functions", "types", "sequences", "views"}
    assert "required_field" in [each["name"] for each in newest["relations"]["public.messages"]["columns"]]
    for name in (
        SYNC,
        f"{SYNC}_sync_messages_v2_to_messages.sql",
        f"supabase/migrations/{SYNC}_sync_messages_v2_to_messages.sql",
    ):
        older = schema_of(SEED, "--at", name)
        assert "required_field" not in [each["name"] for each in older["relations"]["public.messages"]["columns"]]
    assert "public.messages_v2" not in schema_of(SEED, "--at", "20251001000000")["relations"]
    assert "table public.messages\n" in run(SEED, "schema").stdout


def test_a_difference() -> None:
    found = schema_of(SEED, "--diff", "20251030000000", SYNC)
    assert list(found["functions"]["added"]) == ["public.sync_messages_v2_to_messages()"]
    assert "public.messages_v2" in found["relations"]["changed"]
    text = run(SEED, "schema", "--diff", SYNC, "20251105000000").stdout
    assert "~ relation public.messages\n    + column required_field text not null\n" in text
    assert run(SEED, "schema", "--diff", SYNC, SYNC).stdout == "no difference\n"


def test_migrations_that_are_not_there(tmp_path: Path) -> None:
    assert "there is no such migration" in error_of(run(SEED, "schema", "--at", "2030"))
    assert "choose one" in error_of(run(SEED, "schema", "--at", SYNC, "--diff", SYNC, SYNC))
    (tmp_path / "migrations").mkdir()
    assert run(tmp_path, "schema").returncode == 2


QUERIES = {
    "columns": """
        SELECT n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, d.oid IS NOT NULL
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, a.attnum""",
    "constraints": """
        SELECT n.nspname || '.' || c.relname, k.conname, pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND k.contype IN ('p', 'u', 'f', 'n') ORDER BY 1, 2""",
    "triggers": """
        SELECT n.nspname || '.' || c.relname, t.tgname, pg_get_triggerdef(t.oid)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND NOT t.tgisinternal AND t.tgqual IS NULL ORDER BY 1, 2""",
}


def modelled(schema: dict[str, Any]) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {"columns": [], "constraints": [], "triggers": []}
    for name, relation in {**schema["relations"], **schema["views"]}.items():
        for each in relation["columns"] if name in schema["relations"] else ():
            found["columns"].append((name, each["name"], each["type"], each["not_null"], each["default"] is not None))
        for each in relation["constraints"]:
            if each["kind"] not in ("check", "exclusion"):
                found["constraints"].append((name, each["name"], each["definition"]))
        for each in relation["triggers"]:
            if each["when"] is None:
                found["triggers"].append((name, each["name"], each["definition"].replace(".public.", ".")))
    return found


SAMPLES = [each for each in fixture_files() if each.parts[-3] in ("breaks", "loses") and each.stem in ("good", "bad")]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda each: "/".join(each.parts[-3:]))
def test_what_is_printed_is_what_the_server_prints(postgres: Server, path: Path, tmp_path: Path) -> None:
    fixture = read_fixture(path)
    folder = tmp_path / "migrations"
    folder.mkdir()
    for each in fixture.migrations:
        (folder / each.name).write_text(each.sql, encoding="utf-8")
    mine = modelled(schema_of(tmp_path))
    with postgres.database() as connect:
        if fixture.setup:
            connect("postgres").execute(fixture.setup)
        for each in fixture.migrations:
            connect().execute(each.sql)
        connection = connect()
        connection.execute("SET search_path = public")
        for kind, query in QUERIES.items():
            theirs = connection.execute(query.encode()).fetchall()
            ours = [each for each in mine[kind] if each[0].startswith("public.")]
            key = (lambda each: each[0]) if kind == "columns" else (lambda each: each[:2])
            plain = [tuple(str(v).replace("public.", "") if n == 2 else v for n, v in enumerate(each)) for each in theirs]
            shown = [tuple(str(v).replace("public.", "") if n == 2 else v for n, v in enumerate(each)) for each in ours]
            assert sorted(shown, key=key) == sorted(plain, key=key)


def test_the_map_of_the_seed() -> None:
    done = run(SEED, "map", "--format", "json")
    (sync,) = json.loads(done.stdout)["syncs"]
    assert (sync["source"], sync["target"], sync["not_carried"]) == (
        "public.messages_v2",
        "public.messages",
        ["update", "delete"],
    )
    assert sync["key"] == [{"target": "id", "source": "id"}]
    (event,) = sync["events"]
    kinds = {each["column"]: each["kind"] for each in event["columns"]}
    assert (kinds["content"], kinds["recipient_id"], kinds["status"], kinds["read_at"]) == (
        "copied",
        "looked up",
        "constant",
        "default",
    )
    content = next(each for each in event["columns"] if each["column"] == "content")
    assert content["from"] == ["public.messages_v2.content"]
    assert content["under"] == []
    assert content["line"] == 30
    assert "thread_id" in sync["target_columns_without_part"]
    text = run(SEED, "map").stdout
    assert text.startswith("public.messages_v2 → public.messages\n")
    assert "on DELETE: nothing" in text


def test_no_syncs(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/1.sql").write_text("CREATE TABLE a (id int);\n")
    assert run(tmp_path, "map").stdout.startswith("no syncs")
    assert json.loads(run(tmp_path, "map", "--format", "json").stdout) == {"syncs": []}
