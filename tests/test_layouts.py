"""Each tool's layout, found without configuration: which files, in which order, in which transactions and sessions."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from schemalint.catalog.catalog import empty_catalog
from schemalint.catalog.model import Relation
from schemalint.migrations.discovery import Stated, discover
from schemalint.migrations.layouts import LAYOUTS
from schemalint.migrations.migration import History, HistoryError
from schemalint.parse.statements import read_migration
from schemalint.replay.replay import replay_migration
from tests.test_asked import fed, git
from tests.test_command_line import SEED, run

PAGE = (Path(__file__).parents[1] / "docs" / "layouts.md").read_text(encoding="utf-8")
UP, CONCURRENT = "CREATE TABLE t (id int);\n", "CREATE INDEX CONCURRENTLY i ON t (id);\n"


def journal(*tags: str) -> str:
    return json.dumps({"version": "7", "entries": [{"idx": n, "when": n, "tag": tag} for n, tag in enumerate(tags)]})


# layout: files, and the migrations in order as (file, transaction)
FOLDERS: dict[str, tuple[dict[str, str], list[tuple[str, bool]]]] = {
    "drizzle": (
        {
            "drizzle/meta/_journal.json": journal("0001_b", "0000_a"),
            "drizzle/0000_a.sql": f"{UP}--> statement-breakpoint\n{CONCURRENT}",
            "drizzle/0001_b.sql": UP,
            "drizzle/0002_draft.sql": UP,
        },
        [("drizzle/0001_b.sql", True), ("drizzle/0000_a.sql", True)],
    ),
    "sqitch": (
        {
            "sqitch.plan": (
                "%syntax-version=1.0.0\n%project=shop\n\n"
                "users 2024-01-01T00:00:00Z Ann <a@example.org> # first\n"
                "schema/orders [users !old] 2024-01-02T00:00:00Z Ann <a@example.org> # second\n"
                "@v1 2024-01-03T00:00:00Z Ann <a@example.org> # tag\n\n"
                "users [users@v1] 2024-01-04T00:00:00Z Ann <a@example.org> # reworked\n"
            ),
            "deploy/users.sql": UP, "deploy/users@v1.sql": UP, "deploy/schema/orders.sql": UP,
            "revert/users.sql": "DROP TABLE t;",
        },
        [("deploy/users@v1.sql", False), ("deploy/schema/orders.sql", False), ("deploy/users.sql", False)],
    ),
    "flyway": (
        {
            "db/migration/V2__b.sql": CONCURRENT, "db/migration/V10__c.sql": UP, "db/migration/V1_1__a.sql": UP,
            "db/migration/U2__b.sql": "DROP TABLE t;", "db/migration/R__view.sql": UP, "db/migration/B2__base.sql": UP,
        },
        [
            ("db/migration/V1_1__a.sql", True), ("db/migration/V2__b.sql", False), ("db/migration/V10__c.sql", True),
            ("db/migration/R__view.sql", True),
        ],
    ),
    "atlas": (
        {
            "migrations/atlas.sum": "h1:x\n", "migrations/1_a.sql": UP, "migrations/2_b.sql": f"-- atlas:checkpoint\n\n{UP}",
            "migrations/3_c.sql": f"-- why\n-- atlas:txmode none\n\n{CONCURRENT}", "migrations/4_d.sql": CONCURRENT,
        },
        [("migrations/2_b.sql", True), ("migrations/3_c.sql", False), ("migrations/4_d.sql", True)],
    ),
    "supabase": (
        {
            "supabase/migrations/10_b.sql": UP, "supabase/migrations/2_c.sql": CONCURRENT, "supabase/migrations/notes.sql": UP,
        },
        [("supabase/migrations/10_b.sql", True), ("supabase/migrations/2_c.sql", False)],
    ),
    "goose": (
        {
            "migrations/2_b.sql": f"-- +goose NO TRANSACTION\n-- +goose Up\n{CONCURRENT}-- +goose Down\nDROP TABLE t;\n",
            "migrations/10_c.sql": f"-- +goose Up\n{CONCURRENT}", "migrations/1_a.sql": f"-- +goose Up\n{UP}",
        },
        [("migrations/1_a.sql", True), ("migrations/2_b.sql", False), ("migrations/10_c.sql", True)],
    ),
    "dbmate": (
        {
            "db/migrations/20240101_a.sql": f"-- migrate:up\n{UP}\n-- migrate:down\nDROP TABLE t;\n",
            "db/migrations/20240102_b.sql": f"-- migrate:up transaction:false\n{CONCURRENT}",
        },
        [("db/migrations/20240101_a.sql", True), ("db/migrations/20240102_b.sql", False)],
    ),
    "sql-migrate": (
        {
            "migrations/1_a.sql": f"-- +migrate Up\n{UP}\n-- +migrate Down\nDROP TABLE t;\n",
            "migrations/2_b.sql": f"-- +migrate Up notransaction\n{CONCURRENT}",
        },
        [("migrations/1_a.sql", True), ("migrations/2_b.sql", False)],
    ),
    "node-pg-migrate": (
        {
            "migrations/1_a.sql": f"-- Up Migration\n{UP}\n-- Down Migration\nDROP TABLE t;\n",
            "migrations/2_b.sql": f"-- Down Migration\nDROP TABLE t;\n-- Up Migration\n{UP}",
        },
        [("migrations/1_a.sql", True), ("migrations/2_b.sql", True)],
    ),
    "golang-migrate": (
        {
            "migrations/1_a.up.sql": UP, "migrations/1_a.down.sql": "DROP TABLE t;", "migrations/10_c.up.sql": CONCURRENT,
            "migrations/2_b.up.sql": UP,
        },
        [("migrations/1_a.up.sql", True), ("migrations/2_b.up.sql", True), ("migrations/10_c.up.sql", False)],
    ),
    "sqlx": (
        {
            "Cargo.toml": '[dependencies]\nsqlx = "0.8"\n', "migrations/1_a.sql": UP, "migrations/10_c.sql": CONCURRENT,
            "migrations/2_b.up.sql": f"-- no-transaction\n{CONCURRENT}", "migrations/2_b.down.sql": "DROP TABLE t;",
        },
        [("migrations/1_a.sql", True), ("migrations/2_b.up.sql", False), ("migrations/10_c.sql", True)],
    ),
    "prisma": (
        {
            "prisma/migrations/20240102_b/migration.sql": CONCURRENT, "prisma/migrations/20240101_a/migration.sql": UP,
            "prisma/migrations/20240103_c/migration.sql": CONCURRENT + UP, "prisma/migrations/migration_lock.toml": "",
        },
        [
            ("prisma/migrations/20240101_a/migration.sql", True), ("prisma/migrations/20240102_b/migration.sql", False),
            ("prisma/migrations/20240103_c/migration.sql", True),
        ],
    ),
    "diesel": (
        {
            "migrations/2024-01-01-000000_a/up.sql": UP, "migrations/2024-01-01-000000_a/down.sql": "DROP TABLE t;",
            "migrations/2024-01-02-000000_b/up.sql": CONCURRENT, "migrations/00000000000000_setup/up.sql": UP,
            "migrations/2024-01-02-000000_b/metadata.toml": "run_in_transaction = false\n",
            "migrations/2024-01-03-000000_c/up.sql": CONCURRENT,
        },
        [
            ("migrations/00000000000000_setup/up.sql", True), ("migrations/2024-01-01-000000_a/up.sql", True),
            ("migrations/2024-01-02-000000_b/up.sql", False), ("migrations/2024-01-03-000000_c/up.sql", True),
        ],
    ),
    "flat": (
        {"migrations/1_a.sql": UP, "migrations/10_b.sql": UP, "migrations/9_c.sql": CONCURRENT},
        [("migrations/1_a.sql", True), ("migrations/9_c.sql", False), ("migrations/10_b.sql", True)],
    ),
    "folder each": (
        {"hasura/migrations/default/1_a/up.sql": UP, "hasura/migrations/default/1_a/down.sql": "DROP TABLE t;"},
        [("hasura/migrations/default/1_a/up.sql", True)],
    ),
    "unnumbered": ({"sql/b.sql": UP, "sql/a.sql": UP}, [("sql/a.sql", True), ("sql/b.sql", True)]),
    "tree": (
        {"migrations/2023/2_b.sql": UP, "migrations/2022/1_a.sql": UP},
        [("migrations/2022/1_a.sql", True), ("migrations/2023/2_b.sql", True)],
    ),
}  # fmt: skip


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def history_of(folder: Path, files: dict[str, str], stated: Stated | None = None) -> History:
    put(folder, files)
    return discover((), None, folder, stated or Stated())[0]


def states(history: History) -> list[tuple[tuple[str, ...], list[str]]]:
    """The names of the relations, and the SQLSTATEs, after each migration."""
    catalog, found = empty_catalog(("public",)), []
    for migration in history.migrations:
        replayed = replay_migration(catalog, migration)
        catalog = replayed.after
        names = tuple(sorted(catalog.qualified_name(each) for each in catalog.objects(Relation)))
        found.append((names, [step.refusal.sqlstate for step in replayed.steps if step.refusal is not None]))
    return found


def test_every_layout_is_tried_and_documented() -> None:
    names = [each.name for each in LAYOUTS]
    assert sorted(FOLDERS) == sorted(names)
    assert re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE) == names
    late = {each.name: each.late for each in LAYOUTS if each.late != "unknown"}
    said = PAGE.partition("## Out of order")[2].partition("Versions that")[0]
    for words, fate in (
        (r"said.*?:(.*?)refuse it", "refused"),
        (r"otherwise,(.*?)never", "never applied"),
        (r"past it,(.*?)apply it late", "applied"),
    ):
        listed = re.search(words, said, re.DOTALL)
        assert listed is not None
        assert sorted(re.findall(r"`([^`]+)`", listed[1])) == sorted(name for name, each in late.items() if each == fate)
    sharing = PAGE.partition("## Sessions")[2].partition("one connection runs")[0].partition("With ")[2]
    assert sorted(re.findall(r"`([^`]+)`", sharing)) == sorted(each.name for each in LAYOUTS if each.shares_session)


@pytest.mark.parametrize("layout", FOLDERS)
def test_a_layout(layout: str, tmp_path: Path) -> None:
    files, expected = FOLDERS[layout]
    history = history_of(tmp_path, files)
    assert history.layout == layout
    assert [(each.path, each.transactional) for each in history.migrations] == expected
    assert not any("DROP" in each.source.text for each in history.migrations)
    assert layout == "node-pg-migrate" or all(len(each.source.text) == len(files[each.path]) for each in history.migrations)


def test_what_a_transaction_does_not_take_is_refused_where_the_tool_runs_one(tmp_path: Path) -> None:
    """PostgreSQL answers 25001 to CREATE INDEX CONCURRENTLY inside a transaction block."""
    files = {"migrations/1_a.sql": f"-- +goose Up\n{UP}", "migrations/2_b.sql": f"-- +goose Up\n{CONCURRENT}"}
    assert [sqlstates for _, sqlstates in states(history_of(tmp_path, files))] == [[], ["25001"]]


SHARED = [each.name for each in LAYOUTS if each.shares_session]


def in_layout(layout: str, *texts: str) -> dict[str, str]:
    marks = {
        "goose": "-- +goose Up\n",
        "dbmate": "-- migrate:up\n",
        "sql-migrate": "-- +migrate Up\n",
        "node-pg-migrate": "-- Up Migration\n",
    }
    names = {"golang-migrate": "{}_x.up.sql", "prisma": "{}_x/migration.sql", "diesel": "{}_x/up.sql"}
    others = {
        "drizzle": {"migrations/meta/_journal.json": journal("1_x", "2_x")},
        "atlas": {"migrations/atlas.sum": ""},
        "sqlx": {"Cargo.toml": "sqlx"},
    }
    form, mark = f"migrations/{names.get(layout, '{}_x.sql')}", marks.get(layout, "")
    files = {form.format(number): mark + text for number, text in enumerate(texts, 1)}
    return {**others.get(layout, {}), **files}


@pytest.mark.parametrize("layout", ["flat", *SHARED])
def test_what_a_migration_sets_holds_for_the_next_one_in_the_same_session(layout: str, tmp_path: Path) -> None:
    history = history_of(tmp_path, in_layout(layout, "CREATE SCHEMA app; SET search_path = app;", "CREATE TABLE t (id int);"))
    assert history.layout == layout
    assert states(history)[1] == (("app.t" if layout in SHARED else "public.t",), [])


@pytest.mark.parametrize("layout", ["flat", *SHARED])
def test_a_dump_that_empties_the_search_path(layout: str, tmp_path: Path) -> None:
    """In one run the next migration would find no schema; it has been applied, so it had a session of its own."""
    dump = "SELECT pg_catalog.set_config('search_path', '', false); CREATE TABLE public.t (id int);"
    history = history_of(tmp_path, in_layout(layout, dump, "ALTER TABLE t ADD a int;"))
    assert states(history)[1] == (("public.t",), [])


def test_placeholders_of_flyway(tmp_path: Path) -> None:
    files = {
        "db/migration/V1__a.sql": (
            "CREATE SCHEMA ${schema};\nCREATE TABLE ${schema}.${TABLE} (id int, ${x});\nBROKEN ${schema};\n"
        ),
        "flyway.conf": "flyway.url=jdbc:x\nflyway.placeholders.schema = wrong\nflyway.placeholders.table=orders\n",
        "flyway.toml": '[flyway.placeholders]\nx = "b int"\n',
    }
    history = history_of(tmp_path, files, Stated(placeholders={"schema": "application"}))
    (migration,) = history.migrations
    assert "CREATE TABLE application.orders (id int, b int);" in migration.source.text
    assert history.notes == ()
    created, table, broken = (each.span for each in read_migration(migration))
    assert [each.source.position(each.start) for each in (created, table, broken)] == [(1, 1), (2, 1), (3, 1)]
    assert table.source.line(2).startswith("CREATE TABLE ${schema}")
    assert migration.source.position(migration.source.text.index("(id")) == (2, len("CREATE TABLE ${schema}.${TABLE} ") + 1)


def test_a_placeholder_without_a_value_is_said_and_no_error(tmp_path: Path) -> None:
    put(tmp_path, {"db/migration/V1__a.sql": "CREATE TABLE a (id int);\nCREATE TABLE ${schema}.b (id int);\n"})
    done = run(tmp_path, "check", "--format", "json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["findings"]) == (0, [])
    assert [(each["line"], each["reason"]) for each in found["unmodelled"]] == [
        (2, "${schema} has no value here, so the statement is not known")
    ]
    assert "the placeholder ${schema} has no value" in done.stderr


def test_files_that_a_migration_takes_in(tmp_path: Path) -> None:
    """The seed's history with its functions in another file: the finding's second place is in there."""
    shutil.copytree(SEED, tmp_path / "project")
    folder = tmp_path / "project/supabase/migrations"
    for each in sorted(folder.glob("*.sql")):
        text = each.read_text(encoding="utf-8")
        if "FUNCTION" in text:
            (folder / "parts").mkdir(exist_ok=True)
            (folder / "parts" / f"{each.stem}.sql").write_text(text, encoding="utf-8")
            each.write_text(f"\\ir 'parts/{each.stem}.sql'\n", encoding="utf-8")
    done = run(tmp_path / "project", "check", "--format", "json")
    errors = [each for each in json.loads(done.stdout)["findings"] if each["severity"] == "error"]
    assert [each["rule"] for each in errors] == ["breaks/required-column"]
    assert any("/parts/" in each["path"] for each in errors[0]["related"])


def test_files_in_files(tmp_path: Path) -> None:
    files = {
        "sql/all.sql": "\\i sql/tables/a.sql\n\\ir tables/b.sql\n\\i gone.sql\n\\i ../../outside.sql\n",
        "sql/tables/a.sql": "CREATE TABLE a (id int);\n\\ir b.sql\n\\ir a.sql\n",
        "sql/tables/b.sql": "CREATE TABLE IF NOT EXISTS b (id int);",
    }
    put(tmp_path, {"outside.sql": "CREATE TABLE outside ();"})
    history = history_of(tmp_path / "project", files)
    assert [each.path for each in history.migrations] == ["sql/all.sql"]
    assert states(history) == [(("public.a", "public.b"), [])]
    replayed = replay_migration(empty_catalog(("public",)), history.migrations[0])
    reasons = [unknown.span.text for step in replayed.steps for unknown in step.unmodelled]
    assert reasons == ["\\ir a.sql", "\\i gone.sql", "\\i ../../outside.sql"]


def test_a_file_that_others_take_in_is_asked_about_by_its_name(tmp_path: Path) -> None:
    put(tmp_path, {"migrations/1_a.sql": "\\ir parts/a.sql\n", "migrations/parts/a.sql": UP, "migrations/2_b.sql": UP})
    history, asked = discover([Path("migrations/parts/a.sql")], None, tmp_path)
    assert asked == {"migrations/1_a.sql"}
    assert not any("not checked" in each for each in history.notes)


DUMP = """\\restrict abc
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.users (id bigint NOT NULL);
SET search_path TO "$user", public;
INSERT INTO "schema_migrations" (version) VALUES
('2'),
('1');
\\unrestrict abc
"""


def test_a_project_that_only_has_a_dump(tmp_path: Path) -> None:
    history = history_of(tmp_path, {"db/structure.sql": DUMP, "db/migrate/1_users.rb": "", "db/seeds.sql": UP})
    assert [each.path for each in history.migrations] == ["db/structure.sql"]
    assert states(history) == [(("public.users",), [])]
    again, _ = discover([Path("db/structure.sql")], None, tmp_path)
    assert [each.path for each in again.migrations] == ["db/structure.sql"]


def test_a_dump_that_migrations_follow(tmp_path: Path) -> None:
    files = {f"db/migrations/{n}_x.sql": f"ALTER TABLE users ADD c{n} int;" for n in (1, 2, 3)}
    put(tmp_path, {"db/structure.sql": DUMP})
    history = history_of(tmp_path, files, Stated(starting_state=Path("db/structure.sql")))
    assert [each.path for each in history.migrations] == ["db/structure.sql", "db/migrations/3_x.sql"]
    assert history.notes == ("2 migrations are part of db/structure.sql and were not read again",)


def test_a_dump_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"gone\.sql: the configured starting state does not exist"):
        history_of(tmp_path, {"migrations/1_x.sql": UP}, Stated(starting_state=Path("gone.sql")))


def test_what_a_journal_lists_and_what_is_there(tmp_path: Path) -> None:
    files = {"drizzle/meta/_journal.json": journal("0000_a", "0001_gone"), "drizzle/0000_a.sql": UP, "drizzle/0002_b.sql": UP}
    assert history_of(tmp_path, files).notes == (
        "1 SQL file elsewhere below drizzle/ not read",
        "drizzle/0001_gone.sql is listed by drizzle and is not there",
    )


def test_a_journal_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="drizzle: cannot be read as a journal of Drizzle's"):
        history_of(tmp_path, {"drizzle/meta/_journal.json": "{", "drizzle/0000_a.sql": UP})


def test_the_layout_that_is_configured(tmp_path: Path) -> None:
    put(tmp_path, {"migrations/10_a.sql": UP, "migrations/9_b.sql": UP, ".schemalint.yml": "layout: atlas\n"})
    done = run(tmp_path, "check")
    assert done.returncode == 2
    assert (
        done.stderr == "schemalint: error: migrations: holds nothing that atlas would run; leave `layout` out to have it found\n"
    )
    put(tmp_path, {".schemalint.yml": "layout: atlass\n"})
    assert "layout" in run(tmp_path, "check").stderr


def test_two_folders_are_said(tmp_path: Path) -> None:
    history = history_of(tmp_path, {"migrations/1_a.sql": UP, "db/migrations/1_b.sql": UP, "sql/query.sql": "SELECT 1;"})
    assert history.notes == (
        "db/migrations holds migrations too and was not read: name one of the two folders, here or as `migrations` in the "
        "configuration",
    )


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        (["0001", "0002", "0004", "0005", "0006"], "version 3 is missing between {0}0002_x.sql and {0}0004_x.sql"),
        ([*"123456789", "12"], "version numbers 10 to 11 are missing between {0}9_x.sql and {0}12_x.sql"),
        (["10", "20", "30"], None),
        (["20240101", "20240103"], None),
    ],
)
def test_numbers_that_are_missing(versions: list[str], said: str | None, tmp_path: Path) -> None:
    history = history_of(tmp_path, {f"migrations/{each}_x.sql": UP for each in versions})
    assert list(history.notes) == ([] if said is None else [said.format("migrations/")])


@pytest.mark.parametrize(
    ("layout", "said"),
    [("golang-migrate", "golang-migrate never applies it"), ("goose", "goose refuses it"), ("dbmate", "dbmate applies it after")],
)
def test_a_migration_that_comes_too_late(layout: str, said: str, tmp_path: Path) -> None:
    files = in_layout(layout, "SELECT 1;", "SELECT 2;", "SELECT 3;")
    late = next(each for each in files if "/2_x" in each)
    put(tmp_path, {name: text for name, text in files.items() if name != late})
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one and three")
    put(tmp_path, {late: files[late]})
    assert f"{late} is new, and older than migrations/3_x" in (told := run(tmp_path, "check", "--since", "main").stdout)
    assert said in told
    git(tmp_path, "add", ".")
    assert said in run(tmp_path, "check", "--staged").stdout


ALEMBIC = b"""BEGIN;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- Running upgrade  -> 1975ea83b712

CREATE TABLE account (id SERIAL NOT NULL, name VARCHAR(50) NOT NULL, PRIMARY KEY (id));

INSERT INTO alembic_version (version_num) VALUES ('1975ea83b712') RETURNING alembic_version.version_num;

-- Running upgrade 1975ea83b712 -> ae1027a6acf

ALTER TABLE account ADD COLUMN last_transaction_date TIMESTAMP WITHOUT TIME ZONE;

UPDATE alembic_version SET version_num='ae1027a6acf' WHERE alembic_version.version_num = '1975ea83b712';

COMMIT;
"""
DJANGO = b"""BEGIN;
--
-- Add field body to post
--
ALTER TABLE "posts" ADD COLUMN "body" text DEFAULT '' NOT NULL;
ALTER TABLE "posts" ALTER COLUMN "body" DROP DEFAULT;
COMMIT;
"""
SYNC = """
CREATE TABLE posts (id int PRIMARY KEY);
CREATE TABLE posts_v2 (id int PRIMARY KEY);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    DELETE FROM posts WHERE id = OLD.id;
    RETURN OLD;
  END IF;
  INSERT INTO posts (id) VALUES (NEW.id) ON CONFLICT (id) DO NOTHING;
  RETURN NEW;
END $$;
CREATE TRIGGER s AFTER INSERT OR UPDATE OR DELETE ON posts_v2 FOR EACH ROW EXECUTE FUNCTION f();
"""


def test_what_alembic_and_django_print(tmp_path: Path) -> None:
    done = fed(tmp_path, ALEMBIC, "--format", "json")
    assert (done.returncode, json.loads(done.stdout)["findings"]) == (0, [])
    put(tmp_path, {"migrations/0001_sync.sql": SYNC})
    done = fed(tmp_path, DJANGO, "--format", "json", "--stdin-filename", "migrations/0042_body.sql")
    found = [(each["rule"], each["line"]) for each in json.loads(done.stdout)["findings"] if each["severity"] == "error"]
    assert found == [("breaks/required-column", 6)]
