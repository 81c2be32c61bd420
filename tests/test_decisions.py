"""What has been decided to stay: comments, entries of the configuration, and how they are listed."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from schemalint.configuration.globs import matches
from schemalint.decision import Malformed, Suppression
from schemalint.decisions.comments import suppressions_in
from schemalint.parse.statements import read_statements
from schemalint.text import Source
from tests.test_command_line import error_of, run

TABLES = """\
CREATE TABLE orders (id bigint PRIMARY KEY, note text);
CREATE TABLE orders_old (id bigint PRIMARY KEY, note text);
CREATE FUNCTION copy_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    DELETE FROM orders_old WHERE id = OLD.id;
    RETURN OLD;
  END IF;
  INSERT INTO orders_old (id, note) VALUES (NEW.id, NEW.note)
  ON CONFLICT (id) DO UPDATE SET note = EXCLUDED.note;
  RETURN NEW;
END $$;
CREATE TRIGGER copy_order AFTER INSERT OR UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION copy_order();
"""
CHANGE = "ALTER TABLE orders_old ADD COLUMN origin text NOT NULL;\n"
RULE = "breaks/required-column"
IGNORED = f"-- schemalint: ignore {RULE} because the writers are stopped\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A sync, and a migration that breaks it."""
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/1_tables.sql").write_text(TABLES)
    change(tmp_path, CHANGE)
    return tmp_path


def change(project: Path, text: str) -> None:
    (project / "migrations/2_change.sql").write_text(text)


def configure(project: Path, text: str) -> None:
    (project / ".schemalint.yml").write_text(text)


def report(folder: Path, *arguments: str) -> dict[str, Any]:
    done = run(folder, "check", "--format", "json", "--ignore", "blocks", *arguments)  # locks are shown elsewhere
    assert done.returncode in (0, 1), done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def rules_of(folder: Path, *arguments: str) -> list[str]:
    return [each["rule"] for each in report(folder, *arguments)["findings"]]


# -- comments


@pytest.mark.parametrize("arguments", [(), ("migrations/2_change.sql",)], ids=["newest", "file"])
def test_a_comment_above_the_statement(project: Path, arguments: tuple[str, ...]) -> None:
    assert rules_of(project, *arguments) == [RULE]
    change(project, IGNORED + CHANGE)
    done = run(project, "check", "--ignore", "blocks", *arguments)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].endswith("no findings (1 suppressed)")
    assert report(project, *arguments)["summary"]["suppressed"] == 1


def test_what_is_repaired_later_is_used_in_both_ways(project: Path) -> None:
    change(project, IGNORED + CHANGE)
    (project / "migrations/3_repair.sql").write_text("ALTER TABLE orders_old ALTER COLUMN origin DROP NOT NULL;\n")
    assert rules_of(project) == []
    assert rules_of(project, "migrations/2_change.sql") == []
    (listed,) = json.loads(run(project, "suppressions", "--format", "json").stdout)["suppressions"]
    assert listed["used"] is True


def test_a_rule_hides_no_other(project: Path) -> None:
    change(project, f"-- schemalint: ignore loses/trigger-gone because of reasons\n{CHANGE}")
    assert rules_of(project) == ["decisions/unused-suppression", RULE]


def test_a_rule_that_is_off_is_not_missed(project: Path) -> None:
    change(project, IGNORED + CHANGE)
    configure(project, f"severity: {{{RULE}: off}}\n")
    assert rules_of(project) == []
    assert "(not asked)" in run(project, "suppressions").stdout


def test_decisions_have_severities_too(project: Path) -> None:
    change(project, f"-- schemalint: ignore {RULE}\n{CHANGE}")
    assert rules_of(project) == ["decisions/malformed-suppression", RULE]
    configure(project, "severity: {decisions: off}\n")
    assert rules_of(project) == [RULE]


@pytest.mark.parametrize(
    "text",
    [
        f"{IGNORED}-- +goose Up\n-- +goose StatementBegin\n{CHANGE}-- +goose StatementEnd\n-- +goose Down\nDROP TABLE orders;\n",
        f"-- +goose Up\n{IGNORED}{CHANGE}-- +goose Down\n",
        f"{IGNORED}\n-- migrate:up\n{CHANGE}\n-- migrate:down\nDROP TABLE orders;\n",
        f"-- migrate:up transaction:false\n{IGNORED.rstrip()}\r\n{CHANGE}",
        f"\ufeff{IGNORED}{CHANGE}",
    ],
    ids=["goose, above", "goose, inside", "dbmate, file", "dbmate, CRLF", "byte-order mark"],
)
def test_in_the_files_of_other_tools(project: Path, text: str) -> None:
    change(project, text)
    assert rules_of(project) == []


# -- where a comment stands


def read(text: str) -> list[tuple[str, str | None]]:
    """Each suppression's rule, and the text of its statement; the message of one that is malformed."""
    source = Source("a.sql", text)
    found = suppressions_in(source, [each.span for each in read_statements(source)])
    return [_said(each) for each in found]


def _said(each: Suppression | Malformed) -> tuple[str, str | None]:
    if isinstance(each, Malformed):
        return "malformed", each.message
    return each.rule, each.statement.text if each.statement is not None else None


MARK = "-- schemalint: ignore a/b because c"


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        (f"{MARK}\nSELECT 1;\nSELECT 2;", "SELECT 1"),
        (f"-- x\n{MARK}\n-- y\n/* z */\nSELECT 1;", "SELECT 1"),
        (f"SELECT 1; {MARK}\nSELECT 2;", "SELECT 1"),
        (f"SELECT 1; SELECT 2; {MARK}\nSELECT 3;", "SELECT 2"),
        (f"SELECT\n  {MARK}\n  1;", f"SELECT\n  {MARK}\n  1"),
        (f"SELECT 1 {MARK}\n;", "SELECT 1"),
        (f"SELECT 1 {MARK}", "SELECT 1"),
        (f"SELECT 1;\n{MARK}\nSELECT 2;", "SELECT 2"),
        (f"SELECT 1;\n\n   {MARK}\n  SELECT 2;", "SELECT 2"),
        (f"{MARK}\nSELEC 1;", "SELEC 1"),
        (f"{MARK}\n\nSELECT 1;", None),
        (f"\n-- x\n{MARK}\n   \nSELECT 1;", None),
        (MARK, None),
    ],
)
def test_what_a_comment_is_for(text: str, statement: str | None) -> None:
    assert read(text) == [("a/b", statement)]
    crlf = text.replace("\n", "\r\n")
    assert read(crlf) == [("a/b", statement.replace("\n", "\r\n") if statement is not None else None)]


@pytest.mark.parametrize(
    "text",
    [
        f"SELECT 1;\n\n{MARK}\n\nSELECT 2;",
        f"SELECT 1;\n{MARK}",
        f"SELECT 1;\n{MARK}\n",
        "-- schemalint: ignore\nSELECT 1;",
        "-- schemalint: ignore a/b\nSELECT 1;",
        "-- schemalint: ignore a/b because\nSELECT 1;",
        "-- schemalint: ignore because c\nSELECT 1;",
        "-- schemalint: ignore a/b, because c\nSELECT 1;",
        "-- schemalint: ignroe a/b because c\nSELECT 1;",
        "-- schemalint-ignore a/b because c\nSELECT 1;",
        "-- schemalint ignore a/b\nSELECT 1;",
        "-- SCHEMALINT: IGNORE a/b because c\nSELECT 1;",
        "/* schemalint: ignore a/b because c */ SELECT 1;",
        "-- schemalint: ignore a/b because c until 2030-13-01\nSELECT 1;",
        "-- schemalint: ignore a/b because c until 1.2.2030\nSELECT 1;",
        "-- schemalint: ignore a/b because until 2030-01-01\nSELECT 1;",
        "-- schemalint: ignore decisions/unused-suppression because c\nSELECT 1;",
    ],
)
def test_what_is_malformed(text: str) -> None:
    assert [rule for rule, _ in read(text)] == ["malformed"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '-- schemalint: ignore a/b because c';",
        f"SELECT '\n{MARK}\n';",
        f"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n{MARK}\nSELECT 1 $$;",
        f'SELECT 1 AS "\n{MARK}\n";',
        f"/*\n{MARK}\n*/ SELECT 1;",
        f"COPY t FROM stdin;\n{MARK}\n\\.\nSELECT 1;",
        "-- see schemalint's rules on this\nSELECT 1;",
    ],
)
def test_what_is_no_comment(text: str) -> None:
    assert read(text) == []


def test_several_rules_and_a_day(project: Path) -> None:
    assert [rule for rule, _ in read("-- schemalint: ignore a/b,c/d ,  e/ because f until g\nSELECT 1;")] == ["a/b", "c/d", "e/"]
    change(project, f"-- schemalint: ignore {RULE}, breaks/ because it is known until 9999-12-31\n{CHANGE}")
    listed = json.loads(run(project, "suppressions", "--format", "json").stdout)["suppressions"]
    assert [(each["rule"], each["until"], each["reason"]) for each in listed] == [
        (RULE, "9999-12-31", "it is known"),
        ("breaks/", "9999-12-31", "it is known"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "-- schemalint: ignore" + " " * 200_000 + "x\n",
        "-- schemalint: ignore " + "a/b, " * 40_000 + "because c\nSELECT 1;",
        "-- schemalint: ignore a/b because" + " until" * 40_000 + "\nSELECT 1;",
        "-- schemalint: ignore a/b because c\n" * 50_000,
        "/*" * 100_000 + " schemalint: ",
    ],
    ids=["blanks", "rules", "until", "lines", "open comments"],
)
def test_hostile_comments_take_bounded_time(text: str) -> None:
    started = perf_counter()
    read(text)
    assert perf_counter() - started < 5


# -- the configuration


def entry(**values: str) -> str:
    first, *others = [f"{key}: {value}" for key, value in values.items()]
    return "".join(["ignore:\n", f"  - {first}\n", *(f"    {each}\n" for each in others)])


def test_an_entry_of_the_configuration(project: Path) -> None:
    configure(project, entry(rule=RULE, path="migrations/2_*.sql", because="known"))
    assert report(project)["summary"]["suppressed"] == 1
    assert rules_of(project) == []
    assert rules_of(project, "migrations/2_change.sql") == []


def test_an_entry_for_other_files(project: Path) -> None:
    configure(project, entry(rule=RULE, path="migrations/1_*.sql", because="known"))
    (first, second) = report(project)["findings"]
    assert (first["rule"], first["path"], first["line"]) == ("decisions/unused-suppression", ".schemalint.yml", 2)
    assert second["rule"] == RULE
    # Whether it is for something, only the whole history can tell.
    assert rules_of(project, "migrations/2_change.sql") == [RULE]


def test_an_entry_that_has_expired(project: Path) -> None:
    configure(project, entry(rule="breaks/", because="known", until="2020-01-01"))
    assert rules_of(project) == ["decisions/expired-suppression", RULE]
    assert "breaks/ because known until 2020-01-01 (expired)" in run(project, "suppressions").stdout


def test_paths_are_relative_to_the_configuration(project: Path) -> None:
    (project / ".git").mkdir()
    configure(project, entry(rule=RULE, path="migrations/**", because="known"))
    inner = project / "inner"
    inner.mkdir()
    assert rules_of(inner, "../migrations") == []
    assert rules_of(project / "migrations", ".") == []


def test_entries_in_pyproject(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        f'[tool.schemalint]\nfail_on = "info"\n\n[[tool.schemalint.ignore]]\nrule = "{RULE}"\nbecause = "known"\n\n'
        '[[tool.schemalint.ignore]]\nrule = "loses"\nbecause = "known"\n'
    )
    (finding,) = report(project)["findings"]
    assert (finding["rule"], finding["path"], finding["line"]) == ("decisions/unused-suppression", "pyproject.toml", 9)


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("a/*.sql", "a/b.sql", True),
        ("a/*.sql", "a/b/c.sql", False),
        ("a/**", "a/b/c.sql", True),
        ("**/c.sql", "c.sql", True),
        ("**/c.sql", "a/b/c.sql", True),
        ("a/**/c.sql", "a/c.sql", True),
        ("a/", "a/b/c.sql", True),
        ("./a/?.sql", "a/b.sql", True),
        ("a", "a/b.sql", False),
        ("*", "a/b.sql", False),
        ("**", "../a/b.sql", True),
        ("A/*.sql", "a/b.sql", False),
        ("**/" * 50 + "x", "/".join("a" * 200), False),
        ("*a" * 50 + "b", "a" * 200, False),
    ],
)
def test_globs(glob: str, path: str, fits: bool) -> None:
    assert matches(glob, path) is fits


# -- the list


def test_the_list(project: Path) -> None:
    assert run(project, "suppressions").stdout == "no suppressions\n"
    change(project, f"{IGNORED}{CHANGE}-- schemalint: ignore breaks/nothing because \x1b[31m::error::\nSELECT 1;\n")
    configure(project, entry(rule="loses/", because="later"))
    done = run(project, "suppressions")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        ".schemalint.yml:2: loses/ because later (unused)",
        "migrations/2_change.sql:1: breaks/required-column because the writers are stopped (used)",
        "migrations/2_change.sql:3: breaks/nothing because \\x1b[31m::error:: (unknown rule)",
    ]
    first, second, third = json.loads(run(project, "suppressions", "--format", "json").stdout)["suppressions"]
    assert first == {
        "path": ".schemalint.yml", "line": 2, "column": 3, "rule": "loses/", "reason": "later", "until": None,
        "scope": "configuration", "files": None, "state": "unused", "used": False,
    }  # fmt: skip
    assert (second["scope"], second["used"], third["used"]) == ("statement", True, None)


def test_the_list_of_a_file(project: Path) -> None:
    change(project, IGNORED + CHANGE)
    configure(project, entry(rule="loses/", because="later"))
    assert len(run(project, "suppressions", "migrations").stdout.splitlines()) == 2
    assert len(run(project, "suppressions", "migrations/2_change.sql").stdout.splitlines()) == 1
    assert run(project, "suppressions", "migrations/1_tables.sql").stdout == "no suppressions\n"
    assert error_of(run(project, "suppressions", "nope.sql")) == "nope.sql: does not exist"
