"""Hostile configurations, outputs, streams, names and text, through the installed command."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import unicodedata
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.test_command_line import COMMAND, SEED
from tests.test_hostile import MEGABYTE, SECONDS, TABLE, TWICE, project, refused, run, run_loosely

# -- configurations


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: &a [x]\nb: [*a, *a]\n", "aliases"),
        (b"a: " + b"[" * 100_000, "nested too deeply"),
        (b"x" * 300_000, "larger than"),
        (b"\x00\x01\x02", "not valid YAML"),
        (b"\x89PNG\r\n\x1a\n", "not UTF-8"),
        (b"migrations: [a]", "must be a string"),
        (b"migrations: 1", "must be a string"),
        (b"severity: error", "must be a mapping"),
        (b"severity: {breaks: 1}", "must be"),
        (b"mirrors: {a: b}", "must be a list"),
        (b"mirrors: [a]", "must be a mapping"),
        (b"postgres: eighteen", "must be a whole number"),
        (b"postgres: 1e400", "must be a whole number"),
        (b"fail_on: [error]", "must be"),
        (b"fail_om: error", "did you mean 'fail_on'"),
        (b"fail_on: error\nfail_on: info", "stands there twice"),
        (b"- fail_on", "must be a mapping"),
        (b"fail_on: !!python/name:os.system", "tags"),
        (b"migrations: ../../../../../../../nowhere", "does not exist"),
        (b'migrations: "a\\0b"', "NUL"),
    ],
)
def test_configurations_that_are_none(tmp_path: Path, text: bytes, message: str) -> None:
    folder = project(tmp_path, TABLE)
    (folder / ".schemalint.yml").write_bytes(text)
    assert message in refused(run(folder, "check"))
    assert message in refused(run(folder, "check", "--config", ".schemalint.yml"))


# -- outputs


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    """The limit on a file's size answers a write as a full disk does: in the middle of it."""
    folder = project(tmp_path, *(f"CREATE TABLE t{number} ();\n" * 2 for number in range(20)))
    report = folder / "report.json"
    for earlier in (None, "what was there"):
        if earlier is not None:
            report.write_text(earlier)
        done = run_loosely(folder, "check", "--output", "json:report.json", largest_file=4096)
        assert done.returncode == 2
        assert b"report.json: cannot be written (file too large)" in done.stderr
        assert (report.read_text() if report.exists() else None) == earlier
        assert sorted(each.name for each in folder.iterdir()) == ["migrations", *(["report.json"] if earlier else [])]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    ("target", "message"),
    [("/dev/full", "no space left on device"), ("nowhere/report", "no such file"), ("migrations", "is a folder")],
)
def test_outputs_that_cannot_be_written(tmp_path: Path, target: str, message: str) -> None:
    done = run_loosely(project(tmp_path, TWICE), "check", "--output", f"json:{target}")
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert message in done.stderr.decode().lower()


def test_devices_stay_devices(tmp_path: Path) -> None:
    """/dev/null once became a file, where root ran it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    done = run(project(tmp_path / "p", TWICE), "check", "--output", f"json:{pipe}", "--output", "junit:/dev/null")
    assert done.returncode == 1
    assert json.loads(os.read(reader, MEGABYTE))["summary"]["errors"] == 1
    os.close(reader)
    assert pipe.is_fifo()
    assert Path("/dev/null").is_char_device()


# -- streams and git


@pytest.mark.parametrize("data", [b"", b"\0\xff" * 1000, random.Random(2).randbytes(50_000), TWICE.encode("utf-16")])
def test_standard_input_of_any_bytes(tmp_path: Path, data: bytes) -> None:
    folder = project(tmp_path, TABLE)
    run(folder, "check", "-", stdin=data)
    run(folder, "check", "--stdin-filename", "migrations/00009_b.sql", "-", stdin=data)


def test_odd_names_for_standard_input(tmp_path: Path) -> None:
    folder = project(tmp_path / "project", TABLE)
    for name in ("", "migrations", ".", "/"):
        assert "is a folder" in refused(run(folder, "check", "--stdin-filename", name, "-", stdin=TWICE.encode()))
    for name in (
        "../elsewhere/1_a.sql",
        "/nowhere/1_a.sql",
        "migrations/\n.sql",
        "migrations/x/../2_a.sql",
        b"migrations/2_\xff.sql",
    ):
        done = run(folder, "check", "--stdin-filename", name, "-", stdin=TWICE.encode())
        assert done.returncode == 1, done.stdout
    refused(run(folder, "check", "--stdin-filename", "x" * 300, "-", stdin=TWICE.encode()))
    (folder / "migrations/link.sql").symlink_to("/dev/zero")
    (folder / "migrations/00009_gone.sql").symlink_to("/nowhere")
    run(folder, "check", "--stdin-filename", "migrations/00002_a.sql", "-", stdin=TWICE.encode())


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "| head -c 5 >/dev/null"])
def test_closed_streams(closed: str) -> None:
    for arguments in ("check -", "check", "map", "schema --format json", "rules"):
        done = subprocess.run(
            ["bash", "-c", f"'{COMMAND}' {arguments} {closed}"], cwd=SEED, capture_output=True, timeout=SECONDS, check=False
        )
        assert b"Traceback" not in done.stderr
        assert done.returncode in (0, 1, 2)


def test_odd_names_through_git(tmp_path: Path) -> None:
    folder = project(tmp_path, TABLE)
    environment = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")

    def git(*arguments: str) -> None:
        subprocess.run(["git", *who, *arguments], cwd=folder, env=environment, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "one")
    names = [b"00002_\n.sql", b"00003_'\".sql", b"00004_\xff.sql", b"00005_\t \\.sql", b"-00006_x.sql", b"00007_:(top).sql"]
    for each in names:
        Path(os.fsdecode(os.path.join(os.fsencode(folder), b"migrations", each))).write_text(TABLE)
    since = json.loads(run(folder, "check", "--format", "json", "--since", "main").stdout)
    git("add", ".")
    staged = json.loads(run(folder, "check", "--format", "json", "--staged").stdout)
    assert since["summary"]["checked"] == staged["summary"]["checked"] == len(names)
    assert [each["path"] for each in since["findings"]] == [each["path"] for each in staged["findings"]]
    for revision in ("-x", "--output=x", "main\n", "\x1b[31m", "a..b", "@{"):
        refused(run(folder, "check", f"--since={revision}"))
    assert not (folder / "x").exists()


# -- text that steers

ODD_NAMES = (
    "\x1b[31m",
    "::error::x",
    "##vso[task.complete]",
    "\u202egnp",
    "\u2066",
    "\ufffe",
    "\x85",
    "\u2028::error::",
    "]]>",
    "<!--",
)


@pytest.mark.parametrize("format_", ["text", "json", "sarif", "github", "gitlab", "junit", "markdown", "map", "schema"])
def test_nothing_in_a_migration_steers(tmp_path: Path, format_: str) -> None:
    folder = project(tmp_path, "".join(_steering(number, each) for number, each in enumerate(ODD_NAMES)))
    commands = {"map": ("map",), "schema": ("schema",)}
    done = run(folder, *commands.get(format_, ("check", "--format", format_)))
    text = done.stdout.decode()
    assert len(text.splitlines()) > len(ODD_NAMES)
    assert not {each for each in text if unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp") and each != "\n"}
    assert "##vso[" not in text
    for line in text.splitlines():
        own = (
            line.startswith(("::error ", "::warning ", "::notice ")) if format_ == "github" else line.lstrip().startswith("::: ")
        )
        assert own or not line.lstrip().startswith("::")
    if format_ == "junit":
        ElementTree.fromstring(text)
    if format_ in ("json", "sarif", "gitlab"):
        json.loads(text)


def _steering(number: int, word: str) -> str:
    """A sync between two tables with such names, which a column then breaks; and a line that does not parse."""
    name = f'"{word} {number}'
    return (
        f'CREATE TABLE {name} s" (id int PRIMARY KEY, "{word}" text);\n'
        f'CREATE TABLE {name} t" (id int PRIMARY KEY, "{word}" text);\n'
        f'CREATE FUNCTION {name}"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN -- {word}\n'
        f'INSERT INTO {name} t" (id, "{word}") VALUES (NEW.id, NEW."{word}"); RETURN NEW; END $$;\n'
        f'CREATE TRIGGER {name}" AFTER INSERT ON {name} s" FOR EACH ROW EXECUTE FUNCTION {name}"();\n'
        f'ALTER TABLE {name} t" ADD COLUMN "{word} x" int NOT NULL;\n{word}\n;\n'
    )


def test_an_interruption_while_it_reads(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [COMMAND, "check", "-"], cwd=project(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        assert process.stdin is not None
        process.stdin.write(b"-" * MEGABYTE)  # more than a pipe holds: it is being read
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.read() + process.stderr.read() == b""


def test_little_room(tmp_path: Path) -> None:
    """Without the address space for a deep stack, what is not deep is done all the same."""
    folder = project(tmp_path, TWICE)
    done = subprocess.run(
        ["bash", "-c", f"ulimit -v 400000; exec '{COMMAND}' check"], cwd=folder, capture_output=True, timeout=SECONDS, check=False
    )
    assert (done.returncode, done.stderr) == (1, b"")
