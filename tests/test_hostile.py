"""Hostile and odd input, through the installed command: never a traceback, a hang or a crash.

What comes out is a finding, a remark, or exit code 2 with one line that names the file and what to do.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import resource
import subprocess
import sys
import threading
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemalint.check import check
from schemalint.configuration import Configuration, ConfigurationError, configuration_for
from schemalint.migrations.decode import decode
from schemalint.migrations.discovery import discover
from schemalint.report.formats import render
from tests.fuzz import fuzz
from tests.test_command_line import COMMAND

TABLE = "CREATE TABLE a (id int PRIMARY KEY);\n"
TWICE = TABLE + TABLE
VIEWS_IN_A_CIRCLE = b"""
CREATE VIEW v AS SELECT id FROM a; CREATE VIEW w AS SELECT id FROM v; CREATE OR REPLACE VIEW v AS SELECT id FROM w;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO v VALUES (NEW.id); RETURN NEW; END $$;
CREATE TABLE s (id int PRIMARY KEY); CREATE TRIGGER t AFTER INSERT OR UPDATE ON s FOR EACH ROW EXECUTE FUNCTION f();
INSERT INTO s VALUES (1); SELECT * FROM v; ALTER TABLE a ALTER id TYPE bigint; DROP VIEW v CASCADE;
"""
MEGABYTE = 1024 * 1024
SECONDS = 60  # a hang, on whatever machine
DROP = 24  # PR_CAPBSET_DROP, from linux/prctl.h
ROOTS_OWN = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: what lets root read every file


def run_loosely(
    folder: Path, *arguments: str | bytes, stdin: bytes = b"", memory: int | None = None, largest_file: int | None = None
) -> subprocess.CompletedProcess[bytes]:
    """A run with limits, which may have printed before it finds that it cannot go on. Root has no right of its own in it."""
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def limit() -> None:
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
        for each in ROOTS_OWN if prctl is not None and os.geteuid() == 0 else ():
            prctl(DROP, each, 0, 0, 0)

    done = subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        timeout=SECONDS,
        check=False,
        preexec_fn=limit,
    )
    assert done.returncode in (0, 1, 2), (done.returncode, done.stderr[-2000:])
    assert b"Traceback" not in done.stderr
    assert b"internal error" not in done.stderr + done.stdout
    return done


def run(
    folder: Path, *arguments: str | bytes, stdin: bytes = b"", memory: int | None = None
) -> subprocess.CompletedProcess[bytes]:
    done = run_loosely(folder, *arguments, stdin=stdin, memory=memory)
    if done.returncode == 2:
        assert done.stdout == b""
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith(b"schemalint: error: ")
    return done


def project(folder: Path, *texts: str | bytes) -> Path:
    """A folder with these migrations."""
    (folder / "migrations").mkdir(parents=True)
    for number, each in enumerate(texts, 1):
        (folder / f"migrations/{number:05}_a.sql").write_bytes(each.encode() if isinstance(each, str) else each)
    return folder


def refused(done: subprocess.CompletedProcess[bytes]) -> str:
    assert done.returncode == 2, done.stdout
    return done.stderr.decode()


def rules_of(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    return [each["rule"] for each in json.loads(done.stdout)["findings"]]


# -- bytes


@pytest.mark.parametrize(
    "data",
    [
        random.Random(1).randbytes(100_000),
        bytes(range(256)) * 100,
        b"\0" * 10_000,
        b"\xff\xfe" + TWICE.encode("utf-16-le") + b"\x00",
        b"\xfe\xff\xd8\x00",
        b"\xef\xbb\xbf",
        "-- Größe\n".encode("latin-1") + TWICE.encode(),
        b"$" * 100_000,
        b"'" * 99_999,
        b"/*" * 100_000,
        b"--" * 100_000 + b"\n",
        b"(" * 200_000,
        b"\\" * 10_001,
        b";" * 500_000,
        b"$a$" * 50_000,
        b"E'\\xff' " * 1000,
        b"BEGIN ATOMIC " * 10_000,
        b"COPY a FROM stdin;\n" * 10_000,
        b"a.b" * 40_000,
        "\u202e\u2066\ufeff\ufffe\U000e0041".encode() * 1000,
    ],
    ids=lambda data: ascii(data[:12]),
)
def test_any_bytes_are_read(tmp_path: Path, data: bytes) -> None:
    run(project(tmp_path, TABLE, data, TWICE), "check", "--format", "junit")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_an_encoding_hides_nothing(tmp_path: Path, encoding: str) -> None:
    done = run(project(tmp_path, (TWICE + "-- é\n").encode(encoding)), "check", "--format", "json")
    assert rules_of(done) == ["fails/already-exists"] or len(rules_of(done)) == 1
    assert done.returncode == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")), max_size=3))
@example([b"DO LANGUAGE plpgsql"])
@example([VIEWS_IN_A_CIRCLE])
@example([b"DO $$ BEGIN EXECUTE E'\\xff'; END $$"])
def test_any_history_has_a_report_in_every_format(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, texts: list[bytes]
) -> None:
    monkeypatch.setenv("SCHEMALINT_STRICT", "1")
    folder = project(tmp_path_factory.mktemp("any"), TABLE, *texts)
    history, asked = discover([], None, folder)
    report = check(history, asked, Configuration())
    assert not [each for each in report.findings if each.rule.startswith("tool/")]
    for each in ("text", "json", "sarif", "github", "gitlab", "junit", "markdown"):
        assert render(report, each) == render(report, each)


@given(st.binary(max_size=500))
def test_any_bytes_are_some_text(data: bytes) -> None:
    text = decode(data).text
    assert text.encode("utf-8").decode() == text


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
@example(b"mirrors: [{source: [a], target: {b: c}}]")
@example(b"? !!python/object/apply:os.system ['x']\n: 1")
@example(b"severity: {1: 2, ~: ~, [a]: b}")
def test_any_configuration_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("configuration")
    (folder / ".schemalint.yml").write_bytes(data)
    try:
        configuration_for(folder)
    except ConfigurationError as error:
        assert str(error).startswith(".schemalint.yml:")
        assert len(str(error)) < 1000


def test_the_fuzzer_finds_nothing() -> None:
    """Some hundred inputs of a seed that stays; `python -m tests.fuzz` runs as long as one likes."""
    said: list[str] = []
    count, failures = fuzz(15, "continuous integration", say=said.append)
    assert not failures, "\n".join(said)
    assert count > 20


# -- sizes


def filled(line: str, size: int) -> str:
    return line * (size // len(line))


DUMPS = {
    # The size in megabytes, what stands first, a row, what stands last.
    "COPY": (50, "COPY a (id, b) FROM stdin;\n", "1\tsome text; of 'a row\n", "\\.\n"),
    "one INSERT": (50, "INSERT INTO a (id, b) VALUES\n", "(1, 'some text; of (a row)'),\n", "(2, '');\n"),
    "an INSERT for each row": (15, "", "INSERT INTO a (id, b) VALUES (1, 'some text; of a row');\n", ""),
}


@pytest.mark.parametrize("kind", DUMPS)
def test_a_dump_is_skimmed(tmp_path: Path, kind: str) -> None:
    """Memory: the bytes, the text, and little more; 50 MB of single INSERTs once took 24 GB."""
    size, before, row, after = DUMPS[kind]
    text = "CREATE TABLE a (id int, b text);\n" + before + filled(row, size * MEGABYTE) + after + "CREATE TABLE a ();\n"
    folder = project(tmp_path, text)
    started = perf_counter()
    done = run(folder, "check", "--format", "json", memory=800 * MEGABYTE)
    assert rules_of(done), "what stands behind the data is read"
    assert perf_counter() - started < 30


def test_a_line_of_10_megabytes(tmp_path: Path) -> None:
    done = run(project(tmp_path, TABLE + f"SELECT '{'x' * 10_000_000}'; " + TABLE), "check", "--format", "markdown")
    assert done.returncode == 1
    assert len(done.stdout) < 65_536


def test_more_statements_than_can_be_kept(tmp_path: Path) -> None:
    done = run(project(tmp_path, "SELECT 1;" * 300_000), "check", memory=1500 * MEGABYTE)
    assert b"00001_a.sql:1: there are more than 100,000 statements: split the file" in done.stdout


def test_ten_thousand_files(tmp_path: Path) -> None:
    folder = project(tmp_path, *(f"CREATE TABLE t{number} (id int);\n" for number in range(10_000)))
    started = perf_counter()
    assert b"10000 migrations, no findings" in run(folder, "check").stdout
    assert perf_counter() - started < 30


# -- nesting

NESTS = {
    "parentheses": ("(", "1", ")"),
    "operators": ("'a' || ", "'a'", ""),
    "functions": ("lower(", "'a'", ")"),
    "CASE": ("CASE WHEN true THEN ", "1", " END"),
    "NOT": ("NOT ", "true", ""),
    "subqueries": ("(SELECT ", "1", ")"),
    "casts": ("", "1", "::text"),
    "UNION": ("SELECT 1 UNION ALL ", "SELECT 1", ""),
    "FROM": ("SELECT * FROM (", "SELECT 1", ") x"),
    "WITH RECURSIVE": ("WITH RECURSIVE q AS (", "SELECT 1 AS x", " UNION ALL SELECT x FROM q) SELECT x FROM q"),
}


@pytest.mark.parametrize("kind", NESTS)
@pytest.mark.parametrize("depth", [300, 40_000])
def test_deep_nesting(tmp_path: Path, kind: str, depth: int) -> None:
    """What is read within the limits of libpg_query has no others; past them it is a syntax error, as in PostgreSQL."""
    opening, leaf, closing = NESTS[kind]
    nested = opening * depth + leaf + closing * depth
    query = nested if nested.startswith(("SELECT", "WITH")) else f"SELECT {nested}"
    folder = project(tmp_path, f"CREATE VIEW v AS {query};\nCREATE TABLE b ();\n{TABLE}", TABLE)
    found = rules_of(run(folder, "check", "--format", "json"))
    assert depth > 300 or "fails/syntax-error" not in found
    assert len([each for each in found if each != "fails/syntax-error"]) == 1, "the others are read"


@pytest.mark.parametrize("depth", [100, 5000])
@pytest.mark.parametrize("kind", ["BEGIN ", "IF true THEN ", "LOOP "])
def test_deep_bodies(tmp_path: Path, kind: str, depth: int) -> None:
    end = {"BEGIN ": " END;", "IF true THEN ": " END IF;", "LOOP ": " END LOOP;"}[kind]
    body = f"BEGIN {kind * depth} NULL; {end * depth} RETURN NEW; END"
    text = f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$;\n"
    text += "CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();\n"
    run(project(tmp_path, TABLE + text), "check")


# -- what a folder may hold


def test_odd_things_in_the_folder(tmp_path: Path) -> None:
    """Directories named like files, links in circles, broken links, pipes and sockets."""
    folder = project(tmp_path, TABLE)
    migrations = folder / "migrations"
    (migrations / "2_folder.sql").mkdir()
    (migrations / "loop").symlink_to(migrations)
    (migrations / "2_self.sql").symlink_to("2_self.sql")
    done = run(folder, "check")
    assert "2_self.sql: cannot be read" in refused(done)
    (migrations / "2_self.sql").unlink()
    os.mkfifo(migrations / "3_pipe.sql")
    (migrations / "4_device.sql").symlink_to("/dev/zero")
    done = run(folder, "check")
    assert done.returncode == 0
    assert b"3_pipe.sql is no regular file and was not read" in done.stdout
    assert b"4_device.sql is a link to a file elsewhere and was not read" in done.stdout


def test_what_may_not_be_read(tmp_path: Path) -> None:
    folder = project(tmp_path, TABLE)
    said = {}
    for name in ("migrations/00001_a.sql", "migrations", ".schemalint.yml"):
        path = folder / name
        path.touch()
        mode = path.stat().st_mode
        path.chmod(0)
        said[name] = refused(run(folder, "check"))
        path.chmod(mode)
    for name, message in said.items():
        assert f"{name}: cannot be read (permission denied)" in message
    folder.chmod(0o555)
    assert b"report: cannot be written (permission denied)" in run_loosely(folder, "check", "--output", "json:report").stderr
    folder.chmod(0o755)


def test_names_that_no_text_has(tmp_path: Path) -> None:
    folder = project(tmp_path, TABLE)
    names = [
        b"2_\xff\xfe.sql",
        b"3_\x1b[31m.sql",
        b"4_\n::error::.sql",
        b"5_'\"`<b>.sql",
        b"-6_dash.sql",
        "7_\u202e.sql".encode(),
    ]
    for each in names:
        (Path(os.fsdecode(os.path.join(os.fsencode(folder), b"migrations", each)))).write_text(TABLE)
    for format_ in ("text", "json", "sarif", "github", "junit", "markdown"):
        done = run(folder, "check", "--format", format_)
        assert done.returncode == 1
        text = done.stdout.decode()
        assert "\x1b" not in text and "\u202e" not in text
        assert not [each for each in text.splitlines() if each.startswith("::error::")]
    assert run(folder, "check", "--", *(b"migrations/" + each for each in names)).returncode == 1


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    """It is read in one go; whatever it held at that moment is what is checked."""
    folder = project(tmp_path, TABLE, TABLE)
    file = folder / "migrations/00002_a.sql"
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            file.write_text("CREATE TABLE b ();\n" * (number % 5000))
            if number % 7 == 0:
                file.unlink()
                file.write_text(TABLE)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(8):
            run(folder, "check")
    finally:
        stop.set()
        thread.join()
