"""Random DDL on the model and on a real server (tests/random_ddl.py writes it).

What the server applies, the model applies, and the catalogs agree; what the model refuses, the server refuses. The other way
round the model misses some: what it does not look into, it takes for applied.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemalint.catalog.catalog import Catalog, empty_catalog
from schemalint.parse.statements import Statement, read_statements
from schemalint.replay.replay import replay_statement
from schemalint.text import Source
from tests.catalog_snapshots import differences, snapshot_of_catalog
from tests.postgres import Connection, Server, sqlstate_of
from tests.random_ddl import Choose, Writer
from tests.server_snapshots import snapshot_of_server

# RANDOM_DDL_EXAMPLES=5000 RANDOM_DDL_SEED=1 pytest tests/test_random_ddl.py: longer, and another run each time.
EXAMPLES = int(os.environ.get("RANDOM_DDL_EXAMPLES", "120"))
STATEMENTS = 25
UNKNOWN = "unmodelled"
SEEN = 0.97  # the share of refusals that the model sees, or says that it cannot know


@pytest.fixture(scope="module")
def connection(postgres: Server) -> Iterator[Connection]:
    with postgres.database() as connect:
        yield connect("postgres")


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEMALINT_STRICT", "1")


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False, report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink), derandomize="RANDOM_DDL_SEED" not in os.environ, database=None,
)  # fmt: skip
@given(data=st.data())
def test_the_catalogs_agree(connection: Connection, data: st.DataObject) -> None:
    run: list[str] = []
    for text, real, modelled, found in history(
        connection, lambda count: data.draw(st.integers(0, count - 1)), data.draw(st.integers(1, STATEMENTS))
    ):
        run.append(f"{text};  -- {real}")
        said = "\n".join([*run, f"modelled: {modelled}, real: {real}", *found])
        # A block that catches errors applies whatever happens in it: also to what the model knows nothing of.
        caught = "EXCEPTION WHEN" in text and modelled is not None
        assert modelled == real or real is not None or caught, said
        assert not found, said


def test_most_refusals_are_seen(connection: Connection) -> None:
    refused = missed = 0
    for seed in range(60):
        choose = Random(seed)
        for _, real, modelled, _ in history(connection, choose.randrange, STATEMENTS):
            refused += real is not None
            missed += real is not None and modelled is None
    assert refused > 500
    assert missed < refused * (1 - SEEN)


def history(connection: Connection, choose: Choose, count: int) -> Iterator[tuple[str, str | None, str | None, list[str]]]:
    """Statements, what the server and the model say to each, and how the catalogs differ after it."""
    connection.execute("ROLLBACK")
    connection.execute("BEGIN")
    catalog = empty_catalog()
    try:
        for _ in range(count):
            text = Writer(choose, catalog).statement()
            connection.execute("SAVEPOINT one")
            real = sqlstate_of(connection, text)
            if real is not None:
                connection.execute("ROLLBACK TO one")
            after, modelled = modelled_after(catalog, text)
            found: list[str] = []
            if real is None:
                catalog = after
                connection.execute("SAVEPOINT two")
                found = differences(snapshot_of_catalog(catalog), snapshot_of_server(connection))
                connection.execute("ROLLBACK TO two")
            yield text, real, modelled, found
            if found:
                return
    finally:
        connection.execute("ROLLBACK")


def modelled_after(catalog: Catalog, text: str) -> tuple[Catalog, str | None]:
    """The catalog after a statement, and why it is refused; or that the model cannot know."""
    (statement,) = read_statements(Source("random.sql", text))
    if not isinstance(statement, Statement):
        return catalog, "42601"
    after, refusal, unmodelled = replay_statement(catalog, statement, True)
    if unmodelled:
        return catalog, UNKNOWN
    return after, None if refusal is None else refusal.sqlstate
