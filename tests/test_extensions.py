"""What extensions bring along: the data file against servers that have them, and the model that reads it."""

from __future__ import annotations

import pytest

from schemalint.catalog.catalog import empty_catalog
from schemalint.catalog.model import Relation
from schemalint.catalog.type_printing import format_type
from schemalint.replay.replay import replay_migration
from tests.generate_extension_facts import CONTRIB, EMBEDDED, FILE, facts, installed_binaries
from tests.generate_facts import printed
from tests.test_replay import migration

BINARIES = installed_binaries()


@pytest.mark.skipif(BINARIES is None, reason="needs a PostgreSQL with its contrib modules, such as Debian's postgresql-contrib")
def test_the_file_is_what_the_servers_say() -> None:
    assert BINARIES is not None
    assert FILE.read_text(encoding="utf-8") == printed({"extensions": facts(BINARIES)})


@pytest.mark.parametrize("name", [*CONTRIB, *EMBEDDED, "postgis", "some_other"])
def test_an_extension_comes_moves_and_goes(name: str) -> None:
    catalog = empty_catalog()
    for text in (
        f'CREATE EXTENSION IF NOT EXISTS "{name}" WITH SCHEMA public; CREATE EXTENSION IF NOT EXISTS "{name}";',
        f'CREATE SCHEMA extensions; ALTER EXTENSION "{name}" SET SCHEMA extensions;',
        f'DROP EXTENSION "{name}";',
    ):
        replayed = replay_migration(catalog, migration(text))
        assert [step.refusal for step in replayed.steps if step.refusal is not None] == []
        catalog = replayed.after
    assert catalog.extension(name) is None


def test_types_of_what_extensions_compute() -> None:
    text = """
    CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION pgcrypto; CREATE EXTENSION vector;
    CREATE TABLE t (id uuid, tags hstore, email citext UNIQUE, v vector);
    CREATE VIEW w AS
      SELECT akeys(tags) AS keys, digest(email::text, 'sha256') AS hash, tags, email, l2_distance(v, v) AS far FROM t;
    """
    catalog = replay_migration(empty_catalog(), migration(text)).after
    view = next(each for each in catalog.objects(Relation) if each.name == "w")
    assert [format_type(each.type, catalog) for each in view.columns] == [
        "text[]", "bytea", "public.hstore", "public.citext", "double precision",
    ]  # fmt: skip


def test_what_depends_on_an_extension_keeps_it() -> None:
    replayed = replay_migration(
        empty_catalog(), migration("CREATE EXTENSION citext; CREATE TABLE t (a citext); DROP EXTENSION citext;")
    )
    assert [step.refusal.sqlstate for step in replayed.steps if step.refusal is not None] == ["2BP01"]
