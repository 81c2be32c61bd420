"""What the configuration says of the place in which the migrations run, as far as the catalog carries it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from schemalint.catalog.catalog import Catalog, quoted
from schemalint.decision import DeclaredMirror, DeclaredName
from schemalint.flow.contract import Contract, declare
from schemalint.migrations.migration import Migration
from schemalint.text import Source, Span

if TYPE_CHECKING:
    from schemalint.configuration import Configuration
    from schemalint.configuration.settings import Runner


def declared(catalog: Catalog, configuration: Configuration) -> Catalog:
    """The database before its first migration, with what is declared about it."""
    runner, roles = configuration.runner, configuration.roles
    facts = {
        "runner_search_path": None if runner.search_path is None else tuple(e for e in runner.search_path if e != "$user"),
        "runner_lock_timeout": runner.lock_timeout,
        "migrating_role": roles.migrates,
        "writing_roles": roles.writes or None,
    }
    for name, value in facts.items():
        catalog = catalog.bind(("setting", name), value) if value is not None else catalog
    for each in configuration.mirrors:
        source, target = (".".join(map(quoted, configuration.qualified(name))) for name in (each.source, each.target))
        contract = Contract(frozenset(each.left_out), each.one_way, each.insert_only, each.retired)
        catalog = declare(catalog, source, target, contract)
    return catalog


def run_by(runner: Runner, migration: Migration) -> Migration:
    """The migration as its tool runs it."""
    return migration if runner.transaction else msgspec.structs.replace(migration, transactional=False)


def declared_mirrors(configuration: Configuration) -> Iterator[DeclaredMirror]:
    """The contracts with their places in the file."""
    source = configuration.source
    for number, each in enumerate(configuration.mirrors if source is not None else ()):
        assert source is not None
        keys = [("mirrors", number, "left_out", place) for place in range(len(each.left_out))]
        yield DeclaredMirror(
            source=DeclaredName(
                configuration.qualified(each.source), line_of(source, configuration.line("mirrors", number, "source"))
            ),
            target=DeclaredName(
                configuration.qualified(each.target), line_of(source, configuration.line("mirrors", number, "target"))
            ),
            left_out=tuple(
                DeclaredName(("", name), line_of(source, configuration.line(*key)))
                for name, key in zip(each.left_out, keys, strict=True)
            ),
        )


def line_of(source: Source, number: int) -> Span:
    """The text of a line, without the blanks around it."""
    start, line = source.start_of_line(number), source.line(number)
    return Span(source, start + len(line) - len(line.lstrip()), start + len(line.rstrip()))
