"""The installed command: what it answers, its exit codes, and that it never shows a traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pytest

import schemalint

SEED = Path(__file__).parents[1] / "fixtures" / "projects" / "seed"
CAUTION = "supabase/migrations/20251105000000_add_required_field.sql"
COMMAND = shutil.which("schemalint", path=str(Path(sys.executable).parent)) or "schemalint"


def run(
    folder: Path, *arguments: str, program: tuple[str, ...] = (COMMAND,), **environment: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*program, *arguments],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def error_of(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error of a run that could not do its work."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("schemalint: error: ")
    return line.removeprefix("schemalint: error: ")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The seed without its last migration, the one that breaks the sync."""
    shutil.copytree(SEED, tmp_path, dirs_exist_ok=True)
    (tmp_path / CAUTION).unlink()
    return tmp_path


def empty(folder: Path, sql: str = "CREATE TABLE a ();\n") -> Path:
    (folder / "migrations").mkdir()
    (folder / "migrations/1_a.sql").write_text(sql)
    return folder


@pytest.mark.parametrize("program", [(COMMAND,), (sys.executable, "-m", "schemalint")], ids=["command", "module"])
def test_version(tmp_path: Path, program: tuple[str, ...]) -> None:
    done = run(tmp_path, "--version", program=program)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"schemalint {schemalint.__version__}\n", "")


@pytest.mark.parametrize("arguments", [("--help",), ("check", "--help"), ("rules", "-h"), ("explain", "--help")])
def test_help(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: schemalint")


def test_the_seed_is_refused(tmp_path: Path) -> None:
    done = run(SEED, "check")
    assert done.returncode == 1, done.stderr
    assert "error[breaks/required-column]" in done.stdout
    assert f"--> {CAUTION}:1:" in done.stdout
    assert "1 error" in done.stdout.splitlines()[-1]
    assert "\x1b" not in done.stdout


def test_a_file_is_asked_about(project: Path) -> None:
    shutil.copy(SEED / CAUTION, project / CAUTION)
    done = run(project, "check", CAUTION, "--format", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["summary"]["checked"] == 1
    assert [each["rule"] for each in report["findings"] if each["severity"] == "error"] == ["breaks/required-column"]


def test_a_folder_elsewhere(tmp_path: Path) -> None:
    done = run(tmp_path, "check", str(SEED), "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["summary"]["migrations"] == 4


def test_the_same_bytes_each_time(project: Path) -> None:
    assert run(project, "check", "--format", "json").stdout == run(project, "check", "--format", "json").stdout


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("info", 1), ("never", 0)])
def test_fail_on(project: Path, fail_on: str, code: int) -> None:
    """The seed without its last migration has warnings and no error."""
    assert run(project, "check", "--fail-on", fail_on).returncode == code
    (project / ".schemalint.yml").write_text(f"fail_on: {fail_on}\n")
    assert run(project, "check").returncode == code


def test_fail_on_never_is_never(tmp_path: Path) -> None:
    done = run(SEED, "check", "--fail-on", "never")
    assert done.returncode == 0
    assert "error[breaks/required-column]" in done.stdout


def test_severities_from_the_configuration(project: Path) -> None:
    shutil.copy(SEED / CAUTION, project / CAUTION)
    (project / "own.yml").write_text("severity: {breaks/required-column: info, loses: off}\n")
    done = run(project, "check", "--config", "own.yml", "--format", "json")
    severities = {each["rule"]: each["severity"] for each in json.loads(done.stdout)["findings"]}
    assert severities["breaks/required-column"] == "info"
    assert not [each for each in severities if each.startswith("loses/")]
    assert done.returncode == 0


def test_all_well_is_one_line(tmp_path: Path) -> None:
    done = run(empty(tmp_path), "check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 migration, no findings\n", "")


def test_a_syntax_error_is_a_finding(tmp_path: Path) -> None:
    done = run(empty(tmp_path, "CREATE TABEL a ();\n"), "check")
    assert done.returncode == 1
    assert "error[fails/syntax-error]" in done.stdout
    assert "migrations/1_a.sql:1:8" in done.stdout


def test_a_command_of_psqls_is_passed_over(tmp_path: Path) -> None:
    done = run(empty(tmp_path, "\\set x 1\nCREATE TABLE a ();\n"), "check")
    assert (done.returncode, done.stderr) == (0, "")


def test_notes_of_the_run_do_not_spoil_the_json(tmp_path: Path) -> None:
    shutil.copy(empty(tmp_path) / "migrations/1_a.sql", tmp_path / "migrations/1_b.sql")
    (tmp_path / "migrations/1_b.sql").write_text("CREATE TABLE b ();\n")
    done = run(tmp_path, "check", "--format", "json")
    assert json.loads(done.stdout)["summary"]["migrations"] == 2
    assert done.stderr.startswith("schemalint: note: version 1 stands 2 times")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "which command?"),
        (("chek",), "No such command"),
        (("check", "--format", "xml"), "Invalid value for '--format'"),
        (("check", "--no-such-option"), "No such option"),
        (("check",), "no folder of migrations found"),
        (("check", "nope.sql"), "nope.sql: does not exist"),
        (("check", "--config", "nope.yml"), "nope.yml: does not exist"),
        (("check", "--fail-on"), "requires an argument"),
        (("explain",), "Missing argument"),
        (("explain", "breaks/no"), "unknown rule 'breaks/no'"),
        (("explain", "required-column"), "did you mean 'breaks/required-column'?"),
        (("explain", "../../x"), "unknown rule"),
        (("rules", "more"), "unexpected extra argument"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else None,
)
def test_mistakes_are_answered_in_one_line(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    assert message in error_of(run(tmp_path, *arguments))


def test_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    (empty(tmp_path) / ".schemalint.yml").write_text("postgrse: 18\n")
    assert error_of(run(tmp_path, "check")) == ".schemalint.yml:1: unknown key 'postgrse' (did you mean 'postgres'?)"


def test_names_cannot_steer_the_terminal(tmp_path: Path) -> None:
    assert "\x1b" not in error_of(run(tmp_path, "check", "\x1b[31m\n::error::x.sql"))
    assert "\x1b" not in error_of(run(tmp_path, "explain", "\x1b]0;x\x07"))


def test_color(tmp_path: Path) -> None:
    assert "\x1b[" in run(SEED, "check", "--color", "always").stdout
    assert "\x1b[" not in run(SEED, "check", "--color", "never").stdout


@pytest.mark.parametrize(
    "environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_the_output_is_utf_8_whatever_the_locale_is(tmp_path: Path, environment: dict[str, str]) -> None:
    done = run(empty(tmp_path, "ALTER TABLE café ADD x int é;\n"), "check", **environment)
    assert done.returncode == 1, done.stderr
    assert "café" in done.stdout


def test_a_file_with_nul_characters_hides_nothing_else(tmp_path: Path) -> None:
    done = run(empty(tmp_path, "CREATE TABLE a ();\nselect 'x\0';\nCREATE TABLE a ();\n"), "check", "--format", "json")
    found = [(each["rule"], each["line"]) for each in json.loads(done.stdout)["findings"]]
    assert ("fails/syntax-error", 2) in found
    assert any(line == 3 for _, line in found)
    assert "holds NUL characters" in done.stderr


@pytest.mark.parametrize("arguments", [("check",), ("check", "--format", "json"), ("rules",), ("--help",), ("--version",)])
def test_a_reader_that_leaves(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([COMMAND, *arguments], cwd=SEED, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    assert done.stderr == ""
    assert done.returncode == (1 if arguments[0] == "check" else 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [("check",), ("rules",), ("--help",), ("--version",)])
def test_a_full_disk(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([COMMAND, *arguments], cwd=SEED, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "schemalint: error: standard output cannot be written (no space left on device)\n"


def test_a_defect_is_one_line_too(tmp_path: Path) -> None:
    """The handler of last resort; the traceback is there for whoever asks."""
    program = (
        sys.executable,
        "-c",
        "import schemalint.cli, schemalint.__main__ as m, sys; schemalint.cli.run = 1; sys.exit(m.main())",
    )
    assert error_of(run(tmp_path, "check", program=program)).startswith("internal error (TypeError: ")
    done = subprocess.run(
        [*program, "check"],
        cwd=tmp_path,
        env={**os.environ, "SCHEMALINT_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" in done.stderr


def test_an_interruption_is_quiet(tmp_path: Path) -> None:
    lines = (
        "import schemalint.cli, schemalint.__main__ as m, signal, sys",
        "schemalint.cli.run = lambda _: signal.raise_signal(signal.SIGINT)",
        "sys.exit(m.main())",
    )
    done = run(tmp_path, "check", program=(sys.executable, "-c", "\n".join(lines)))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_rules_and_their_pages(tmp_path: Path) -> None:
    listed = run(tmp_path, "rules").stdout.splitlines()
    assert [line.split()[0] for line in listed] == sorted(line.split()[0] for line in listed)
    assert all(len(line.split()) > 2 for line in listed)
    assert any(line.startswith("breaks/required-column ") for line in listed)
    for line in listed[:3]:
        page = run(tmp_path, "explain", line.split()[0])
        assert page.returncode == 0
        assert page.stdout.startswith(f"# {line.split()[0]}")
        assert "## Why" in page.stdout


def test_version_and_help_are_quick(tmp_path: Path) -> None:
    """The budget is 60 ms beyond the bare interpreter; a busy machine gets twice that."""

    def quickest(*command: str) -> float:
        times = []
        for _ in range(7):
            start = perf_counter()
            subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
            times.append(perf_counter() - start)
        return min(times)

    bare = quickest(sys.executable, "-c", "pass")
    assert quickest(COMMAND, "--version") - bare < 0.06
    assert quickest(COMMAND, "--help") - bare < 0.12


def test_help_loads_no_parser_and_no_engine(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "schemalint", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "schemalint.commands.check" in loaded
    assert not loaded & {
        "pglast",
        "pglast.parser",
        "msgspec",
        "yaml",
        "immutables",
        "sqlglot",
        "schemalint.check",
        "schemalint.rule",
    }
