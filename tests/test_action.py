"""The GitHub action, its steps run by bash in a clone with one migration more than its base."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.test_pre_commit import CAUTION, CHECKOUT, MIGRATIONS, PROJECT, copy_checkout
from tests.workflows import Job, git, pull_request, run_script

ACTION = yaml.safe_load((CHECKOUT / "action.yml").read_text(encoding="utf-8"))
BREAKING = "ALTER TABLE messages ADD COLUMN required_field text NOT NULL;\n"
SAFE = "ALTER TABLE messages ADD COLUMN new_field text DEFAULT 'default_value';\n"
MIGRATION = (MIGRATIONS / CAUTION).as_posix()
INSTALL, CHECK = slice(0, 1), slice(1, None)


@pytest.fixture(scope="session")
def action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The action as GitHub downloads it: the files of this checkout."""
    folder = tmp_path_factory.mktemp("action") / "schemalint"
    copy_checkout(folder)
    return folder


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory, action: Path) -> Path:
    """The temporary folder of a runner, on which the action's first step has installed schemalint."""
    folder = tmp_path_factory.mktemp("runner")
    done = Job(folder, folder, action).use({}, INSTALL)
    assert done.code == 0, done.log
    return folder


def job(runner: Path, action: Path, checkout: Path, **variables: str) -> Job:
    (runner / "summary.md").unlink(missing_ok=True)
    return Job(checkout, runner, action, variables)


def checked(runner: Path, action: Path, checkout: Path, inputs: Mapping[str, str], **variables: str) -> Job:
    return job(runner, action, checkout, **variables).use(inputs, CHECK)


def test_a_broken_migration(runner: Path, action: Path, tmp_path: Path) -> None:
    checkout = pull_request(tmp_path, PROJECT, MIGRATION, BREAKING)
    done = checked(runner, action, checkout, {}, GITHUB_BASE_REF="main")
    assert done.code == 1, done.log
    assert f"::error file={MIGRATION},line=1,endLine=1,title=breaks/required-column,col=33," in done.log
    assert done.summary.startswith("### schemalint\n")
    assert "1 error, 1 info in 1 of 4 migrations" in done.summary
    sarif = json.loads(Path(done.outputs["sarif-file"]).read_text())
    (result,) = (each for each in sarif["runs"][0]["results"] if each["ruleId"] == "breaks/required-column")
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == MIGRATION
    assert git(checkout, "status", "--porcelain") == ""


def test_a_safe_migration(runner: Path, action: Path, tmp_path: Path) -> None:
    checkout = pull_request(tmp_path, PROJECT, MIGRATION, SAFE)
    done = checked(runner, action, checkout, {}, GITHUB_BASE_REF="main")
    assert done.code == 0, done.log
    assert "::error" not in done.log
    assert "1 info in 1 of 4 migrations" in done.summary
    results = json.loads(Path(done.outputs["sarif-file"]).read_text())["runs"][0]["results"]
    assert {each["level"] for each in results} == {"note"}


def test_what_was_there_before_is_not_asked_about(runner: Path, action: Path, tmp_path: Path) -> None:
    later = (MIGRATIONS / "20251106000000_more.sql").as_posix()
    checkout = pull_request(tmp_path, PROJECT, later, SAFE)
    assert checked(runner, action, checkout, {}, GITHUB_BASE_REF="main").code == 0
    assert checked(runner, action, checkout, {}).code == 1  # a push: the newest state, in whole
    assert checked(runner, action, checkout, {"since": "HEAD"}).code == 0


def test_inputs(runner: Path, action: Path, tmp_path: Path) -> None:
    checkout = pull_request(tmp_path, PROJECT, MIGRATION, BREAKING)
    (checkout / "other.yml").write_text("severity: {breaks/: warning}\n")
    for inputs in (
        {"fail-on": "never"},
        {"arguments": "--ignore breaks/\n --ignore loses/"},
        {"config": "other.yml"},
        {"path": f"{MIGRATIONS}/20251101000002_sync_messages_v2_to_messages.sql"},
        {"working-directory": "supabase", "path": "migrations", "fail-on": "never"},
    ):
        done = checked(runner, action, checkout, inputs, GITHUB_BASE_REF="main")
        assert done.code == 0, f"{inputs}\n{done.log}"
    assert checked(runner, action, checkout, {"path": MIGRATIONS.as_posix()}, GITHUB_BASE_REF="main").code == 1


@pytest.mark.parametrize("name", [each for each in ACTION["inputs"] if each not in ("verify", "working-directory")])
def test_inputs_are_not_run(runner: Path, action: Path, tmp_path: Path, name: str) -> None:
    checkout = pull_request(tmp_path, PROJECT, MIGRATION, SAFE)
    hostile = '$(touch ran);`touch ran`;"; touch ran; #'
    done = checked(runner, action, checkout, {name: hostile}, GITHUB_BASE_REF="main")
    assert done.code == 2
    assert not (checkout / "ran").exists()


def test_no_value_stands_in_a_script() -> None:
    assert not any("${{" in each["run"] for each in ACTION["runs"]["steps"])


def test_a_shallow_clone(runner: Path, action: Path, tmp_path: Path) -> None:
    origin = pull_request(tmp_path, PROJECT, MIGRATION, SAFE)
    git(tmp_path, "clone", "-q", "--depth", "1", origin.as_uri(), "shallow")
    done = checked(runner, action, tmp_path / "shallow", {}, GITHUB_BASE_REF="main")
    assert done.code == 2
    (said,) = (each for each in done.log.splitlines() if each.startswith("::error"))
    assert "the clone is shallow, fetch the whole history (fetch-depth: 0)" in said
    assert "fetch-depth: 0" in done.summary
    assert done.outputs["sarif-file"] == ""


def test_proof(runner: Path, action: Path, tmp_path: Path) -> None:
    checkout = pull_request(tmp_path, PROJECT, MIGRATION, BREAKING)
    done = job(runner, action, checkout, GITHUB_BASE_REF="main").use({"verify": "true"})
    assert done.code == 1, done.log
    assert "### schemalint verify\n" in done.summary
    assert "= proof: confirmed: 23502 null value in column" in done.summary
    assert "= proof: confirmed" in done.log
    assert os.path.exists(done.outputs["sarif-file"])
    (checkout / MIGRATION).write_text(SAFE)
    done = checked(runner, action, checkout, {"verify": "true"}, GITHUB_BASE_REF="main")
    assert done.code == 0, done.log


def test_what_is_installed_explains_its_rules(runner: Path, action: Path) -> None:
    """The pages of the rules come with the package, and not from the folder that it was installed from."""
    page = action / "docs" / "rules" / "breaks" / "required-column.md"
    done = run_script(f"'{runner}/schemalint/bin/schemalint' explain breaks/required-column", runner, {})
    assert done.stdout == page.read_text(encoding="utf-8")
    assert list((runner / "schemalint").rglob("site-packages/schemalint/pages/breaks/required-column.md"))
