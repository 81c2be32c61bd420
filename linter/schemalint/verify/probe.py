"""What one state of the schema answers to writes: rows put into a sync's source, and what they leave in its targets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from schemalint.verify.replaying import run
from schemalint.verify.rows import Row, Stock, columns_of, deferred_error, distinct, insert_of, where_of
from schemalint.verify.server import Server, first_line
from schemalint.verify.shape import Shape, Shapes, literal, quoted_always
from schemalint.verify.values import edges, ordinary

if TYPE_CHECKING:
    import psycopg

    from schemalint.verify.server import Connection

MOST_WRITES = 400
COMPANIONS = 8
ORDINARY = "an ordinary row, its references met"
ROUNDS, TRIES = 4, 40  # of the search for values that arrive: values changed, and tried for each column
OF_VALUES = ("22", "23514", "P0001")
PENDING = "55006"  # deferred constraints of rows just written stand in the way of ALTER TABLE
# The rows of this transaction; hostile operators of the same name are not asked.
SNAPSHOT = (
    "SELECT pg_catalog.to_jsonb(t)::pg_catalog.text FROM {table} t WHERE pg_catalog.age(t.xmin)"
    " OPERATOR(pg_catalog.<=) pg_catalog.age((pg_catalog.pg_current_xact_id())::pg_catalog.xid) LIMIT 1000"
)

Copies = tuple[tuple[tuple[str, str], str], ...]  # a target's schema and name, and a row of it as JSON


class Write(msgspec.Struct, frozen=True):
    event: str  # "insert", "update", "delete"
    label: str  # what is special about it
    sql: str
    before: tuple[str, ...] = ()  # what has to be there first
    column: str | None = None  # of the source, where one is updated or out of the ordinary
    ordinary: bool = False


class Outcome(msgspec.Struct, frozen=True):
    """The answer to a write: an error, or the rows that stand in the targets after it."""

    write: Write
    sqlstate: str | None = None
    message: str = ""
    by_source: bool = False  # the source refuses it without its syncs too
    unsynced: bool = False  # what had to be there first could only be put there without the syncs
    rows: Mapping[tuple[str, str], tuple[Mapping[str, Any], ...]] = {}  # of source and targets, by schema and name
    script: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        return self.sqlstate is not None


class Probed(msgspec.Struct, frozen=True):
    """All answers of one state about one source."""

    outcomes: tuple[Outcome, ...] = ()
    reason: str = ""  # why there are none

    @property
    def copies(self) -> Copies:
        """What an ordinary row has left in the targets, as far as it is one row in each."""
        usual = next((o for o in self.outcomes if o.write.label == ORDINARY and not o.failed), None)
        rows = usual.rows.items() if usual is not None else ()
        return tuple((name, json.dumps(found[0], default=str)) for name, found in rows if len(found) == 1)

    def named(self, write: Write) -> Outcome | None:
        return next((each for each in self.outcomes if _same(each.write, write)), None)


def _same(first: Write, second: Write) -> bool:
    return (first.event, first.label) == (second.event, second.label)


class Asked(msgspec.Struct, frozen=True):
    """What to probe: a source, the triggers that carry its rows, their targets, and writes that findings bring along."""

    schema: str
    table: str
    triggers: tuple[str, ...]
    targets: tuple[tuple[str, str], ...]
    witnesses: tuple[str, ...] = ()
    copies: Copies = ()  # rows that the state before had in its targets of an ordinary row


def probe(server: Server, database: str, asked: Asked) -> Probed:
    """The answers of a database, which is left as it was."""
    with server.session(database) as reading, server.session(database) as writing:
        shapes = Shapes(reading)
        shape = shapes.named(asked.schema, asked.table)
        if shape is None:
            return Probed(reason=f"{asked.schema}.{asked.table} is not there")
        writing.execute("BEGIN")
        stock = Stock(writing, shapes)
        prober = Prober(stock, shape, asked)
        try:
            return prober.run()
        finally:
            if not writing.closed:
                writing.execute("ROLLBACK")


class Prober:
    """One source in one state."""

    def __init__(self, stock: Stock, shape: Shape, asked: Asked) -> None:
        self.stock = stock
        self.shape = shape
        self.asked = asked
        firing = stock.shapes.firing(shape.oid)
        self.triggers = {name: firing[name] for name in asked.triggers if name in firing}
        names = [stock.shapes.named(*each) for each in asked.targets]
        self.targets = [each for each in names if each is not None]
        self.constants = tuple(dict.fromkeys([*shape.constants, *(each for target in self.targets for each in target.constants)]))

    def run(self) -> Probed:
        with self._quiet():
            first, second = self.stock.find(self.shape, 0), self.stock.find(self.shape, 1)
        if first.row is None:
            return Probed(reason=f"{self.shape.schema}.{self.shape.table} accepted no row: {first.reason}")
        outcomes = list(self._companions(first.row))
        usual = self._arriving(first.row)
        if second.row is not None:
            outcomes += self._companions(second.row, "a second row")
        parents = {key.parent: found.name for key in self.shape.foreign_keys if (found := self.stock.shapes.of(key.parent))}
        writes = _writes(self.shape, usual, second.row or usual, self.constants, self.asked.witnesses, parents)
        groups: dict[tuple[str, ...], list[Write]] = {}
        for write in writes:
            groups.setdefault(write.before, []).append(write)
        for before, members in groups.items():
            outcomes += self._group(before, members)
        return Probed(tuple(self._attributed(outcomes)))

    def _arriving(self, row: Row) -> Row:
        """The row with such values that its copies are made too, where some are found; the rest hangs on rows that arrive."""
        error = self.stock.attempt(insert_of(self.shape, row))
        for _ in range(ROUNDS):
            if error is None or not (error.sqlstate or "").startswith(OF_VALUES):
                break
            found = self._changed(row, error)
            if found is None:
                break
            row, error = found
        return row

    def _changed(self, row: Row, error: psycopg.Error) -> tuple[Row, psycopg.Error | None] | None:
        """The row with one other value, with which the error is not met; and what is met then."""
        others = []
        for column in columns_of(self.shape):
            for value in islice(edges(column, self.constants), TRIES):
                changed = {**row, column.name: value}
                other = self.stock.attempt(insert_of(self.shape, changed))
                if other is None:
                    return changed, None
                if (other.sqlstate, _kind(other)) != (error.sqlstate, _kind(error)):
                    others.append((changed, other))
        with self._undone("schemalint_quiet"), self._quiet():
            return next((each for each in others if self.stock.attempt(insert_of(self.shape, each[0])) is None), None)

    # -- the sync's triggers, aside

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Without the triggers that carry rows, so that it is the source alone that answers. Parents stay."""
        self._switch(self._switches("DISABLE"))
        try:
            yield
        finally:
            self._switch(self._switches())

    def _switches(self, what: str | None = None) -> tuple[str, ...]:
        table = self.shape.name
        return tuple(f"ALTER TABLE {table} {what or on} TRIGGER {quoted_always(name)}" for name, on in self.triggers.items())

    def _switch(self, statements: Iterable[str]) -> None:
        for text in statements:
            error = run(self.stock.connection, text)
            if error is not None and error.sqlstate == PENDING:
                deferred_error(self.stock.connection)
                run(self.stock.connection, text)

    # -- writes

    def _companions(self, row: Row, label: str = "an ordinary row") -> Iterator[Outcome]:
        """The answers to an ordinary row while rows that a target refers to are put there, one after the other."""
        for step in range(COMPANIONS):
            write = Write("insert", label if step == 0 else f"{label}, {step}", insert_of(self.shape, row), ordinary=True)
            error = self.stock.attempt(write.sql)
            if error is None:
                return
            yield self._failure(write, error)
            said = error.diag
            target = next((each for each in self.targets if each.table == said.table_name), None)
            target = target or self.stock.shapes.named(said.schema_name or "", said.table_name or "")
            key = next((k for k in target.foreign_keys if k.name == said.constraint_name), None) if target is not None else None
            if error.sqlstate != "23503" or key is None or not self.stock.companion(key, said.message_detail or ""):
                return

    def _group(self, before: tuple[str, ...], writes: Sequence[Write]) -> Iterator[Outcome]:
        """The answers to writes that need the same rows to be there; each finds them as they were."""
        with self._undone("schemalint_group"):
            refused = next((error for each in before if (error := self._run(each))), None)
            if refused is not None:
                # Rows that are out there already were written before this state: put there without the sync.
                self._connection.execute("ROLLBACK TO SAVEPOINT schemalint_group")
                with self._quiet():
                    if any(self._run(each) for each in before):
                        return
                before = (*self._switches("DISABLE"), *before, *self._switches())
            copied = self._copied() if before else ()
            for each in writes:
                write = msgspec.structs.replace(each, before=(*before, *copied))
                yield self._outcome(write, unsynced=refused is not None and not copied)

    def _outcome(self, write: Write, unsynced: bool) -> Outcome:
        with self._undone("schemalint_probe"):
            error = self._run(write.sql) or deferred_error(self._connection)
            if error is None:
                return Outcome(write, unsynced=unsynced, rows=self._snapshot(), script=self._script(write))
        return self._failure(write, error)

    @contextmanager
    def _undone(self, savepoint: str) -> Iterator[None]:
        self._connection.execute(f"SAVEPOINT {savepoint}".encode())
        try:
            yield
        finally:
            if not self._connection.closed:
                self._connection.execute(f"ROLLBACK TO SAVEPOINT {savepoint}".encode())
                self._connection.execute(f"RELEASE SAVEPOINT {savepoint}".encode())

    @property
    def _connection(self) -> Connection:
        return self.stock.connection

    def _run(self, text: str) -> psycopg.Error | None:
        return run(self._connection, text)

    def _copied(self) -> tuple[str, ...]:
        """Puts copies there that the sync used to make and makes no more: in production they are there."""
        added = []
        for name, text in self.asked.copies:
            target = next((each for each in self.targets if (each.schema, each.table) == name), None)
            if target is None or self.stock.query(SNAPSHOT.format(table=target.name)):
                continue
            columns = ", ".join(quoted_always(each.name) for each in target.columns if each.settable)
            row = f"pg_catalog.jsonb_populate_record(NULL::{target.name}, {literal(text)})"
            statement = f"INSERT INTO {target.name} ({columns}) SELECT {columns} FROM {row}"
            if run(self.stock.connection, statement) is None:
                added.append(statement)
        return tuple(added)

    def _failure(self, write: Write, error: psycopg.Error) -> Outcome:
        return Outcome(write, error.sqlstate or "XX000", first_line(error), script=self._script(write))

    def _attributed(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes, knowing which errors are the source's own: those that are raised without the syncs too."""
        found = []
        with self._undone("schemalint_quiet"):
            self._switch(self._switches("DISABLE"))
            for each in outcomes:
                own = each.failed and self._refused_without_sync(each.write)
                found.append(msgspec.structs.replace(each, by_source=True) if own else each)
        return found

    def _refused_without_sync(self, write: Write) -> bool:
        before = [each for each in write.before if not each.startswith("ALTER TABLE ")]
        with self._undone("schemalint_alone"):
            return any(self._run(each) for each in (*before, write.sql)) or deferred_error(self._connection) is not None

    def _script(self, write: Write) -> tuple[str, ...]:
        return (*self.stock.script, *write.before, write.sql)

    def _snapshot(self) -> Mapping[tuple[str, str], tuple[Mapping[str, Any], ...]]:
        found = {}
        for target in (self.shape, *self.targets):
            rows = self.stock.query(SNAPSHOT.format(table=target.name))
            values = [json.loads(str(text), parse_float=Decimal, parse_int=Decimal) for (text,) in rows]
            found[target.schema, target.table] = tuple(values)
        return found


def _kind(error: psycopg.Error) -> str:
    """What an error is about, without the value."""
    return (error.diag.constraint_name or first_line(error)).split(":")[0]


def _writes(
    shape: Shape, first: Row, second: Row, constants: Sequence[str], witnesses: Iterable[str], parents: Mapping[int, str]
) -> Iterator[Write]:
    """Inserts, updates of each column and deletes; ordinary ones first."""
    there = (insert_of(shape, first),)
    where = where_of(shape, first)
    yield Write("insert", ORDINARY, there[0], ordinary=True)
    yield Write("delete", "an ordinary row", f"DELETE FROM {shape.name}{where}", there, ordinary=True)
    for text in dict.fromkeys(witnesses):
        event = text.split(" ", 1)[0].lower()
        yield Write(event, f"witness {text}", text, () if event == "insert" else there, ordinary=True)
    keys = {name for key in shape.keys for name in key}
    for column in shape.columns:
        if column.settable and column.name not in keys and column.name in first:
            value = second.get(column.name)
            if value == first[column.name] and column.name not in {n for k in shape.foreign_keys for n in k.columns}:
                value = ordinary(column, 1)
            yield _update(shape, column.name, value, "another ordinary value", there, where, usual=value != first[column.name])
    for key in shape.foreign_keys:
        parent = " AND ".join(
            f"{quoted_always(o)} = {literal(first.get(c))}" for c, o in zip(key.columns, key.parent_columns, strict=True)
        )
        name = parents.get(key.parent)
        if key.cascades and name is not None and all(first.get(each) is not None for each in key.columns):
            yield Write("delete", f"the parent of {key.name}", f"DELETE FROM {name} WHERE {parent}", there, ordinary=True)
    yield from islice(_edge_writes(shape, first, second, constants, there, where), MOST_WRITES)


def _update(
    shape: Shape, name: str, value: str | None, label: str, there: tuple[str, ...], where: str, usual: bool = False
) -> Write:
    text = f"UPDATE {shape.name} SET {quoted_always(name)} = {literal(value)}{where}"
    return Write("update", f"{name}: {label}", text, there, name, usual)


def _edge_writes(
    shape: Shape, first: Row, second: Row, constants: Sequence[str], there: tuple[str, ...], where: str
) -> Iterator[Write]:
    required = {each.name for each in shape.columns if each.required and not each.has_default}
    rows: list[tuple[str, Row, str | None]] = [
        ("only what is required", {name: value for name, value in first.items() if name in required}, None)
    ]
    for column in columns_of(shape):
        for value in edges(column, constants):
            rows.append((f"{column.name}: {described(value)}", {**first, column.name: value}, column.name))
    for key in shape.foreign_keys:
        if all((c := shape.column(name)) is not None and not c.required for name in key.columns):
            rows.append((f"{', '.join(key.columns)}: NULL", {**first, **dict.fromkeys(key.columns)}, key.columns[0]))
    named = {label: column for label, _, column in rows}
    for label, row in distinct([(label, row) for label, row, _ in rows]):
        yield Write("insert", label, insert_of(shape, row), column=named[label])
    keys = {name for key in shape.keys for name in key}
    twin = {**first, **{name: second[name] for name in keys if name in second}}
    yield Write("insert", "a row like another one but for its keys", insert_of(shape, twin), there)
    for column in columns_of(shape):
        if column.name not in keys:
            for value in edges(column, constants):
                yield _update(shape, column.name, value, described(value), there, where)


def described(value: str | None) -> str:
    """A value as it is named to people: long ones by their length."""
    if value is None:
        return "NULL"
    return f"{len(value)} characters" if len(value) > 40 else repr(value)
