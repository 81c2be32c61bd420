"""`schemalint verify` in every format, and with what has been decided: the installed command on the embedded server."""

from __future__ import annotations

import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sarif_pydantic import Sarif

from schemalint.finding import Certainty, Finding, Proof, Report, Severity
from schemalint.report.formats import render
from schemalint.report.proof import script_of
from schemalint.text import Source, Span
from tests.postgres import Server as Neighbour
from tests.test_command_line import run as run_any
from tests.test_decisions import TABLES as TWO_COLUMNS
from tests.test_formats import FORMATS
from tests.test_verify import UNSEEN as UNSEEN_OF_ORDERS

TABLES = (
    TWO_COLUMNS.replace("note text)", "note text, total numeric)")
    .replace("(id, note) VALUES (NEW.id, NEW.note)", "(id, note, total) VALUES (NEW.id, NEW.note, NEW.total)")
    .replace("note = EXCLUDED.note", "note = EXCLUDED.note, total = EXCLUDED.total")
)
FUNCTION = TABLES[TABLES.index("CREATE FUNCTION") : TABLES.index("CREATE TRIGGER")]
UNSEEN = UNSEEN_OF_ORDERS.replace("ON orders ", "ON orders_old ")
REQUIRED = "ALTER TABLE orders_old ADD COLUMN place text NOT NULL;\n"
RULE = "breaks/required-column"
BREAK = "verify/unreported-break"
ANSWER = '23502 null value in column "place" of relation "orders_old" violates not-null constraint'
WITNESS = 'INSERT INTO "public"."orders"'
LOST = FUNCTION.replace("CREATE", "CREATE OR REPLACE", 1).replace(", total", "").replace(", NEW.total", "")
LOST = LOST.replace(", total = EXCLUDED.total", "").replace(" = EXCLUDED.total", "")
# The linter does not know what EXECUTE does; the server does.
SHORTER = """\
CREATE FUNCTION shorter() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  EXECUTE 'SELECT left($1, 1)' USING NEW.note INTO NEW.note;
  RETURN NEW;
END $$;
CREATE TRIGGER shorter BEFORE INSERT ON orders_old FOR EACH ROW EXECUTE FUNCTION shorter();
"""
ASKED = ("migrations/0002_change.sql", "migrations/0003_more.sql")
TWICE = "CREATE TABLE orders (id int);\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_tables.sql").write_text(TABLES)
    return tmp_path


def change(project: Path, text: str) -> None:
    (project / "migrations" / "0002_change.sql").write_text(text)


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_any(project, "verify", *arguments)


def report(project: Path, *arguments: str) -> dict[str, Any]:
    done = run(project, "--format", "json", "--ignore", "blocks", *arguments)
    assert done.returncode in (0, 1), done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def rules_of(project: Path, *arguments: str) -> list[str]:
    return [each["rule"] for each in report(project, *arguments)["findings"]]


# -- formats


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All formats of one run, with a finding of the rules and one of the server's own."""
    folder = tmp_path_factory.mktemp("formats")
    (folder / "migrations").mkdir()
    (folder / "migrations" / "0001_tables.sql").write_text(TABLES)
    (folder / "migrations" / "0002_change.sql").write_text(UNSEEN)
    (folder / "migrations" / "0003_more.sql").write_text(REQUIRED)
    outputs = [f"--output={each}:{folder / each}" for each in FORMATS]
    done = run(folder, "--ignore", "blocks", *outputs, *ASKED)
    assert done.returncode == 1, done.stderr
    assert done.stdout == (folder / "text").read_text()
    return folder


def test_text_has_the_verdict_and_the_writes(written: Path) -> None:
    text = (written / "text").read_text()
    assert f"  = proof: confirmed: {ANSWER}\n  = run: {WITNESS}" in text
    assert f"[{BREAK}]" in text


def test_json_of_a_file_is_that_of_the_screen(written: Path) -> None:
    assert json.loads((written / "json").read_text()) == report(written, *ASKED)


def test_sarif_has_the_proof_as_properties_and_in_the_message(written: Path) -> None:
    text = (written / "sarif").read_text()
    (only,) = Sarif.model_validate(json.loads(text)).runs
    described = {each.id: each for each in only.tool.driver.rules or []}
    assert "no finding says so" in described[BREAK].short_description.text  # type: ignore[union-attr]
    (result,) = (each for each in json.loads(text)["runs"][0]["results"] if each["ruleId"] == RULE)
    proof = result["properties"]["proof"]
    assert (proof["verdict"], f"{proof['sqlstate']} {proof['message']}") == ("confirmed", ANSWER)
    assert proof["script"].startswith(WITNESS)
    assert f"\nProof: confirmed: {ANSWER}\nRun: {WITNESS}" in result["message"]["text"]


def test_annotations_have_the_proof(written: Path) -> None:
    lines = (written / "github").read_text().splitlines()
    assert all("%0Aproof: " in each for each in lines)
    (required,) = (each for each in lines if f"title={RULE}" in each)
    assert f"%0Aproof: confirmed: {ANSWER}%0Arun: {WITNESS}" in required
    assert any(f"title={BREAK}" in each for each in lines)
    issues = {each["check_name"]: each["description"] for each in json.loads((written / "gitlab").read_text())}
    assert f"\nProof: confirmed: {ANSWER}\nRun: {WITNESS}" in issues[RULE]
    assert "\nProof: confirmed: 22023 too long\nRun: " in issues[BREAK]


def test_junit_has_the_proof(written: Path) -> None:
    root = ElementTree.fromstring((written / "junit").read_text())
    failures = {each.attrib["name"]: each.findtext("failure") or "" for each in root.iter("testcase")}
    assert f"\nproof: confirmed: {ANSWER}\nrun:\n{WITNESS}" in failures["migrations/0003_more.sql"]
    assert f"[{BREAK}]" in failures["migrations/0002_change.sql"]


def test_markdown_has_the_proof(written: Path) -> None:
    text = (written / "markdown").read_text()
    assert f"- proof: `confirmed: {ANSWER}`\n\n```sql\n{WITNESS}" in text
    assert f"**{BREAK}**" in text


def test_what_is_to_be_run_does_what_is_said(written: Path, postgres: Neighbour) -> None:
    """The SQL of each format, in a database that has the history."""
    history = "".join(each.read_text() for each in sorted((written / "migrations").iterdir()))
    markdown = re.search(rf"```sql\n({re.escape(WITNESS)}.*?)\n```", (written / "markdown").read_text(), re.DOTALL)
    text = re.search(rf"{re.escape(ANSWER)}\n  = run: (.*)\n", (written / "text").read_text())
    annotated = re.search(rf"{re.escape(ANSWER)}%0Arun: (.*)", (written / "github").read_text())
    for found in (markdown, text, annotated):
        assert found is not None
        with postgres.database() as connect:
            connection = connect()
            connection.execute(history)
            with pytest.raises(psycopg.errors.NotNullViolation):
                connection.execute(found[1].replace("%0A", "\n").replace("%25", "%"))


def test_an_output_that_cannot_be_is_told_before_a_server_is_started(project: Path) -> None:
    done = run(project, "--output", "pdf:x")
    assert (done.returncode, done.stdout) == (2, "")
    assert "formats are text, json" in done.stderr


def proved(script: str) -> Finding:
    source = Source("1.sql", "SELECT 1;\n")
    proof = Proof("confirmed", "23502", "no ##vso[x]\n::error::y", script)
    return Finding("breaks/x", Severity.ERROR, Certainty.CERTAIN, "it fails", Span(source, 0, 8), "abc", proof=proof)


def test_of_a_long_script_the_last_statements_are_shown() -> None:
    shown = script_of(proved("".join(f"INSERT INTO t VALUES ({number}, 'a;\nb');\n" for number in range(100))))
    assert shown is not None
    assert shown.startswith("/* ")
    assert "statements left out; --write-script FILE --finding abc */\nINSERT INTO t VALUES (" in shown
    assert shown.endswith("INSERT INTO t VALUES (99, 'a;\nb');")
    assert len(shown) < 1700
    assert len(script_of(proved(f"SELECT '{'x' * 9000}';\n")) or "") < 1600


@pytest.mark.parametrize("format_", FORMATS)
def test_hostile_proofs_are_not_obeyed(format_: str) -> None:
    hostile = proved("SELECT '\x1b[31m ##vso[task.complete]\n::add-mask::x\n```\n]]></failure>';\n")
    for line in render(Report((hostile,), (), 1, 1), format_).splitlines():
        assert "\x1b" not in line
        assert "##vso[" not in line
        assert line.startswith("::error file=") if format_ == "github" else not line.lstrip().startswith("::")


# -- what has been decided


IGNORED = "-- schemalint: ignore {rule} because the writers are stopped\n"


def by_comment(project: Path, rule: str, text: str) -> tuple[str, ...]:
    change(project, IGNORED.format(rule=rule) + text)
    return ()


def by_configuration(project: Path, rule: str, text: str) -> tuple[str, ...]:
    change(project, text)
    (project / ".schemalint.yml").write_text(f"ignore:\n  - rule: {rule}\n    because: the writers are stopped\n")
    return ()


def by_severity(project: Path, rule: str, text: str) -> tuple[str, ...]:
    change(project, text)
    (project / ".schemalint.yml").write_text(f"severity:\n  {rule}: off\n")
    return ()


def by_argument(project: Path, rule: str, text: str) -> tuple[str, ...]:
    change(project, text)
    return ("--ignore", rule)


def by_baseline(project: Path, rule: str, text: str) -> tuple[str, ...]:
    change(project, text)
    assert run_any(project, "baseline", "--output", "known.json").returncode == 0
    return ("--baseline", "known.json")


def by_configured_baseline(project: Path, rule: str, text: str) -> tuple[str, ...]:
    by_baseline(project, rule, text)
    (project / ".schemalint.yml").write_text("baseline: known.json\n")
    return ()


Decide = Callable[[Path, str, str], tuple[str, ...]]
WAYS = [by_comment, by_configuration, by_severity, by_argument, by_baseline, by_configured_baseline]


@pytest.mark.parametrize("asked", [(), ("migrations/0002_change.sql",)], ids=["newest", "file"])
@pytest.mark.parametrize("decide", WAYS)
def test_a_break_that_is_decided_about_does_not_come_back(project: Path, decide: Decide, asked: tuple[str, ...]) -> None:
    arguments = decide(project, RULE, REQUIRED)
    result = report(project, *arguments, *asked)
    assert result["findings"] == []
    assert result["summary"]["suppressed"] == (0 if decide in (by_severity, by_argument) else 1)


@pytest.mark.parametrize(("rule", "text"), [("loses/column-not-copied", LOST), ("fails/refused", TWICE)])
@pytest.mark.parametrize("decide", [by_comment, by_severity, by_baseline])
def test_losses_and_failures_do_not_come_back_either(project: Path, rule: str, text: str, decide: Decide) -> None:
    change(project, text)
    assert set(rules_of(project)) == {rule}
    arguments = decide(project, rule, text)
    assert rules_of(project, *arguments) == []


def test_another_break_of_the_same_table_is_told_all_the_same(project: Path) -> None:
    """Of the same SQLSTATE even: a suppressed finding answers for what it foretells, and for nothing else."""
    refused = "ALTER TABLE orders_old ADD CONSTRAINT known CHECK (note <> 'x');\n"
    change(project, refused + UNSEEN.replace("22023", "23514"))
    (rule,) = rules_of(project)
    by_comment(project, rule, refused)
    assert rules_of(project) == []
    by_comment(project, rule, refused + UNSEEN.replace("22023", "23514"))
    assert rules_of(project) == [BREAK]


@pytest.mark.parametrize(("text", "told"), [(LOST, []), (LOST + SHORTER, ["verify/unreported-loss"])], ids=["one", "two"])
def test_another_loss_of_the_same_copy_is_told_all_the_same(project: Path, text: str, told: list[str]) -> None:
    by_comment(project, "loses/column-not-copied", text)
    assert rules_of(project) == told


def test_what_the_server_shows_can_be_decided_about(project: Path) -> None:
    change(project, UNSEEN)
    (found,) = report(project)["findings"]
    assert found["rule"] == BREAK
    index = UNSEEN.replace("CREATE INDEX", f"-- schemalint: ignore {BREAK} because notes are short\nCREATE INDEX")
    change(project, index)
    result = report(project)
    assert (result["findings"], result["summary"]["suppressed"]) == ([], 1)
    assert run_any(project, "check", "--ignore", "blocks").stdout == "2 migrations, no findings\n"
    change(project, UNSEEN)
    entry = {"rule": BREAK, "path": "0002_change.sql", "message": found["message"], "fingerprint": found["fingerprint"]}
    (project / "known.json").write_text(json.dumps({"version": 1, "findings": [entry]}))
    assert rules_of(project, "--baseline", "known.json") == []
    assert "baseline" not in run_any(project, "check", "--baseline", "known.json").stdout
    assert rules_of(project, "--ignore", "verify") == []
    assert rules_of(project, "--select", "loses") == [BREAK]
    (project / ".schemalint.yml").write_text(f"severity:\n  {BREAK}: error\n")
    assert report(project)["summary"]["errors"] == 1
