"""Which files are the history, in which order, and what is read of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from schemalint.migrations.decode import decode
from schemalint.migrations.discovery import discover
from schemalint.migrations.migration import History, HistoryError
from schemalint.migrations.names import is_down, named
from schemalint.migrations.sections import up_part

OLD = "20251030000000_old.sql"
NEW = "20251101000002_new.sql"


def write(folder: Path, *names: str, text: str = "select 1;\n") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def found(working: Path, *paths: str, directory: Path | None = None) -> tuple[History, frozenset[str] | None]:
    return discover([Path(each) for each in paths], directory, working)


def paths_of(history: History) -> list[str]:
    return [each.path for each in history.migrations]


def order(*names: str) -> list[str]:
    return sorted(names, key=lambda each: named(each).order)


@pytest.mark.parametrize("folder", ["supabase/migrations", "migrations", "db/migrations", "sql/migrations", "drizzle"])
def test_usual_folders_are_found(tmp_path: Path, folder: str) -> None:
    write(tmp_path / folder, NEW, OLD)
    history, asked = found(tmp_path)
    assert paths_of(history) == [f"{folder}/{OLD}", f"{folder}/{NEW}"]
    assert (history.root, asked, history.notes) == (folder, None, ())
    assert [(each.version, each.name) for each in history.migrations] == [("20251030000000", "old"), ("20251101000002", "new")]


def test_supabase_comes_before_other_folders(tmp_path: Path) -> None:
    write(tmp_path / "migrations", "1_x.sql")
    write(tmp_path / "supabase/migrations", OLD)
    assert found(tmp_path)[0].root == "supabase/migrations"


def test_a_usual_folder_without_sql_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "migrations", "0001_initial.py")
    write(tmp_path / "db/migrations", "1_x.sql")
    assert found(tmp_path)[0].root == "db/migrations"


def test_nothing_found_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="no folder of migrations found"):
        found(tmp_path)


def test_an_empty_folder_is_said_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "supabase/migrations").mkdir(parents=True)
    history, _ = found(tmp_path)
    assert (history.migrations, history.notes) == ((), ("supabase/migrations holds no migrations",))


@pytest.mark.parametrize("given", ["project", "project/supabase", "project/supabase/migrations"])
def test_a_folder_is_asked_about_in_whole(tmp_path: Path, given: str) -> None:
    write(tmp_path / "project/supabase/migrations", OLD, NEW)
    history, asked = found(tmp_path, given)
    assert paths_of(history) == [f"project/supabase/migrations/{OLD}", f"project/supabase/migrations/{NEW}"]
    assert asked is None


def test_files_are_asked_about_and_the_history_read_in_whole(tmp_path: Path) -> None:
    write(tmp_path / "any/where", OLD, NEW)
    history, asked = found(tmp_path, f"any/where/{NEW}")
    assert len(history.migrations) == 2
    assert asked == {f"any/where/{NEW}"}


def test_paths_are_relative_to_where_it_runs(tmp_path: Path) -> None:
    write(tmp_path / "migrations", OLD)
    (tmp_path / "src").mkdir()
    assert paths_of(found(tmp_path / "src", "../migrations")[0]) == [f"../migrations/{OLD}"]
    assert paths_of(found(tmp_path / "src", str(tmp_path / "migrations"))[0]) == [f"../migrations/{OLD}"]
    assert paths_of(found(tmp_path / "migrations", ".")[0]) == [OLD]
    assert found(tmp_path / "migrations", OLD)[1] == {OLD}


def test_from_inside_the_folder_of_a_migration(tmp_path: Path) -> None:
    write(tmp_path / "migrations", "2024_a/up.sql", "2025_b/up.sql")
    history, asked = found(tmp_path / "migrations/2025_b", "up.sql")
    assert paths_of(history) == ["../2024_a/up.sql", "up.sql"]
    assert asked == {"up.sql"}


def test_a_folder_within_the_history(tmp_path: Path) -> None:
    write(tmp_path / "migrations", "2024/001_a.sql", "2025/002_b.sql")
    history, asked = found(tmp_path, "migrations/2025")
    assert paths_of(history) == ["migrations/2024/001_a.sql", "migrations/2025/002_b.sql"]
    assert asked == {"migrations/2025/002_b.sql"}


def test_the_configured_folder(tmp_path: Path) -> None:
    write(tmp_path / "supabase/migrations", OLD)
    write(tmp_path / "own", "1_a.sql")
    write(tmp_path, "seed.sql")
    assert paths_of(found(tmp_path, directory=tmp_path / "own")[0]) == ["own/1_a.sql"]
    history, asked = found(tmp_path, "seed.sql", directory=tmp_path / "own")
    assert (history.root, asked) == ("own", frozenset())
    assert history.notes == ("seed.sql is no migration of own and was not checked",)
    with pytest.raises(HistoryError, match="missing: the configured folder of migrations does not exist"):
        found(tmp_path, directory=tmp_path / "missing")


def test_what_a_hook_hands_over_besides_migrations(tmp_path: Path) -> None:
    write(tmp_path, f"supabase/migrations/{OLD}", "supabase/seed.sql", "queries/report.sql")
    history, asked = found(tmp_path, f"supabase/migrations/{OLD}", "supabase/seed.sql", "queries/report.sql")
    assert asked == {f"supabase/migrations/{OLD}"}
    assert len(history.notes) == 2
    history, asked = found(tmp_path, "supabase/seed.sql")
    assert (history.root, asked) == ("supabase/migrations", frozenset())


def test_one_history_at_a_time(tmp_path: Path) -> None:
    write(tmp_path, "a/1_x.sql", "b/1_x.sql")
    with pytest.raises(HistoryError, match=r"2 histories \(a, b\)"):
        found(tmp_path, "a/1_x.sql", "b")


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"^nope\.sql: does not exist$"):
        found(tmp_path, "nope.sql")


@pytest.mark.parametrize("file", ["migration.sql", "up.sql"])
def test_a_folder_for_each_migration(tmp_path: Path, file: str) -> None:
    write(
        tmp_path / "prisma/migrations", f"20240102_b/{file}", f"20240101_a/{file}", "20240101_a/down.sql", "migration_lock.toml"
    )
    history, _ = found(tmp_path)
    assert paths_of(history) == [f"prisma/migrations/20240101_a/{file}", f"prisma/migrations/20240102_b/{file}"]
    assert [(each.version, each.name) for each in history.migrations] == [("20240101", "a"), ("20240102", "b")]
    for given in (f"prisma/migrations/20240102_b/{file}", "prisma/migrations/20240102_b"):
        history, asked = found(tmp_path, given)
        assert (len(history.migrations), asked) == (2, {f"prisma/migrations/20240102_b/{file}"})


def test_flyway(tmp_path: Path) -> None:
    write(tmp_path, "V1_10__c.sql", "V1_2__b.sql", "V1__a.sql", "R__view.sql", "U1_2__b.sql", "sub/V2__d.sql", "afterMigrate.sql")
    history, _ = found(tmp_path, ".")
    assert paths_of(history)[:4] == ["V1__a.sql", "V1_2__b.sql", "V1_10__c.sql", "sub/V2__d.sql"]
    assert paths_of(history)[-1] == "R__view.sql"
    assert "U1_2__b.sql" not in paths_of(history)


@pytest.mark.parametrize(
    "names",
    [
        ("9_x.sql", "10_x.sql"),
        ("001_x.sql", "2_x.sql", "0003_x.sql"),
        ("1.2_x.sql", "1.10_x.sql"),
        ("V1__x.sql", "V1.1__x.sql", "V1_2__x.sql", "V2.0__x.sql"),
        ("2024-12-31_x.sql", "2025-01-01_x.sql"),
        ("2025-01-01-120000_x.sql", "2025-01-01-130000_x.sql"),
        ("20251101000002_x.sql", "20251101_y.sql", "20251102000000_z.sql", "20251105_x.sql"),
        ("0001_x.sql", "20250101_x.sql", "init.sql", "R__again.sql"),
        ("1_a.sql", "1_b.sql"),
        ("1700000000_x.sql", "1700000001_x.sql"),
    ],
)
def test_order(names: tuple[str, ...]) -> None:
    assert order(*reversed(names)) == list(names)


@pytest.mark.parametrize(
    ("name", "version", "rest"),
    [
        ("20251101000002_sync_messages.sql", "20251101000002", "sync_messages"),
        ("0001_x.up.sql", "0001", "x"),
        ("2025-11-01-120000_create_users.sql", "2025-11-01-120000", "create_users"),
        ("V1_2__add.sql", "1_2", "add"),
        ("001_2fa_tables.sql", "001", "2fa_tables"),
        ("42.sql", "42", ""),
        ("init.sql", "", "init"),
        ("20240101_a/migration.sql", "20240101", "a"),
    ],
)
def test_what_a_name_says(name: str, version: str, rest: str) -> None:
    assert (named(name).version, named(name).name) == (version, rest)


@pytest.mark.parametrize("name", ["1_x.down.sql", "1_x_down.sql", "a/down.sql", "U1__x.sql", "1_x.DOWN.SQL"])
def test_the_way_back(name: str) -> None:
    assert is_down(name)


@pytest.mark.parametrize(
    "name", ["1_x.sql", "1_x.up.sql", "1_countdown.sql", "1_down_payment.sql", "Users.sql", "1_drop_down_menu.sql"]
)
def test_no_way_back(name: str) -> None:
    assert not is_down(name)


def test_a_way_back_without_a_way_there_is_said(tmp_path: Path) -> None:
    write(tmp_path, "1_x.sql", "1_x.down.sql", "2_shut_down.sql")
    history, _ = found(tmp_path, ".")
    assert paths_of(history) == ["1_x.sql"]
    assert history.notes == ("2_shut_down.sql is named like the way back of a migration and was not read",)


def test_versions_that_stand_twice_are_said(tmp_path: Path) -> None:
    write(tmp_path, "001_b.sql", "001_a.sql", "002_c.sql")
    history, _ = found(tmp_path, ".")
    assert paths_of(history) == ["001_a.sql", "001_b.sql", "002_c.sql"]
    assert history.notes == ("version 001 stands 2 times, read in this order: 001_a.sql, 001_b.sql",)


GOOSE = "-- +goose Up\nCREATE TABLE é (a int);\r\n-- +goose Down\nDROP TABLE é;\n"
DBMATE = "-- migrate:up\nCREATE TABLE a ();\n\n-- migrate:down\nDROP TABLE a;\n"


@pytest.mark.parametrize("text", [GOOSE, DBMATE, GOOSE.replace("+goose", "+migrate")])
def test_only_the_way_up_is_read_and_stays_where_it_was(text: str) -> None:
    part = up_part(text)
    assert part.transactional
    assert len(part.text) == len(text)
    assert "DROP" not in part.text
    assert part.text.index("CREATE") == text.index("CREATE")
    assert [each for each in part.text if each in "\r\n"] == [each for each in text if each in "\r\n"]


def test_a_way_down_that_stands_first() -> None:
    text = "-- migrate:down\nDROP TABLE a;\n-- migrate:up\nCREATE TABLE a ();\n"
    assert up_part(text).text.strip() == "-- migrate:up\nCREATE TABLE a ();"


@pytest.mark.parametrize(
    "text",
    [
        "-- +goose NO TRANSACTION\n-- +goose Up\nselect 1;\n",
        "-- migrate:up transaction:false\nselect 1;\n-- migrate:down\n",
        "-- +migrate Up notransaction\nselect 1;\n",
    ],
)
def test_without_a_transaction(text: str) -> None:
    assert not up_part(text).transactional


@pytest.mark.parametrize(
    "sql",
    [
        "create unique index concurrently i on t (a)",
        "DROP INDEX\n  CONCURRENTLY i",
        "REINDEX (VERBOSE) TABLE CONCURRENTLY t",
        "ALTER TABLE p DETACH PARTITION c CONCURRENTLY",
    ],
)
def test_what_no_transaction_takes_runs_outside(sql: str) -> None:
    assert not up_part(f"-- why\nselect 1;\n{sql};\n").transactional


@pytest.mark.parametrize(
    "sql",
    [
        "-- CREATE INDEX CONCURRENTLY would not block\nCREATE INDEX i ON t (a)",
        "/* DROP INDEX CONCURRENTLY i; */ select 1",
        "COMMENT ON INDEX i IS 'REINDEX INDEX CONCURRENTLY i;'",
        "DO $$ begin\n  -- CREATE INDEX CONCURRENTLY i ON t (a);\nend $$",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
    ],
)
def test_a_transaction_that_only_speaks_of_it(sql: str) -> None:
    assert up_part(f"select 1;\n{sql};\n").transactional


def test_a_text_made_to_be_slow() -> None:
    from time import perf_counter

    start = perf_counter()
    for words in ("REINDEX ", "ALTER TABLE DETACH PARTITION ", "REINDEX;"):
        up_part(words * 20_000 + "concurrently")
    assert perf_counter() - start < 2


def test_the_habit_of_the_way_down_is_its_own() -> None:
    assert up_part("-- migrate:up\nselect 1;\n-- migrate:down transaction:false\n").transactional


@pytest.mark.parametrize(
    ("data", "text", "note"),
    [
        (b"select 1", "select 1", None),
        ("\ufeffselect 'é'".encode(), "select 'é'", None),
        ("select 'é'".encode("utf-16"), "select 'é'", None),
        ("select 'é'".encode("latin-1"), "select 'é'", "is not UTF-8 and was read as Latin-1"),
        (b"", "", None),
        (b"a\0b", "a\0b", "holds NUL characters, which PostgreSQL does not take"),
        (b"\xe9\0", "é\0", "is not UTF-8 and was read as Latin-1, and holds NUL characters"),
        (b"\xff\xfea\0b", "a\ufffd", "is not valid UTF-16; what could not be read was replaced"),
    ],
)
def test_encodings(data: bytes, text: str, note: str | None) -> None:
    decoded = decode(data)
    assert (decoded.text, decoded.note) == (text, note)


def test_odd_entries_do_not_end_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    write(folder, OLD, "notes.txt")
    (folder / "1_folder.sql").mkdir()
    (folder / "20251031000000_binary.sql").write_bytes(b"\0\1\2")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "2_pipe.sql")
    history, _ = found(tmp_path)
    assert paths_of(history) == [f"migrations/{OLD}", "migrations/20251031000000_binary.sql"]
    assert history.notes == (
        "migrations/2_pipe.sql is no regular file and was not read",
        "migrations/20251031000000_binary.sql holds NUL characters, which PostgreSQL does not take",
    )


def test_a_file_that_is_asked_about_must_be_readable(tmp_path: Path) -> None:
    write(tmp_path, "1_a.sql")
    os.mkfifo(tmp_path / "2_b.sql")
    with pytest.raises(HistoryError, match=r"^2_b\.sql is no regular file and was not read$"):
        found(tmp_path, "2_b.sql")
    assert found(tmp_path, "1_a.sql")[0].notes == ("2_b.sql is no regular file and was not read",)


def test_files_beside_the_migrations_are_said(tmp_path: Path) -> None:
    write(tmp_path, "1_a.sql", "1_a.down.sql", "README.md")
    history, asked = found(tmp_path, "1_a.sql", "1_a.down.sql", "README.md")
    assert asked == {"1_a.sql"}
    assert history.notes == (
        "1_a.down.sql is none of the migrations and was not checked",
        "README.md is none of the migrations and was not checked",
    )


def test_links_lead_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("password")
    project = tmp_path / "project"
    write(project, f"supabase/migrations/{OLD}", "shared/x.sql")
    (project / "supabase/migrations/1_secret.sql").symlink_to(tmp_path / "secret")
    (project / "supabase/migrations/2_shared.sql").symlink_to(project / "shared/x.sql")
    history, _ = found(project)
    assert paths_of(history) == [f"supabase/migrations/{OLD}", "supabase/migrations/2_shared.sql"]
    assert history.notes == ("supabase/migrations/1_secret.sql is a link to a file elsewhere and was not read",)


def test_a_link_to_itself_is_a_clear_error(tmp_path: Path) -> None:
    write(tmp_path, "1_a.sql")
    (tmp_path / "2_b.sql").symlink_to("2_b.sql")
    with pytest.raises(HistoryError, match=r"^2_b\.sql: cannot be read"):
        found(tmp_path, ".")


def test_many_files_are_read_quickly(tmp_path: Path) -> None:
    from time import perf_counter

    for number in range(500):
        (tmp_path / f"{number:04}_x.sql").write_text("select 1;")
    start = perf_counter()
    history, _ = found(tmp_path, ".")
    assert len(history.migrations) == 500
    assert perf_counter() - start < 2
