"""What the configuration says of the place in which the migrations run, as far as the catalog carries it."""

from __future__ import annotations

from collections.abc import Iterator
from re import compile as pattern
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

PART = pattern(r'"((?:[^"]|"")+)"|([^".]+)')


def declared(catalog: Catalog, configuration: Configuration) -> Catalog:
    """The database before its first migration, with what is declared about it."""
    runner = configuration.runner
    if runner.search_path is not None:
        path = tuple(each for each in runner.search_path if each != "$user")
        catalog = catalog.bind(("setting", "runner_search_path"), path)
    for each in configuration.mirrors:
        source, target = (".".join(map(quoted, qualified(name, configuration))) for name in (each.source, each.target))
        contract = Contract(frozenset(each.left_out), each.one_way, each.insert_only, each.retired)
        catalog = declare(catalog, source, target, contract)
    return catalog


def run_by(runner: Runner, migration: Migration) -> Migration:
    """The migration as its tool runs it."""
    return migration if runner.transaction else msgspec.structs.replace(migration, transactional=False)


def qualified(written: str, configuration: Configuration) -> tuple[str, str]:
    """Schema and name of a table as somebody has written it; without a schema, the first of the search_path is meant."""
    parts = [quotes.replace('""', '"') or bare for quotes, bare in PART.findall(written)]
    if len(parts) > 1:
        return parts[0], parts[1]
    return next((each for each in configuration.search_path if each != "$user"), "public"), parts[0]


def declared_mirrors(configuration: Configuration) -> Iterator[DeclaredMirror]:
    """The contracts with their places in the file."""
    source = configuration.source
    for number, each in enumerate(configuration.mirrors if source is not None else ()):
        assert source is not None
        keys = [("mirrors", number, "left_out", place) for place in range(len(each.left_out))]
        yield DeclaredMirror(
            source=DeclaredName(
                qualified(each.source, configuration), line_of(source, configuration.line("mirrors", number, "source"))
            ),
            target=DeclaredName(
                qualified(each.target, configuration), line_of(source, configuration.line("mirrors", number, "target"))
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
