"""Only what changed: through the real git, from the index, and from standard input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.test_command_line import COMMAND, SEED, error_of, run

FOLDER = "supabase/migrations"
CAUTION = "20251105000000_add_required_field.sql"
ENVIRONMENT = {
    **os.environ, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
}  # fmt: skip


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, env=ENVIRONMENT, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with the seed's history on `main`, without the migration that breaks it."""
    folder = tmp_path / "project"
    shutil.copytree(SEED, folder)
    (folder / FOLDER / CAUTION).unlink()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "the history")
    return folder


def add_caution(project: Path) -> None:
    shutil.copy(SEED / FOLDER / CAUTION, project / FOLDER / CAUTION)


def errors(project: Path, *arguments: str) -> list[tuple[str, str]]:
    done = run(project, "check", "--format", "json", *arguments)
    assert done.returncode in (0, 1), done.stderr
    return [(each["rule"], each["path"]) for each in json.loads(done.stdout)["findings"] if each["severity"] == "error"]


def fed(project: Path, text: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A run with a text on standard input."""
    done = subprocess.run([COMMAND, "check", *arguments, "-"], cwd=project, input=text, capture_output=True, check=False)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


BROKEN = [("breaks/required-column", f"{FOLDER}/{CAUTION}")]


def test_since_a_branch(project: Path) -> None:
    assert errors(project, "--since", "main") == []
    add_caution(project)
    assert errors(project, "--since", "main") == BROKEN  # not known to git yet
    git(project, "checkout", "-qb", "change")
    git(project, "add", ".")
    assert errors(project, "--since", "main") == BROKEN
    git(project, "commit", "-qm", "the change")
    assert errors(project, "--since", "main") == BROKEN
    assert errors(project / FOLDER, "--since", "main", ".") == [(rule, CAUTION) for rule, _ in BROKEN]
    git(project, "checkout", "-q", "main")
    (project / "README").write_text("moved on")
    git(project, "add", ".")
    git(project, "commit", "-qm", "main moves on")
    git(project, "checkout", "-q", "change")
    assert errors(project, "--since", "main") == BROKEN
    git(project, "checkout", "-q", "--detach")
    assert errors(project, "--since", "main") == BROKEN
    assert errors(project, "--since", "HEAD") == []


def test_a_renamed_migration_is_a_change(project: Path) -> None:
    add_caution(project)
    git(project, "add", ".")
    git(project, "commit", "-qm", "the change")
    later = CAUTION.replace("20251105", "20251106")
    git(project, "mv", f"{FOLDER}/{CAUTION}", f"{FOLDER}/{later}")
    assert errors(project, "--since", "HEAD") == [("breaks/required-column", f"{FOLDER}/{later}")]


def test_a_deleted_migration_is_said(project: Path) -> None:
    add_caution(project)
    git(project, "add", ".")
    git(project, "commit", "-qm", "the change")
    (project / FOLDER / CAUTION).unlink()
    done = run(project, "check", "--since", "HEAD")
    assert done.returncode == 0
    assert f"{FOLDER}/{CAUTION} is deleted" in done.stdout


def test_what_git_cannot_answer(project: Path, tmp_path: Path) -> None:
    assert "no such revision" in error_of(run(project, "check", "--since", "nowhere"))
    assert "is no revision" in error_of(run(project, "check", "--since=--help"))
    git(project, "checkout", "-q", "--orphan", "other")
    git(project, "commit", "-qm", "apart")
    assert "no commit in common" in error_of(run(project, "check", "--since", "main"))
    outside = tmp_path / "outside"
    shutil.copytree(SEED, outside)
    assert "no git repository" in error_of(run(outside, "check", "--since", "main"))
    assert "no git repository" in error_of(run(outside, "check", "--staged"))
    assert "choose one" in error_of(run(project, "check", "--since", "main", "--staged"))


def test_a_shallow_clone(project: Path, tmp_path: Path) -> None:
    (project / "README").write_text("one more")
    git(project, "add", ".")
    git(project, "commit", "-qm", "one more")
    git(tmp_path, "clone", "-q", "--depth", "1", project.as_uri(), "shallow")
    assert "fetch-depth: 0" in error_of(run(tmp_path / "shallow", "check", "--since", "HEAD~1"))


def test_the_index_not_the_files(project: Path) -> None:
    add_caution(project)
    assert errors(project, "--staged") == []
    git(project, "add", ".")
    (project / FOLDER / CAUTION).write_text("-- rewritten and not added\n")
    assert errors(project, "--staged") == BROKEN
    (project / FOLDER / CAUTION).unlink()
    assert errors(project, "--staged") == BROKEN
    git(project, "commit", "-qm", "the change")
    assert errors(project, "--staged") == []


def test_the_first_commit(tmp_path: Path) -> None:
    shutil.copytree(SEED, tmp_path, dirs_exist_ok=True)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    assert errors(tmp_path, "--staged") == BROKEN


def test_nothing_of_the_repository_is_run(project: Path, tmp_path: Path) -> None:
    """Its own configuration and hooks name programs; none of them starts."""
    mark = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "core.pager", "diff.x.textconv", "diff.x.command", "filter.x.smudge"):
        git(project, "config", key, str(program))
    (project / ".gitattributes").write_text("*.sql diff=x filter=x\n")
    add_caution(project)
    errors(project, "--since", "main")
    errors(project, "--staged")
    assert not mark.exists()


def test_standard_input(project: Path) -> None:
    text = (SEED / FOLDER / CAUTION).read_bytes()
    done = fed(project, text, "--format", "json", "--stdin-filename", f"{FOLDER}/{CAUTION}")
    found = [(each["rule"], each["path"]) for each in json.loads(done.stdout)["findings"] if each["severity"] == "error"]
    assert found == BROKEN
    alone = fed(project, b"CREATE TABLE a (id int); CREATE TABLE a (id int);")
    assert alone.returncode == 1
    assert "42P07" in alone.stdout
    assert sorted(each.name for each in (project / FOLDER).iterdir()) == sorted(
        each.name for each in (SEED / FOLDER).iterdir() if each.name != CAUTION
    )
