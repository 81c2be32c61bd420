"""The format of fixtures, and that every fixture keeps to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixture_files import Expectation, FixtureError, Probe, fixture_files, in_one_transaction, read_fixture, statements

WHOLE = """\
-- A column that the trigger does not fill.
-- setup
CREATE SCHEMA auth;
-- 0001_tables.sql
CREATE TABLE a (id int); -- expect: loses/row-filtered info

-- rows
INSERT INTO a VALUES (1);
-- 0002_change.sql
-- expect: breaks/one warning, loses/two
ALTER TABLE a ADD b int;
ALTER TABLE a ADD c int; -- expect: breaks/three
-- probe
INSERT INTO a VALUES (';'); -- no user
-- as authenticated
INSERT INTO a VALUES ($$;$$);
-- lost
SELECT 1;
"""


def written(folder: Path, text: str, name: str = "bad.sql") -> Path:
    path = folder / "breaks" / "required_column" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_reads_a_whole_file(tmp_path: Path) -> None:
    fixture = read_fixture(written(tmp_path, WHOLE))
    assert (fixture.rule, fixture.group, fixture.name) == ("breaks/required-column", "breaks", "breaks/required-column/bad")
    assert [each.name for each in fixture.migrations] == ["0001_tables.sql", "0002_change.sql"]
    assert fixture.expectations == (
        Expectation("loses/row-filtered", "info", "0001_tables.sql", 1),
        Expectation("breaks/one", "warning", "0002_change.sql", 2),
        Expectation("loses/two", None, "0002_change.sql", 2),
        Expectation("breaks/three", None, "0002_change.sql", 3),
    )
    assert fixture.probe == (
        Probe("INSERT INTO a VALUES (';')", "app_owner"),
        Probe("-- no user\n-- as authenticated\nINSERT INTO a VALUES ($$;$$)", "authenticated"),
    )
    assert fixture.lost == "SELECT 1;\n"
    assert fixture.setup == "CREATE SCHEMA auth;\n"
    assert fixture.rows == {"0002_change.sql": "INSERT INTO a VALUES (1);\n"}
    assert fixture.remark == "A column that the trigger does not fill."


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("SELECT 1;\n-- 0001_a.sql\nSELECT 1;", 1, "SQL above the first header"),
        ("SELECT 1;", 1, "SQL above"),
        ("-- 0001_a.sql", 1, "nothing under 0001_a.sql"),
        ("-- 0001_a.sql\nSELECT 1;", 1, "a bad fixture expects something"),
        ("-- 0001_a.sql\nSELECT 1; -- expect: breaks", 2, "'breaks' is not a rule"),
        ("-- 0001_a.sql\nSELECT 1; -- expect: breaks/x fatal", 2, "'breaks/x fatal' is not a rule"),
        ("-- 0001_a.sql\nSELECT 1; -- expects breaks/x", 2, "not a mark"),
        ("-- 0001_a.sql\nSELECT 1;\n-- probe:\nSELECT 1;", 3, "not a mark"),
        ("-- 0001_a.sql\nSELECT 1;\n-- expect: breaks/x", 3, "no line below it"),
        ("-- 0001_a.sql\n-- expect: breaks/x\n-- expect: breaks/y\nSELECT 1;", 2, "separated by a comma"),
        ("-- 0001_a.sql\nSELECT 1;\n-- probe\nSELECT 1; -- expect: breaks/x", 4, "an expectation under probe"),
        ("-- 0001_a.sql\nSELECT 1;\n-- probe\nSELECT 1;\n-- 0002_b.sql\nSELECT 1;", 5, "-- 0002_b.sql after -- probe"),
        ("-- 0001_a.sql\nSELECT 1;\n-- rows\nSELECT 1;\n-- probe\nSELECT 1;", 3, "rows without a migration"),
        ("-- 0001_a.sql\nSELECT 1;\n-- 0001_a.sql\nSELECT 1;", 3, "there already"),
        ("", 1, "no migration"),
    ],
)
def test_says_where_a_file_is_wrong(tmp_path: Path, text: str, line: int, reason: str) -> None:
    with pytest.raises(FixtureError) as raised:
        read_fixture(written(tmp_path, text))
    assert f"bad.sql:{line}: " in str(raised.value)
    assert reason in str(raised.value)


def test_a_good_file_expects_nothing(tmp_path: Path) -> None:
    with pytest.raises(FixtureError, match="a good one nothing"):
        read_fixture(written(tmp_path, WHOLE, "good.sql"))
    with pytest.raises(FixtureError, match="neither"):
        read_fixture(written(tmp_path, WHOLE, "ugly.sql"))


def test_statements_end_at_semicolons_outside_of_quotes() -> None:
    text = "SELECT ';'; -- ;\nSELECT $a$ ; $$ ; $a$; /* ; */ SELECT \";\" ;; SELECT E'\\';'"
    assert list(statements(text)) == ["SELECT ';'", "-- ;\nSELECT $a$ ; $$ ; $a$", '/* ; */ SELECT ";"', "SELECT E'\\';'"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1;", True),
        ("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END; $$;", True),
        ("-- made CONCURRENTLY\nSELECT 'BEGIN;';", True),
        ("CREATE INDEX CONCURRENTLY i ON t (a);", False),
        ("-- first\nbegin;\nSELECT 1;\nCOMMIT;", False),
        ("START TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT;", False),
    ],
)
def test_transactions(text: str, expected: bool) -> None:
    assert in_one_transaction(text) is expected


@pytest.mark.parametrize("path", fixture_files(), ids=lambda path: "/".join(path.parts[-3:]))
def test_every_fixture_keeps_to_the_format(path: Path) -> None:
    read_fixture(path)
