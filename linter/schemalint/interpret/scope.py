"""Where an expression stands: the names it can see, and the code around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.flow.path import Condition, Failure, Gap, Handler, Write
from schemalint.flow.value import Term, Value
from schemalint.text import Excerpt, Span

Locate = Callable[[int], Span | None]  # byte location in a parsed text → place in the file


class RaisedError(Exception):
    """PostgreSQL refuses what is being analysed; the statement ends here."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Effect(msgspec.Struct, frozen=True):
    """One way that a statement, or a function called in an expression, can go."""

    conditions: tuple[Condition, ...] = ()
    writes: tuple[Write, ...] = ()
    failures: tuple[Failure, ...] = ()
    ended: str = ""  # "failed", "raised": it goes no further
    columns: tuple[tuple[str, Value], ...] = ()  # RETURNING
    rows: str = "one"  # how many rows it touched: "none", "one", "many"


Row = tuple[int, frozenset[tuple[int, Term]]]  # a table, and the terms of some of the row's columns


class Context(msgspec.Struct, frozen=True):
    """The function whose body runs, and for which event of which trigger."""

    catalog: Catalog
    function: int
    search_path: tuple[str, ...]
    event: str  # of the trigger at the top: "insert", "update", "delete", "truncate"
    source: int  # the table that it stands on
    gaps: list[Gap]  # what was not understood, gathered while running
    pending: list[tuple[Effect, ...]]  # what functions called in the present statement did: alternatives for each
    timing: str = "after"
    there: tuple[Row, ...] = ()  # rows that are surely there already
    gone: tuple[Row, ...] = ()  # rows that the path has deleted
    leaving: tuple[tuple[str, Row], ...] = ()  # rows that are being deleted, and by triggers of which timing
    trigger: int = 0
    stack: tuple[tuple[int, str], ...] = ()  # (trigger or function, event) of the calls around this one
    depth: int = 1  # pg_trigger_depth()
    caught: tuple[Handler, ...] = ()
    security_definer: bool = False
    user: str | None = ""  # the role that runs it: "" the writer, None the one that runs the migrations
    volatility: str = "volatile"
    excerpt: Excerpt | None = None
    variable_conflict: str = "error"
    unset_settings: bool = False  # ask as if no custom setting were set

    def is_there(self, table: int, columns: frozenset[tuple[int, Term]]) -> bool:
        """Whether a row with these columns surely exists."""
        return bool(columns) and any(each == table and columns <= row for each, row in self.there)

    def gap(self, span: Span | None, reason: str) -> None:
        if all(each.span != span or each.reason != reason for each in self.gaps):
            self.gaps.append(Gap(span, reason))


class Table(msgspec.Struct, frozen=True):
    """An entry of a FROM clause, or the target of an UPDATE: its alias and its columns' values."""

    alias: str
    columns: tuple[tuple[str, Value], ...]
    relation: int | None = None
    known: bool = True  # False: it may have columns that are not listed
    hidden: bool = False  # reached by its alias only (EXCLUDED)

    def column(self, name: str) -> Value | None:
        for each, value in self.columns:
            if each == name:
                return value
        return None


class Scope(msgspec.Struct, frozen=True):
    """The names that an expression can see, innermost first: tables, then variables, then the outer query."""

    context: Context
    variables: Mapping[str, Value]
    locate: Locate
    tables: tuple[Table, ...] = ()
    queries: tuple[tuple[str, Table], ...] = ()  # WITH
    parameters: tuple[Value, ...] = ()  # $1, $2 …
    guards: tuple[str, ...] = ()  # the conditions under which it is reached
    outer: Scope | None = None

    @property
    def catalog(self) -> Catalog:
        return self.context.catalog

    @property
    def path(self) -> tuple[str, ...]:
        return self.context.search_path

    def with_tables(self, *tables: Table) -> Scope:
        return msgspec.structs.replace(self, tables=(*self.tables, *tables))

    def inner(self) -> Scope:
        """The scope of a query inside this one."""
        return msgspec.structs.replace(self, tables=(), outer=self)

    def span(self, node: Mapping[str, Any]) -> Span | None:
        return self.locate(node.get("location", 0))


def fail(
    scope: Scope,
    kind: str,
    sqlstate: str,
    message: str,
    location: int | None,
    subject: tuple[int | str, ...],
    relation: int | None = None,
    column: int | None = None,
    reason: str = "",
) -> RaisedError:
    """The refusal of what stands at a location; to be raised."""
    span = scope.locate(location or 0)
    failure = Failure(
        kind, sqlstate, message, span, subject, relation=relation, column=column, reason=reason, function=scope.context.function
    )
    return RaisedError(failure)
