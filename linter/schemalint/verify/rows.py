"""Rows that a table accepts. The server is the oracle: a row is tried, its answer says what to change, and it is tried again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product
from re import compile as pattern
from typing import TYPE_CHECKING

import msgspec

from schemalint.verify.replaying import run
from schemalint.verify.server import first_line
from schemalint.verify.shape import Column, ForeignKey, Shape, Shapes, literal, quoted_always
from schemalint.verify.values import candidates, ordinary

if TYPE_CHECKING:
    import psycopg

    from schemalint.verify.server import Connection

Row = Mapping[str, str | None]
TRIES = 40  # changes of one row
COMBINATIONS = 300  # values tried for one CHECK
DEEPEST = 6  # parents of parents
MISSING_KEY = pattern(
    r"Key \((?P<columns>.*)\)=\((?P<values>.*)\) is not present in table",
)


class Found(msgspec.Struct, frozen=True):
    """A row that was accepted, or why none was found."""

    row: Row | None
    reason: str = ""


class Stock:
    """Puts rows into one database, in a transaction that is never committed; what it has put there is in `script`."""

    def __init__(self, connection: Connection, shapes: Shapes) -> None:
        self.connection = connection
        self.shapes = shapes
        self.script: list[str] = []
        self._parents: dict[tuple[int, int], Row | None] = {}

    # -- finding a row

    def find(self, shape: Shape, number: int, forced: Row | None = None, depth: int = 0) -> Found:
        """A row with ordinary values where they are accepted; nothing of it is left, its parents are."""
        forced = forced or {}
        row = self._first(shape, number, forced, depth)
        reason = "no row was accepted"
        for _ in range(TRIES):
            error = self.attempt(insert_of(shape, row))
            if error is None:
                return Found(row)
            reason = f"{error.sqlstate} {first_line(error)}"
            changed = self._changed(shape, row, forced, error, number)
            if changed is None:
                return Found(None, reason)
            row = changed
        return Found(None, reason)

    def _first(self, shape: Shape, number: int, forced: Row, depth: int) -> dict[str, str | None]:
        row: dict[str, str | None] = {}
        for column in shape.columns:
            if column.settable:
                value = ordinary(column, number)
                if value is not None or (not column.required and not column.has_default):
                    row[column.name] = value
        for key in shape.foreign_keys:
            row.update(self._referring(shape, key, number, depth))
        row.update({name: value for name, value in forced.items() if shape.column(name) is not None})
        return row

    def _referring(self, shape: Shape, key: ForeignKey, number: int, depth: int) -> Row:
        """The values of a foreign key's columns: of a parent that is there, or NULL."""
        optional = any(not column.required for name in key.columns if (column := shape.column(name)) is not None)
        if key.parent == shape.oid:
            return {name: None for name in key.columns if (c := shape.column(name)) is not None and not c.required}
        parent = self.parent(key.parent, number, depth + 1) if depth < DEEPEST else None
        if parent is None or any(name not in parent for name in key.parent_columns):
            return dict.fromkeys(key.columns) if optional else {}
        return {own: parent[other] for own, other in zip(key.columns, key.parent_columns, strict=True)}

    def parent(self, oid: int, number: int, depth: int = 0, forced: Row | None = None) -> Row | None:
        """A row of a parent table, put there if it is not; it stays."""
        known = (oid, number)
        if forced is None and known in self._parents:
            return self._parents[known]
        shape = self.shapes.of(oid)
        found = self._put(shape, number, forced, depth) if shape is not None else None
        if forced is None:
            self._parents[known] = found
        return found

    def _put(self, shape: Shape, number: int, forced: Row | None, depth: int) -> Row | None:
        found = self.find(shape, number, forced, depth)
        if found.row is not None:
            text = insert_of(shape, found.row)
            if self.attempt(text, keep=True) is None:
                self.script.append(text)
                return found.row
        return self._existing(shape, number) if forced is None else None

    def _existing(self, shape: Shape, number: int) -> Row | None:
        """A row that the history itself has put there."""
        names = [each for each in shape.columns if each.settable]
        columns = ", ".join(f"{quoted_always(each.name)}::pg_catalog.text" for each in names)
        rows = self.query(f"SELECT {columns} FROM {shape.name} LIMIT 1 OFFSET {number}") or self.query(
            f"SELECT {columns} FROM {shape.name} LIMIT 1"
        )
        if not rows:
            return None
        return {each.name: None if value is None else str(value) for each, value in zip(names, rows[0], strict=True)}

    # -- what an answer asks for

    def _changed(
        self, shape: Shape, row: dict[str, str | None], forced: Row, error: psycopg.Error, number: int
    ) -> dict[str, str | None] | None:
        state, said = error.sqlstate, error.diag
        if state == "23514":
            return self._satisfying(shape, row, forced, said.constraint_name, said.datatype_name)
        if state == "23505":
            return _other_keys(shape, row, forced, number)
        if state == "23502" and said.column_name and (column := shape.column(said.column_name)) is not None:
            value = ordinary(column, number)
            return None if row.get(column.name) == value or column.name in forced else {**row, column.name: value}
        if state in ("428C9", "22P02", "22007", "22008", "22001", "22003", "2200L", "22P03") or state == "22000":
            return self._without_misfit(shape, row, forced)
        if state == "23503" and said.table_name == shape.table:
            return self._with_parent(shape, row, said.constraint_name, said.message_detail or "")
        return None

    def _satisfying(
        self, shape: Shape, row: dict[str, str | None], forced: Row, constraint: str | None, domain: str | None
    ) -> dict[str, str | None] | None:
        """The row with other values in a CHECK's columns, with which the server complains no more, or of something else."""
        check = next((c for c in shape.checks if constraint and c.name == constraint), None)
        check = check or next((c for c in shape.checks if domain and c.name == domain), None)
        columns = [c for name in check.columns if (c := shape.column(name)) is not None] if check is not None else []
        free = [each for each in columns if each.name not in forced and each.settable]
        if check is None or not free:
            return None
        choices = (candidates(each, shape.constants) for each in free)
        for values in islice(product(*choices), COMBINATIONS):
            changed = {**row, **{each.name: value for each, value in zip(free, values, strict=True)}}
            error = self.attempt(insert_of(shape, changed))
            if error is None or (error.sqlstate == "23514" and error.diag.constraint_name not in (constraint, None)):
                return changed
            if error is not None and error.sqlstate in ("23505", "23503", "23502"):
                return changed
        return None

    def _without_misfit(self, shape: Shape, row: dict[str, str | None], forced: Row) -> dict[str, str | None] | None:
        """The row without the first column whose value its type does not take."""
        for column in shape.columns:
            value = row.get(column.name)
            if value is None or column.name in forced:
                continue
            rest = {name: each for name, each in row.items() if name != column.name}
            shorter = {**rest, **({} if column.has_default or not column.required else {column.name: "1"})}
            error = self.attempt(insert_of(shape, shorter))
            if error is None or not (error.sqlstate or "").startswith("22"):
                return shorter
        return None

    def _with_parent(
        self, shape: Shape, row: dict[str, str | None], constraint: str | None, detail: str
    ) -> dict[str, str | None] | None:
        key = next((each for each in shape.foreign_keys if each.name == constraint), None)
        if key is None or not self.companion(key, detail):
            return None
        return dict(row)

    def companion(self, key: ForeignKey, detail: str) -> bool:
        """Puts the row there that a foreign key has missed, as the error's detail names it."""
        said = MISSING_KEY.search(detail)
        if said is None:
            return False
        values = [said["values"]] if len(key.parent_columns) == 1 else said["values"].split(", ")
        if len(values) != len(key.parent_columns):
            return False
        forced = dict(zip(key.parent_columns, values, strict=True))
        return self.parent(key.parent, len(self._parents) + 11, 1, forced) is not None

    # -- talking to the server

    def attempt(self, text: str, keep: bool = False) -> psycopg.Error | None:
        """The error that a write is answered with, deferred constraints included; what it did is undone, or kept."""
        self.connection.execute("SAVEPOINT schemalint_attempt")
        error = run(self.connection, text) or deferred_error(self.connection)
        # Always undone: the mode that SET CONSTRAINTS leaves would make later writes fail sooner than they do.
        self.connection.execute("ROLLBACK TO SAVEPOINT schemalint_attempt")
        self.connection.execute("RELEASE SAVEPOINT schemalint_attempt")
        return run(self.connection, text) if keep and error is None else error

    def query(self, text: str) -> list[tuple[object, ...]]:
        """What a query of this program's own yields; nothing where it cannot be asked."""
        import psycopg

        self.connection.execute("SAVEPOINT schemalint_query")
        try:
            rows = self.connection.execute(text.encode("utf-8", "replace")).fetchall()
        except psycopg.Error:
            if self.connection.closed:
                raise
            self.connection.execute("ROLLBACK TO SAVEPOINT schemalint_query")
            rows = []
        self.connection.execute("RELEASE SAVEPOINT schemalint_query")
        return rows


def deferred_error(connection: Connection) -> psycopg.Error | None:
    """The error that a COMMIT would bring. The caller's savepoint is rolled back next, and with it the constraints' mode.

    Not through a savepoint of its own: PostgreSQL forgets to restore the mode where an inner one has been released.
    """
    import psycopg

    try:
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.Error as error:
        if connection.closed:
            raise
        return error
    return None


def _other_keys(shape: Shape, row: dict[str, str | None], forced: Row, number: int) -> dict[str, str | None] | None:
    """The row with other values in the columns of its keys, where they are not given."""
    fixed = {*forced, *(name for key in shape.foreign_keys for name in key.columns)}
    names = {name for key in shape.keys for name in key} - fixed
    changed = dict(row)
    for name in names:
        column = shape.column(name)
        if column is not None and column.settable and row.get(name) is not None:
            changed[name] = ordinary(column, number + 101) if row[name] != ordinary(column, number + 101) else None
    return changed if changed != row else None


def insert_of(shape: Shape, row: Row) -> str:
    if not row:
        return f"INSERT INTO {shape.name} DEFAULT VALUES"
    names, values = ", ".join(map(quoted_always, row)), ", ".join(map(literal, row.values()))
    return f"INSERT INTO {shape.name} ({names}) VALUES ({values})"


def where_of(shape: Shape, row: Row) -> str:
    """A condition that finds the row again; empty where the table has no key that the row gives."""
    key = next((key for key in shape.keys if key and all(row.get(name) is not None for name in key)), None)
    if key is None:
        return ""
    return " WHERE " + " AND ".join(f"{quoted_always(name)} = {literal(row[name])}" for name in key)


def columns_of(shape: Shape) -> Iterator[Column]:
    """The columns that a write may set and that refer to nothing."""
    referring = {name for key in shape.foreign_keys for name in key.columns}
    yield from (each for each in shape.columns if each.settable and each.name not in referring)


def distinct(rows: Iterable[tuple[str, Row]]) -> list[tuple[str, Row]]:
    """Each row once, under its first name."""
    seen: dict[tuple[tuple[str, str | None], ...], str] = {}
    for name, row in rows:
        seen.setdefault(tuple(sorted(row.items())), name)
    return [(name, dict(row)) for row, name in seen.items()]
