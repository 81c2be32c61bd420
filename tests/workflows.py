"""A composite action run as GitHub's runner would run it: each step by bash, with the variables that a job has.

Only what our own files use is known; anything else in them is an error, not a guess.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
# Neither the developer's settings nor, where a hook runs these tests, that hook's repository; nor the job of a real runner.
OTHERS = ("GIT_", "GITHUB_", "RUNNER_", "CI_", "PRE_COMMIT", "VIRTUAL_ENV")
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.test",
    "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.test",
}  # fmt: skip

ALL = slice(None)


def environment() -> dict[str, str]:
    """What a process starts with; `python3` is the one of the tests, as setup-python would have put it in front."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
    return {**inherited, **GIT, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}"}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True, text=True).stdout.strip()


def run_script(script: str, folder: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*BASH, "-c", script],
        cwd=folder,
        env={**environment(), **variables},
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
    )


def pull_request(folder: Path, project: Path, migration: str, sql: str) -> Path:
    """A clone as a pull request's checkout has it: the project on `main` at its origin, and a branch with one migration more."""
    origin, checkout = folder / "origin", folder / "checkout"
    shutil.copytree(project, origin)
    (origin / migration).unlink(missing_ok=True)
    git(origin, "init", "-q", "-b", "main")
    git(origin, "add", ".")
    git(origin, "commit", "-qm", "the history")
    git(origin, "switch", "-qc", "change")
    (origin / migration).write_text(sql)
    git(origin, "add", ".")
    git(origin, "commit", "-qm", "the change")
    git(folder, "clone", "-q", origin.as_uri(), str(checkout))
    return checkout


@dataclass
class Job:
    """A job on a runner: its checkout, its temporary folder, and what its steps have written so far."""

    workspace: Path
    temporary: Path
    action: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    log: str = ""
    code: int = 0
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        path = self.temporary / "summary.md"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def use(self, inputs: Mapping[str, str], steps: slice = ALL) -> Job:
        """Runs these steps of the action with these inputs, until one fails."""
        action = yaml.safe_load((self.action / "action.yml").read_text(encoding="utf-8"))
        assert set(inputs) <= set(action["inputs"]), "an input that the action does not have"
        given = {name: inputs.get(name, each["default"]) for name, each in action["inputs"].items()}
        contexts = {"github.action_path": str(self.action), **{f"inputs.{name}": value for name, value in given.items()}}
        for step in action["runs"]["steps"][steps]:
            self._run(step, contexts)
            if self.code:
                break
        self.outputs = {name: resolved(each["value"], contexts) for name, each in action["outputs"].items()}
        return self

    def _run(self, step: Mapping[str, Any], contexts: dict[str, str]) -> None:
        assert set(step) <= {"name", "id", "shell", "env", "run", "working-directory"}
        assert step["shell"] == "bash"
        assert not EXPRESSION.search(step["run"]), "a value in the script itself would be run"
        written = self.temporary / "output"
        written.write_text("")
        variables = {
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_OUTPUT": str(written),
            "GITHUB_STEP_SUMMARY": str(self.temporary / "summary.md"),
            **self.variables,
            **{name: resolved(value, contexts) for name, value in step["env"].items()},
        }
        folder = self.workspace / resolved(step.get("working-directory", "."), contexts)
        done = run_script(step["run"], folder, variables)
        self.log += done.stdout + done.stderr
        self.code = done.returncode
        for line in written.read_text().splitlines():
            name, _, value = line.partition("=")
            contexts[f"steps.{step['id']}.outputs.{name}"] = value


def resolved(text: str, contexts: Mapping[str, str]) -> str:
    """A text with its expressions replaced; a step's output that was not written is empty."""

    def value(match: re.Match[str]) -> str:
        name = match[1].strip()
        return contexts.get(name, "") if re.fullmatch(r"steps\.\w+\.outputs\.[\w-]+", name) else contexts[name]

    return EXPRESSION.sub(value, text)
