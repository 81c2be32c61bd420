"""`schemalint baseline`, and what `check` leaves out for it; which rules are asked at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.test_command_line import error_of, run
from tests.test_decisions import CHANGE, IGNORED, RULE, change, configure, report, rules_of
from tests.test_decisions import project as project  # the fixture

FILE = ".schemalint-baseline.json"
SECOND = "ALTER TABLE orders_old ADD COLUMN place text NOT NULL;\n"


def test_what_is_recorded_is_left_out_and_counted(project: Path) -> None:
    done = run(project, "baseline")
    assert done.returncode == 0
    assert done.stdout == f"1 finding recorded in {FILE}; `schemalint check --baseline {FILE}` leaves them out\n"
    result = report(project, "--baseline", FILE)
    assert result["findings"] == []
    assert result["summary"]["suppressed"] == 1
    done = run(project, "check", "--ignore", "blocks", "--baseline", FILE, "migrations/2_change.sql")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 of 2 migrations, no findings (1 suppressed)")
    (project / "migrations/3_more.sql").write_text(SECOND)
    (finding,) = report(project, "--baseline", FILE)["findings"]
    assert finding["path"] == "migrations/3_more.sql"


def test_the_file_is_sorted_and_always_the_same(project: Path) -> None:
    (project / "migrations/3_more.sql").write_text(SECOND + "DROP TRIGGER copy_order ON orders;\n")
    change(project, CHANGE)
    run(project, "baseline")
    text = (project / FILE).read_text()
    entries = json.loads(text)["findings"]
    assert [each["path"] for each in entries] == sorted(each["path"] for each in entries)
    assert len(entries) > 1
    assert set(entries[0]) == {"rule", "path", "message", "fingerprint"}
    run(project, "baseline")
    assert (project / FILE).read_text() == text
    assert sorted(each.name for each in project.iterdir()) == [FILE, "migrations"]


def test_lines_that_move_stay_known(project: Path) -> None:
    run(project, "baseline")
    change(project, f"-- why\n\n{CHANGE}")
    assert rules_of(project, "--baseline", FILE) == []


def test_from_another_directory(project: Path) -> None:
    (project / ".git").mkdir()
    configure(project, f"baseline: {FILE}\nmigrations: migrations\n")
    assert run(project, "baseline").stdout == f"1 finding recorded in {FILE}\n"
    assert rules_of(project) == []
    (project / "inner").mkdir()
    assert rules_of(project / "inner") == []
    assert rules_of(project / "migrations") == []


def test_entries_that_match_nothing_are_said(project: Path) -> None:
    run(project, "baseline")
    change(project, "SELECT 1;\n")
    done = run(project, "check", "--baseline", FILE)
    assert done.returncode == 0
    assert f"note: 1 entry of the baseline matches nothing any more ({RULE} in 2_change.sql)" in done.stdout
    # What is not asked about, or not asked for, has not gone.
    assert "baseline" not in run(project, "check", "--baseline", FILE, "migrations/1_tables.sql").stdout
    assert "baseline" not in run(project, "check", "--baseline", FILE, "--ignore", "breaks").stdout


def test_what_is_suppressed_is_not_recorded(project: Path) -> None:
    change(project, IGNORED + CHANGE)
    assert run(project, "baseline", "--output", "known.json").stdout.startswith("0 findings recorded in known.json")
    assert rules_of(project, "--baseline", "known.json") == []


def test_of_a_whole_history(project: Path, tmp_path: Path) -> None:
    assert run(project, "baseline", "migrations").returncode == 0
    message = error_of(run(project, "baseline", "migrations/2_change.sql"))
    assert message == "migrations/2_change.sql: a baseline is of a whole history: give its folder"


def test_other_files_are_not_written_over(project: Path) -> None:
    (project / "README.md").write_text("# mine\n")
    message = error_of(run(project, "baseline", "--output", "README.md"))
    assert message.startswith("README.md:1: no baseline of schemalint: JSON is malformed")
    assert message.endswith("it is left as it is: remove it, or give another --output")
    assert (project / "README.md").read_text() == "# mine\n"


def test_where_it_cannot_be_written(project: Path) -> None:
    assert (
        error_of(run(project, "baseline", "--output", "nope/a.json"))
        == "nope/a.json: cannot be written (no such file or directory)"
    )
    assert error_of(run(project, "baseline", "--output", "migrations")) == "migrations: is a folder"


def test_a_link_is_followed(project: Path) -> None:
    (project / "shared").mkdir()
    os.symlink("shared/known.json", project / "known.json")
    assert run(project, "baseline", "--output", "known.json").returncode == 0
    assert (project / "known.json").is_symlink()
    assert rules_of(project, "--baseline", "shared/known.json") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.json: no baseline of schemalint: Input data was truncated"),
        ('{\n "version": 1,\n "findings": [}', "a.json:3: no baseline of schemalint: JSON is malformed"),
        ('{"version": 2, "findings": []}', "a.json: no baseline of schemalint: Invalid enum value 2"),
        ('{"version": 1, "findings": [{"rule": 1}]}', "a.json: no baseline of schemalint: Expected `str`, got `int`"),
        ('{"version": 1}', "a.json: no baseline of schemalint: Object missing required field `findings`"),
        ('{"version": 1, "x": ' + "[" * 100_000, "a.json: no baseline of schemalint: "),
        ('{"version": 1, "findings": ["\udcff"]}', "a.json: no baseline of schemalint: "),
    ],
    ids=["empty", "broken", "version", "type", "missing", "deep", "bytes"],
)
def test_files_that_are_no_baseline(project: Path, text: str, message: str) -> None:
    (project / "a.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert error_of(run(project, "check", "--baseline", "a.json")).startswith(message)


def test_no_file(project: Path) -> None:
    assert error_of(run(project, "check", "--baseline", "a.json")) == "a.json: does not exist; `schemalint baseline` writes it"
    assert error_of(run(project, "check", "--baseline", ".")) == ".: is no file"


# -- which rules


def test_rules_that_are_chosen(project: Path) -> None:
    (project / "migrations/3_more.sql").write_text("DROP TRIGGER copy_order ON orders;\nSELECT 1 FROM;\n")
    groups = {each.partition("/")[0] for each in rules_of(project)}
    assert {"loses", "fails"} <= groups
    assert {each.partition("/")[0] for each in rules_of(project, "--select", "loses")} == {"loses"}
    assert {each.partition("/")[0] for each in rules_of(project, "--select", "loses/,fails")} == {"loses", "fails"}
    assert rules_of(project, "--select", "fails/syntax-error") == ["fails/syntax-error"]
    assert not {
        each for each in rules_of(project, "--ignore", "loses", "--ignore", "fails") if each.startswith(("loses", "fails"))
    }
    configure(project, "select: [fails]\n")
    assert rules_of(project) == ["fails/syntax-error"]
    assert rules_of(project, "--ignore", "fails/syntax-error") == []
    assert {each.partition("/")[0] for each in rules_of(project, "--select", "loses")} == {"loses"}
    configure(project, "ignore: [fails]\n")
    assert not [each for each in rules_of(project) if each.startswith("fails/")]


def test_rules_that_do_not_exist(project: Path) -> None:
    message = "unknown rule or group 'required-column' (did you mean 'breaks/required-column'?); `schemalint rules` lists them"
    assert error_of(run(project, "check", "--select", "required-column")) == message
    assert error_of(run(project, "check", "--ignore", "")).startswith("unknown rule or group ''")
