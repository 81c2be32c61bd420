"""What the configuration says of the place in which the migrations run, as far as the catalog carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.migrations.migration import Migration

if TYPE_CHECKING:
    from schemalint.configuration import Configuration
    from schemalint.configuration.settings import Runner


def declared(catalog: Catalog, configuration: Configuration) -> Catalog:
    """The database before its first migration, with what is declared about it."""
    runner = configuration.runner
    if runner.search_path is not None:
        path = tuple(each for each in runner.search_path if each != "$user")
        catalog = catalog.bind(("setting", "runner_search_path"), path)
    return catalog


def run_by(runner: Runner, migration: Migration) -> Migration:
    """The migration as its tool runs it."""
    return migration if runner.transaction else msgspec.structs.replace(migration, transactional=False)
