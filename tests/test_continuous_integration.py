"""The page about pull requests: what it tells people to write is run as it stands there, against this checkout."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_action import ACTION, BREAKING, MIGRATION, SAFE
from tests.test_pre_commit import CHECKOUT, PROJECT, copy_checkout
from tests.workflows import EXPRESSION, Job, git, pull_request, run_script

PAGE = (CHECKOUT / "docs" / "continuous-integration.md").read_text(encoding="utf-8")


def documented(name: str) -> dict[str, Any]:
    """The file of that name, as the page shows it."""
    (text,) = re.findall(rf"```yaml\n# {re.escape(name)}\n(.*?)```", PAGE, re.DOTALL)
    document: dict[str, Any] = yaml.safe_load(text)
    return document


# -- GitHub


def steps() -> dict[str, dict[str, Any]]:
    """The workflow's steps, each by the name of its action."""
    listed = documented(".github/workflows/schemalint.yml")["jobs"]["schemalint"]["steps"]
    return {each["uses"].partition("@")[0]: each for each in listed}


def test_the_workflow(tmp_path: Path) -> None:
    checkout = pull_request(tmp_path, PROJECT, MIGRATION, BREAKING)
    copy_checkout(tmp_path / "schemalint")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    given = {name: json.dumps(value) for name, value in steps()["OWNER/schemalint"]["with"].items()}
    done = Job(checkout, temporary, tmp_path / "schemalint", {"GITHUB_BASE_REF": "main"}).use(given)
    assert done.code == 1, done.log
    assert f"::error file={MIGRATION},line=1," in done.log
    assert "= proof: confirmed" in done.summary
    assert "breaks/required-column" in Path(done.outputs["sarif-file"]).read_text()


def test_the_workflow_takes_what_the_action_gives() -> None:
    assert steps()["actions/checkout"]["with"] == {"fetch-depth": 0}
    (own,) = (each for each in steps().values() if each.get("id"))
    upload = steps()["github/codeql-action/upload-sarif"]
    (output,) = EXPRESSION.findall(upload["with"]["sarif_file"])
    step, name = re.fullmatch(r"steps\.(\w+)\.outputs\.([\w-]+)", output.strip()).groups()  # type: ignore[union-attr]
    assert (step, name) == (own["id"], *ACTION["outputs"])
    assert upload["if"].startswith("always() && ")
    assert output.strip() in upload["if"]


def test_the_readme_shows_its_first_steps() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (CHECKOUT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (shown,) = (yaml.safe_load(each) for each in blocks if "OWNER/schemalint" in each)
    for each in shown:
        whole = steps()[each["uses"].partition("@")[0]]
        assert {**whole, **each} == whole


def test_the_inputs() -> None:
    assert re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE) == list(ACTION["inputs"])


# -- GitLab


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment's programs, as a job's image has them."""
    folder = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder / "bin"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pip installs this checkout from: a repository with its files."""
    folder = tmp_path_factory.mktemp("repository")
    copy_checkout(folder)
    git(folder, "init", "-q")
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "all")
    # Older pips take no address without a host.
    return f"git+file://localhost{folder.as_posix()}@{git(folder, 'rev-parse', 'HEAD')}"


def job(name: str) -> dict[str, Any]:
    """A job, with what it has from the one that it extends."""
    document = documented(".gitlab-ci.yml")
    return {**document[document[name]["extends"]], **document[name]}


def run_job(name: str, checkout: Path, programs: Path, address: str) -> subprocess.CompletedProcess[str]:
    found = job(name)
    assert found["variables"].keys() == {"GIT_DEPTH", "SCHEMALINT"}
    assert found["variables"]["GIT_DEPTH"] == 0
    variables = {
        "SCHEMALINT": address,
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": git(checkout, "rev-parse", "origin/main"),
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    return run_script("\n".join(found["script"]), checkout, variables)


def test_the_job(programs: Path, address: str, tmp_path: Path) -> None:
    checkout = pull_request(tmp_path, PROJECT, MIGRATION, BREAKING)
    done = run_job("schemalint", checkout, programs, address)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "error[breaks/required-column]" in done.stdout, done.stderr
    assert job("schemalint")["artifacts"]["when"] == "always"
    reports = job("schemalint")["artifacts"]["reports"]
    issues = json.loads((checkout / reports["codequality"]).read_text())
    assert ("breaks/required-column", MIGRATION) in [(each["check_name"], each["location"]["path"]) for each in issues]
    assert ElementTree.parse(checkout / reports["junit"]).getroot().attrib["failures"] != "0"
    (checkout / MIGRATION).write_text(SAFE)
    assert run_job("schemalint", checkout, programs, address).returncode == 0


def test_the_job_that_verifies(programs: Path, address: str, tmp_path: Path) -> None:
    checkout = pull_request(tmp_path, PROJECT, MIGRATION, BREAKING)
    done = run_job("schemalint-verify", checkout, programs, address)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "= proof: confirmed: 23502" in done.stdout
    (checkout / MIGRATION).write_text(SAFE)
    assert run_job("schemalint-verify", checkout, programs, address).returncode == 0
