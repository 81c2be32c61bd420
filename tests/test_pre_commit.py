"""The hooks, run by the real pre-commit on real commits.

It comes from this checkout as it stands: its files, uncommitted ones too, are committed to a repository that pre-commit
installs from. That takes pre-commit the time of a `pip install`, once.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PROJECT = CHECKOUT / "fixtures" / "projects" / "seed"
MIGRATIONS = Path("supabase/migrations")
CAUTION = "20251105000000_add_required_field.sql"
IDENTITY = {
    f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "a"), ("EMAIL", "a@b.test"))
}


class Hook:
    """A repository that pre-commit installs the hook from, and the environment to run git and pre-commit in."""

    def __init__(self, folder: Path) -> None:
        # Neither the developer's settings nor, where a hook runs these tests, that hook's repository.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT"))}
        self.environment = {
            **inherited,
            **IDENTITY,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "PRE_COMMIT_HOME": str(folder / "home"),
            "PRE_COMMIT_COLOR": "never",
        }
        self.repository = folder / "schemalint"
        copy_checkout(self.repository)
        self.commit_of_all(self.repository)

    def run(self, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=folder, env=self.environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def must(self, folder: Path, *command: str) -> str:
        done = self.run(folder, *command)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def commit_of_all(self, folder: Path) -> str:
        self.must(folder, "git", "init", "--quiet")
        self.must(folder, "git", "add", "--all")
        self.must(folder, "git", "commit", "--quiet", "--message", "all")
        return self.head(folder)

    def head(self, folder: Path) -> str:
        return self.must(folder, "git", "rev-parse", "HEAD")

    def pre_commit(self, folder: Path, *arguments: str) -> str:
        return self.must(folder, sys.executable, "-m", "pre_commit", *arguments)

    def entry(self, name: str) -> str:
        """What a project writes to have the hook of that name."""
        return f"repos:\n  - repo: {self.repository}\n    rev: {self.head(self.repository)}\n    hooks:\n      - id: {name}\n"

    def project(self, folder: Path, entry: str = "") -> Path:
        """A repository with the seed's history in it, and hooks on its commits."""
        shutil.copytree(PROJECT, folder)
        (folder / MIGRATIONS / CAUTION).unlink()
        (folder / ".pre-commit-config.yaml").write_text(entry or self.entry("schemalint"))
        self.commit_of_all(folder)
        self.pre_commit(folder, "install", "--install-hooks")
        return folder

    def commit(self, project: Path, name: str, migration: str) -> subprocess.CompletedProcess[str]:
        (project / MIGRATIONS / name).write_text(migration)
        self.must(project, "git", "add", "--all")
        return self.run(project, "git", "commit", "--message", name)


def copy_checkout(folder: Path) -> None:
    """The files that git knows of, or would if they were added."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=CHECKOUT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, folder / name)


@pytest.fixture(scope="session")
def hook(tmp_path_factory: pytest.TempPathFactory) -> Hook:
    if not (CHECKOUT / ".git").exists():
        pytest.skip("these sources are no git checkout")
    return Hook(tmp_path_factory.mktemp("hook"))


def test_a_commit_that_breaks_the_sync_is_refused(hook: Hook, tmp_path: Path) -> None:
    project = hook.project(tmp_path / "project")
    before = hook.head(project)
    done = hook.commit(project, CAUTION, (PROJECT / MIGRATIONS / CAUTION).read_text())
    assert done.returncode == 1, done.stderr
    assert "error[breaks/required-column]" in done.stderr
    assert f"--> {(MIGRATIONS / CAUTION).as_posix()}:1:" in done.stderr
    assert hook.head(project) == before


def test_a_commit_that_breaks_nothing_passes(hook: Hook, tmp_path: Path) -> None:
    project = hook.project(tmp_path / "project")
    before = hook.head(project)
    done = hook.commit(
        project, "20251105000000_new_field.sql", "ALTER TABLE messages ADD COLUMN new_field text DEFAULT 'default_value';\n"
    )
    assert done.returncode == 0, done.stderr
    assert "Passed" in done.stderr
    assert hook.head(project) != before


def test_a_commit_without_migrations_does_not_run_it(hook: Hook, tmp_path: Path) -> None:
    project = hook.project(tmp_path / "project")
    (project / "notes.txt").write_text("no SQL\n")
    hook.must(project, "git", "add", "--all")
    done = hook.run(project, "git", "commit", "--message", "notes")
    assert done.returncode == 0, done.stderr
    assert "Skipped" in done.stderr


def test_a_commit_is_proved_to_break_the_sync(hook: Hook, tmp_path: Path) -> None:
    project = hook.project(tmp_path / "project", hook.entry("schemalint-verify"))
    before = hook.head(project)
    done = hook.commit(project, CAUTION, (PROJECT / MIGRATIONS / CAUTION).read_text())
    assert done.returncode == 1, done.stderr
    assert "error[breaks/required-column]" in done.stderr
    assert "proof: confirmed: 23502" in done.stderr
    assert hook.head(project) == before
    (project / MIGRATIONS / CAUTION).unlink()
    done = hook.commit(
        project, "20251105000000_new_field.sql", "ALTER TABLE messages ADD COLUMN new_field text DEFAULT 'default_value';\n"
    )
    assert done.returncode == 0, done.stderr
    assert "Passed" in done.stderr
    assert hook.head(project) != before


@pytest.mark.parametrize("page", ["README.md", "docs/continuous-integration.md"])
def test_what_is_documented(hook: Hook, tmp_path: Path, page: str) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (CHECKOUT / page).read_text(encoding="utf-8"), re.DOTALL)
    (entry,) = (each for each in blocks if "hooks:" in each)
    entry = entry.replace("…", str(hook.repository), 1).replace("…", hook.head(hook.repository), 1)
    done = hook.commit(hook.project(tmp_path / "project", entry), CAUTION, (PROJECT / MIGRATIONS / CAUTION).read_text())
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("Failed") == entry.count("- id:")
