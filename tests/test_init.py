"""`schemalint init`: the files that it writes are read by the tools that they are for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemalint.commands.starting import action_of, hook_text, origin_of, quoted, workflow_text
from tests.test_command_line import CAUTION, SEED, error_of, run
from tests.workflows import pull_request, run_script

CONFIGURATION, HOOK, WORKFLOW = ".schemalint.yml", ".pre-commit-config.yaml", ".github/workflows/schemalint.yml"
PROGRAMS = str(Path(sys.executable).parent)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    shutil.copytree(SEED, tmp_path, dirs_exist_ok=True)
    git(tmp_path, "init", "--quiet")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, env=clean_environment())


def clean_environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT"))}
    return {**inherited, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": f"{PROGRAMS}:{inherited['PATH']}"}


def files(folder: Path) -> dict[str, bytes]:
    found = (each for each in folder.rglob("*") if each.is_file() and ".git" not in each.relative_to(folder).parts)
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in found}


def test_what_is_written(repository: Path) -> None:
    before = run(repository, "check", "--format", "json")
    done = run(repository, "init")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"wrote {CONFIGURATION}", f"wrote {HOOK}", f"wrote {WORKFLOW}"]
    text = (repository / CONFIGURATION).read_text()
    assert text.startswith("# What `schemalint init` found: 4 migrations in supabase/migrations (supabase), 1 sync.\n")
    assert yaml.safe_load(text) == {"migrations": "supabase/migrations", "fail_on": "error"}
    after = run(repository, "check", "--format", "json")
    assert (after.returncode, after.stdout) == (before.returncode, before.stdout)


def test_what_is_commented_out_is_valid_too(repository: Path) -> None:
    run(repository, "init")
    path = repository / CONFIGURATION
    lines = path.read_text().splitlines()
    keys = ("# postgres:", "# severity:", "#   loses/", "# mirrors:", "#   - source", "#     target")
    path.write_text("\n".join(each[2:] if each.startswith(keys) else each for each in lines))
    document = yaml.safe_load(path.read_text())
    assert document["mirrors"] == [{"source": "public.messages_v2", "target": "public.messages"}]
    assert {"postgres", "severity"} < set(document)
    assert run(repository, "check").returncode == 1


def test_nothing_is_written_over(repository: Path) -> None:
    run(repository, "init")
    (repository / HOOK).write_text("repos: []\n")
    before = files(repository)
    done = run(repository, "init")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"left alone {CONFIGURATION}: .schemalint.yml is the configuration",
        f"left alone {HOOK}: it is there already; `schemalint init --print` shows the entry",
        f"left alone {WORKFLOW}: it is there already",
    ]
    assert files(repository) == before


def test_a_configuration_elsewhere(repository: Path) -> None:
    (repository / "pyproject.toml").write_text("[tool.schemalint]\n")
    assert "left alone .schemalint.yml: pyproject.toml is the configuration" in run(repository, "init").stdout
    assert not (repository / CONFIGURATION).exists()


def test_links_are_not_followed(repository: Path) -> None:
    (repository / HOOK).symlink_to(repository / "nowhere")
    run(repository, "init")
    assert not (repository / "nowhere").exists()


def test_print_writes_nothing(repository: Path) -> None:
    before = files(repository)
    done = run(repository, "init", "--print")
    assert files(repository) == before
    run(repository, "init")
    written = {name: (repository / name).read_text() for name in (CONFIGURATION, HOOK, WORKFLOW)}
    assert done.stdout == "\n".join(f"# {name}\n{text}" for name, text in written.items())


def test_below_the_root_of_the_repository(repository: Path) -> None:
    done = run(repository / "supabase", "init")
    assert done.stdout.splitlines() == [
        f"wrote {CONFIGURATION}",
        f"left alone {HOOK}: this is not the root of a git repository",
        f"left alone {WORKFLOW}: this is not the root of a git repository",
    ]
    assert yaml.safe_load((repository / "supabase" / CONFIGURATION).read_text())["migrations"] == "migrations"


def test_a_folder_that_is_named(repository: Path) -> None:
    (repository / "own").mkdir()
    (repository / "own/1_a.sql").write_text("CREATE TABLE a ();\n")
    assert run(repository, "init", "own").returncode == 0
    assert yaml.safe_load((repository / CONFIGURATION).read_text())["migrations"] == "own"
    message = error_of(run(repository, "init", "own/1_a.sql"))
    assert message == "own/1_a.sql: give the folder of the migrations"


def test_no_migrations(tmp_path: Path) -> None:
    assert error_of(run(tmp_path, "init")).startswith("no folder of migrations found")
    assert not files(tmp_path)


def test_where_it_cannot_be_written(repository: Path) -> None:
    (repository / ".github").write_text("a file\n")
    done = run(repository, "init")
    assert done.returncode == 2
    assert done.stderr.startswith(f"schemalint: error: {WORKFLOW}: cannot be written (")


def test_pre_commit_runs_the_hook(repository: Path) -> None:
    """The real one, with the installed command."""
    run(repository, "init")
    git(repository, "add", "--all")
    done = subprocess.run(
        ["pre-commit", "run", "--all-files", "--color", "never"],
        cwd=repository,
        env={**clean_environment(), "PRE_COMMIT_HOME": str(repository / ".git/pre-commit")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "error[breaks/required-column]" in done.stdout


def steps_of(workflow: str) -> list[dict[str, Any]]:
    document: dict[Any, Any] = yaml.safe_load(workflow)
    assert document["permissions"] == {"contents": "read"}
    checkout, _, *steps = document["jobs"]["schemalint"]["steps"]
    assert checkout["with"] == {"fetch-depth": 0}
    return steps


def test_the_workflow(tmp_path: Path) -> None:
    """What it runs, run where a pull request brings the migration that breaks the sync."""
    install, check = steps_of(workflow_text(("https://example.org/schemalint", "abc123")))
    assert install["env"] == {"REQUIREMENT": "schemalint @ git+https://example.org/schemalint@abc123"}
    checkout = pull_request(tmp_path, SEED, CAUTION, (SEED / CAUTION).read_text())
    variables = {"GITHUB_BASE_REF": "main"}
    done = run_script(check["run"], checkout, variables)
    assert done.returncode == 1, done.stderr
    assert f"::error file={CAUTION},line=1," in done.stdout
    (checkout / CAUTION).unlink()
    assert run_script(check["run"], checkout, variables).returncode == 0


def test_the_workflow_has_the_action_where_it_can() -> None:
    for address in ("https://github.com/some-body/schemalint.git", "https://github.com/some-body/schemalint"):
        assert steps_of(workflow_text((address, "abc123"))) == [{"uses": "some-body/schemalint@abc123"}]
    for address in (
        "https://github.com/a",
        "https://github.com/a/b/c",
        "https://github.com/a/b\n#",
        "https://github.com.test/a/b",
    ):
        assert action_of((address, "abc123")) is None


def test_where_it_was_installed_from() -> None:
    def record(url: str, more: str = '"vcs_info": {"vcs": "git", "commit_id": "abc123"}') -> str:
        return f'{{"url": "{url}", {more}}}'

    origin = origin_of(record("https://example.org/schemalint"))
    assert origin == ("https://example.org/schemalint", "abc123")
    (entry,) = yaml.safe_load(hook_text(origin))["repos"]
    assert entry == {"repo": "https://example.org/schemalint", "rev": "abc123", "hooks": [{"id": "schemalint"}]}
    assert origin_of(None) is None
    assert origin_of("broken") is None
    assert origin_of(record("file:///home/me/schemalint", '"dir_info": {}')) is None
    assert origin_of(record("file:///home/me/schemalint")) is None
    assert origin_of(record("https://me:secret@example.org/schemalint")) is None


@pytest.mark.parametrize(
    "word",
    ["a/b", "db migrations", "no", "5", "", "-a", "a: b", "a #b", '"', "\\", "\n- x", "\u2028x", "\x85", "😀", "##[error]x", "é"],
)
def test_words_are_read_as_they_are(word: str) -> None:
    assert yaml.safe_load(f"a: {quoted(word)}") == {"a": word}
    assert "##[" not in quoted(word)
    assert len(f"x{quoted(word)}x".splitlines()) == 1


def test_names_cannot_leave_their_comment(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    name = '"odd\nfail_on: never\n#"'
    (folder / "1_a.sql").write_text(
        f"CREATE TABLE a (id int PRIMARY KEY, b text); CREATE TABLE {name} (id int PRIMARY KEY, b text);\n"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
        f"  INSERT INTO {name} (id, b) VALUES (NEW.id, NEW.b); RETURN NEW;\nEND $$;\n"
        "CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();\n"
    )
    text = run(tmp_path, "init", "--print").stdout
    assert "1 sync." in text
    assert "\nfail_on: never" not in text
