"""What the configuration says of the place: rules by path, roles, the runner's lock_timeout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.test_command_line import error_of, run
from tests.test_layouts import SYNC, put

BREAK = {"migrations/0001_sync.sql": SYNC, "migrations/0002_legacy.sql": "ALTER TABLE posts ADD COLUMN body text NOT NULL;"}


def found(folder: Path, *arguments: str) -> dict[str, str]:
    done = run(folder, "check", "--format", "json", *arguments)
    assert done.returncode in (0, 1), done.stderr
    return {each["rule"]: each["severity"] for each in json.loads(done.stdout)["findings"]}


@pytest.mark.parametrize(
    ("entry", "severity"),
    [
        ("severity: {breaks/: warning}", "warning"),
        ("severity: {breaks/required-column: info, breaks/: warning}", "info"),
        ("severity: {breaks/required-column: off}", None),
        ("ignore: [breaks/]", None),
        ("select: [loses/]", None),
        ("select: [breaks/required-column]", "error"),
    ],
)
def test_rules_by_path(entry: str, severity: str | None, tmp_path: Path) -> None:
    put(tmp_path, {**BREAK, ".schemalint.yml": f"paths:\n  - path: migrations/*_legacy.sql\n    {entry}\n"})
    assert found(tmp_path).get("breaks/required-column") == severity
    assert (
        found(tmp_path / "migrations", "--config", "../.schemalint.yml", "0002_legacy.sql").get("breaks/required-column")
        == severity
    )
    put(tmp_path, {".schemalint.yml": f"paths:\n  - path: elsewhere/*\n    {entry}\n"})
    assert found(tmp_path)["breaks/required-column"] == "error"


def test_a_later_entry_goes_before_an_earlier_one(tmp_path: Path) -> None:
    config = (
        "severity: {breaks/: info}\npaths:\n  - path: migrations/**\n    severity: {breaks/: warning}\n"
        "  - path: migrations/0002*\n    severity: {breaks/: error}\n"
    )
    put(tmp_path, {**BREAK, ".schemalint.yml": config})
    assert found(tmp_path)["breaks/required-column"] == "error"


def test_an_entry_needs_a_path(tmp_path: Path) -> None:
    put(tmp_path, {**BREAK, ".schemalint.yml": "paths:\n  - ignore: [breaks/]\n"})
    assert "path" in error_of(run(tmp_path, "check"))


REVOKE = """
CREATE ROLE app; CREATE ROLE reports; CREATE ROLE app_owner;
ALTER FUNCTION f() SECURITY INVOKER;
GRANT SELECT, INSERT, UPDATE, DELETE ON posts, posts_v2 TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON posts_v2 TO reports;
"""


@pytest.mark.parametrize(
    ("config", "refused"), [("", True), ("roles: {writes: [app]}", False), ("roles: {writes: [reports]}", True)]
)
def test_the_roles_that_write(config: str, refused: bool, tmp_path: Path) -> None:
    """Whether the trigger may write is asked of those who write, where it is said who they are."""
    put(tmp_path, {"migrations/0001_sync.sql": SYNC, "migrations/0002_grants.sql": REVOKE, ".schemalint.yml": f"{config}\n"})
    assert ("breaks/permission-denied" in found(tmp_path)) == refused


@pytest.mark.parametrize(("config", "refused"), [("", True), ("roles: {migrates: app_owner}", False)])
def test_the_role_that_migrates(config: str, refused: bool, tmp_path: Path) -> None:
    """A definer function that is given to the role whose tables it writes runs as before."""
    change = "CREATE ROLE app_owner; ALTER FUNCTION f() SECURITY DEFINER; ALTER FUNCTION f() OWNER TO app_owner;"
    put(tmp_path, {"migrations/0001_sync.sql": SYNC, "migrations/0002_owner.sql": change, ".schemalint.yml": f"{config}\n"})
    assert ("breaks/permission-denied" in found(tmp_path)) == refused


def test_the_lock_timeout_of_the_runner(tmp_path: Path) -> None:
    put(tmp_path, {"migrations/0001_sync.sql": SYNC, "migrations/0002_note.sql": "ALTER TABLE posts ADD COLUMN note text;"})
    assert found(tmp_path)["blocks/table-locked"] == "info"
    put(tmp_path, {".schemalint.yml": "runner: {lock_timeout: 5s}\n"})
    assert "blocks/table-locked" not in found(tmp_path)
    put(tmp_path, {"migrations/0002_note.sql": "SET lock_timeout = 0; ALTER TABLE posts ADD COLUMN note text;"})
    assert "blocks/table-locked" in found(tmp_path)
