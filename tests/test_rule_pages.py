"""The pages of the rules: fresh, complete, and what `schemalint explain` prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from schemalint.rule import Rule, load_rules
from tests.fixture_files import read_fixture
from tests.generate_rule_pages import FOLDER, INDEX, file_of
from tests.postgres import Answer, Server
from tests.rule_pages import Run, index_of, page_of, rendered, run_of
from tests.test_command_line import error_of, run

RULES = [pytest.param(each, id=each.id) for each in load_rules()]
REMEDY = "python -m tests.generate_rule_pages"


@pytest.mark.parametrize("rule", RULES)
def test_a_page_is_what_rule_fixtures_and_server_give(postgres: Server, rule: Rule) -> None:
    assert file_of(rule).read_text(encoding="utf-8") == page_of(postgres, rule), REMEDY


def test_the_index_is_fresh_and_nothing_else_is_there() -> None:
    assert INDEX.read_text(encoding="utf-8") == index_of(load_rules()), REMEDY
    assert {*FOLDER.rglob("*.md")} == {INDEX, *map(file_of, load_rules())}, REMEDY


@pytest.mark.parametrize("page", sorted(FOLDER.rglob("*.md")), ids=lambda page: page.relative_to(FOLDER).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    assert all((page.parent / each).exists() for each in links)


@pytest.mark.parametrize("rule", RULES)
def test_explain_prints_the_page(tmp_path: Path, rule: Rule) -> None:
    done = run(tmp_path, "explain", rule.id)
    assert (done.returncode, done.stdout, done.stderr) == (0, file_of(rule).read_text(encoding="utf-8"), "")


def test_explain_knows_what_was_meant(tmp_path: Path) -> None:
    message = error_of(run(tmp_path, "explain", "loses/trigger-lost"))
    assert message.startswith("unknown rule 'loses/trigger-lost' (did you mean 'loses/trigger-gone'")
    assert message.endswith("?); `schemalint rules` lists them")
    assert "did you mean" not in error_of(run(tmp_path, "explain", "zzz"))


def test_rules_as_json(tmp_path: Path) -> None:
    listed = json.loads(run(tmp_path, "rules", "--format", "json").stdout)["rules"]
    assert [each["id"] for each in listed] == [each.id for each in load_rules()]
    assert all(each["summary"] and each["group"] == each["id"].partition("/")[0] for each in listed)
    (required,) = (each for each in listed if each["id"] == "breaks/required-column")
    assert "23502" in required["sqlstates"]


# -- the page's parts

TEXT = """\
-- What it is.
-- setup
CREATE SCHEMA auth;
-- 0001_a.sql
CREATE TABLE a (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), made timestamptz DEFAULT now(), n int);
-- rows
INSERT INTO a VALUES ('00000000-0000-0000-0000-000000000001', '2020-01-01', 1);
-- 0002_b.sql
-- expect: loses/x error, loses/x error
ALTER TABLE a ADD COLUMN c int;
ALTER TABLE a ADD COLUMN d int; -- expect: breaks/y, loses/z info
-- probe
INSERT INTO a (n) VALUES (2);
-- as anon
SELECT * FROM a;
-- lost
SELECT id, n, c FROM a;
"""


@pytest.fixture
def example(postgres: Server, tmp_path: Path) -> Run:
    path = tmp_path / "loses" / "trigger_gone" / "bad.sql"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT)
    return run_of(postgres, read_fixture(path))


def test_what_the_server_makes_up_is_left_out(example: Run) -> None:
    (rule,) = (each for each in load_rules() if each.id == example.fixture.rule)
    page = rendered(rule, example, example, [example.fixture])
    assert "-- ↓ error[loses/x]\nALTER TABLE a ADD COLUMN c int;\n" in page
    assert "ALTER TABLE a ADD COLUMN d int;  -- ← breaks/y, info[loses/z]\n" in page
    assert "-- what the platform has made before\nCREATE SCHEMA auth;\n" in page
    assert "-- rows that are there by now\nINSERT INTO a VALUES ('0000" in page
    assert "-- INSERT 0 1\n-- as anon\nSELECT * FROM a;\n-- ERROR 42501: permission denied for table a\n" in page
    assert "-- 2 rows: (00000000-0000-0000-0000-000000000001, 1, NULL), (…, 2, NULL)\n" in page
    assert "- Reported: What it is.\n" in page


def test_a_refusal_is_shown(example: Run) -> None:
    (rule,) = (each for each in load_rules() if each.id == example.fixture.rule)
    refused = Run(example.fixture, 18, {"0002_b.sql": Answer("42701", "column\n  is there")}, [], [], meanwhile=False)
    page = rendered(rule, refused, refused, [])
    assert "PostgreSQL 18 refuses `0002_b.sql`:\n\n```text\nERROR 42701: column is there\n```\n" in page
