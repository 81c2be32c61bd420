"""The replayed catalog against what a real server has in pg_catalog after the same migrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from schemalint.catalog.catalog import Catalog, empty_catalog
from schemalint.parse.statements import Broken
from schemalint.replay.replay import Replayed, replay_migration
from tests.catalog_snapshots import differences, snapshot_of_catalog
from tests.histories_of_habits import HABITS
from tests.histories_of_projects import PROJECTS
from tests.histories_of_schemas import HISTORIES, REFUSED
from tests.postgres import Connection, Server, sqlstate_of
from tests.server_snapshots import snapshot_of_server
from tests.test_replay import migration

CASES = Path(__file__).parents[2] / "shared" / "cases"

# What one session's model cannot know: (history's error, migration's error) of the server; the replay has none.
BEYOND_THE_MODEL = {
    "trigger_disable_all_needs_superuser": "42501",  # who runs the migration
    "migration_update_fires_stale_trigger": "42703",  # what its triggers do
    "ok_transactional_file_rolls_back": "23505",  # the rows themselves
    "grant_bypassrls": "42704",  # a role that the server does not have
}


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEMALINT_STRICT", "1")


def error_of(replayed: Replayed) -> str | None:
    for step in replayed.steps:
        if isinstance(step.statement, Broken):
            return "42601"
        if step.refusal is not None:
            return step.refusal.sqlstate
    return None


def apply(connection: Connection, catalog: Catalog, text: str, transactional: bool) -> Catalog:
    """A migration on both; both must take it."""
    replayed = replay_migration(catalog, migration(text, transactional=transactional))
    assert sqlstate_of(connection, text) is None, text
    assert error_of(replayed) is None, [step.refusal for step in replayed.steps if step.refusal]
    connection.execute("RESET ALL")
    return replayed.after


def compare(connection: Connection, catalog: Catalog) -> None:
    found = differences(snapshot_of_catalog(catalog, connection.info.user), snapshot_of_server(connection))
    connection.execute("RESET ALL")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", [*HISTORIES, *PROJECTS, *HABITS])
def test_history(name: str, postgres: Server) -> None:
    with postgres.database() as connect:
        connection = connect("postgres")
        catalog = empty_catalog()
        for text in (HISTORIES | PROJECTS | HABITS)[name]:
            if "CONCURRENTLY" in text:
                for statement in text.split(";")[:-1]:
                    catalog = apply(connection, catalog, statement, transactional=False)
            else:
                catalog = apply(connection, catalog, text, transactional=True)
            compare(connection, catalog)


@pytest.mark.parametrize("name", REFUSED)
def test_refusal(name: str, postgres: Server) -> None:
    history, change, sqlstate = REFUSED[name]
    with postgres.database() as connect:
        connection = connect("postgres")
        catalog = apply(connection, empty_catalog(), history, transactional=True)
        connection.execute("BEGIN")
        assert sqlstate_of(connection, change) == sqlstate
        connection.execute("ROLLBACK")
        replayed = replay_migration(catalog, migration(change))
        assert error_of(replayed) == sqlstate


def cases() -> list[Any]:
    found: dict[tuple[Any, ...], Any] = {}
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            found.setdefault((str(case["history"]), str(case["migration"])), case)
    return [pytest.param(case, id=case["name"]) for case in found.values()]


@pytest.mark.parametrize("case", cases())
def test_case(case: Any, postgres: Server) -> None:
    transactional = case.get("transaction", True)
    with postgres.database() as connect:
        connection = connect("postgres" if case.get("superuser") else "app_owner")
        catalog = empty_catalog()
        for text in [case["history"]] if isinstance(case["history"], str) else case["history"]:
            real = sqlstate_of(connection, text)
            replayed = replay_migration(catalog, migration(text))
            if real is not None:
                assert BEYOND_THE_MODEL.get(case["name"]) == real
                return
            assert error_of(replayed) is None
            catalog = replayed.after
        compare(connection, catalog)
        change = case["migration"] if isinstance(case["migration"], str) else "\n".join(case["migration"])
        real = migrated(connection, change, transactional)
        replayed = replay_migration(catalog, migration(change, transactional=transactional))
        modelled = error_of(replayed)
        if case["name"] in BEYOND_THE_MODEL:
            assert (real, modelled) == (BEYOND_THE_MODEL[case["name"]], None)
            return
        assert modelled == real
        if real is None:
            compare(connection, replayed.after)


def migrated(connection: Connection, text: str, transactional: bool) -> str | None:
    if not transactional:
        return sqlstate_of(connection, text)
    connection.execute("BEGIN")
    error = sqlstate_of(connection, text) or sqlstate_of(connection, "COMMIT")
    if error is not None:
        connection.execute("ROLLBACK")
    return error
