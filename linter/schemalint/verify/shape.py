"""What a table takes, as the server knows it: read in a session of the replaying role that looks nothing up in its schemas."""

from __future__ import annotations

from re import compile as pattern
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from schemalint.verify.server import Connection

COLUMNS = """
WITH RECURSIVE unwrapped (number, type, modifier, required) AS (
  SELECT a.attnum, a.atttypid, a.atttypmod, a.attnotnull FROM pg_attribute a
  WHERE a.attrelid = %(table)s AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT u.number, t.typbasetype, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE u.modifier END, u.required OR t.typnotnull
  FROM unwrapped u JOIN pg_type t ON t.oid = u.type WHERE t.typtype = 'd'
)
SELECT a.attname, t.typname, u.modifier, u.required, a.atthasdef, a.attidentity, a.attgenerated, e.typname, d.typname,
  ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder),
  (SELECT count(*) FROM pg_attribute f WHERE f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped AND t.typtype = 'c')
FROM unwrapped u
JOIN pg_attribute a ON a.attrelid = %(table)s AND a.attnum = u.number
JOIN pg_type t ON t.oid = u.type AND t.typtype <> 'd'
JOIN pg_type d ON d.oid = a.atttypid
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
ORDER BY a.attnum
"""
CONSTRAINTS = """
SELECT c.conname, c.contype, pg_get_constraintdef(c.oid), c.confrelid, c.confdeltype,
  ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(number, place)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number ORDER BY k.place),
  ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k(number, place)
        JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.number ORDER BY k.place)
FROM pg_constraint c WHERE c.conrelid = %(table)s AND c.contype IN ('c', 'f', 'p', 'u', 'x') ORDER BY c.contype DESC, c.conname
"""
UNIQUE = """
SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) k(number)
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number), i.indisprimary
FROM pg_index i WHERE i.indrelid = %(table)s AND i.indisunique ORDER BY i.indisprimary DESC, i.indexrelid
"""
DOMAIN_CHECKS = """
SELECT t.typname, pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN pg_type t ON t.oid = c.contypid
"""
BODIES = """
SELECT p.prosrc FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid WHERE g.tgrelid = %(table)s AND NOT g.tgisinternal
"""
FIRING = """
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = %(table)s AND NOT tgisinternal AND tgenabled IN ('O', 'A')
"""
NUMBER = pattern(r"(?<![\w.])\d{1,19}(?:\.\d{1,10})?(?![\w.])")
STRING = pattern(r"'((?:[^']|''){0,200})'")
MOST_CONSTANTS = 24


class Column(msgspec.Struct, frozen=True):
    name: str
    type: str  # pg_type.typname, below all domains
    modifier: int
    required: bool
    has_default: bool
    identity: str
    generated: str
    element: str | None
    declared: str  # the domain, where it is one
    labels: tuple[str, ...]
    fields: int  # of a composite type

    @property
    def settable(self) -> bool:
        return not self.generated and self.identity != "a"

    @property
    def length(self) -> int | None:
        """The characters that a varchar(n) or char(n) has at most."""
        return self.modifier - 4 if self.type in ("varchar", "bpchar") and self.modifier > 4 else None


class ForeignKey(msgspec.Struct, frozen=True):
    name: str
    columns: tuple[str, ...]
    parent: int
    parent_columns: tuple[str, ...]
    cascades: bool


class Check(msgspec.Struct, frozen=True):
    name: str
    columns: tuple[str, ...]
    definition: str


class Shape(msgspec.Struct, frozen=True):
    oid: int
    schema: str
    table: str
    columns: tuple[Column, ...]
    foreign_keys: tuple[ForeignKey, ...]
    checks: tuple[Check, ...]
    keys: tuple[tuple[str, ...], ...]  # of unique indexes, the primary key first
    constants: tuple[str, ...]  # of its constraints and of its triggers' functions

    @property
    def name(self) -> str:
        return f"{quoted_always(self.schema)}.{quoted_always(self.table)}"

    def column(self, name: str) -> Column | None:
        return next((each for each in self.columns if each.name == name), None)


class Shapes:
    """The shapes of one database's tables, each read once. The session's search_path is pg_catalog alone."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[int, Shape | None] = {}
        connection.execute("SET search_path = pg_catalog, pg_temp")

    def named(self, schema: str, table: str) -> Shape | None:
        row = self._connection.execute(
            "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p')",
            [schema, table],
        ).fetchone()
        return self.of(row[0]) if row else None

    def of(self, oid: int) -> Shape | None:
        if oid not in self._known:
            self._known[oid] = self._read(oid)
        return self._known[oid]

    def constants_of(self, oid: int) -> tuple[str, ...]:
        shape = self.of(oid)
        return shape.constants if shape is not None else ()

    def firing(self, oid: int) -> dict[str, str]:
        """The triggers of a table that fire, and how each is enabled."""
        return {name: "ENABLE ALWAYS" if enabled == "A" else "ENABLE" for name, enabled in self._rows(FIRING, oid)}

    def _rows(self, query: str, oid: int) -> list[tuple[Any, ...]]:
        return self._connection.execute(query.encode(), {"table": oid}).fetchall()

    def _read(self, oid: int) -> Shape | None:
        names = self._rows(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = %(table)s",
            oid,
        )
        if not names:
            return None
        columns = tuple(_column(row) for row in self._rows(COLUMNS, oid))
        foreign_keys, checks = [], []
        for name, kind, definition, parent, on_delete, own, others in self._rows(CONSTRAINTS, oid):
            if kind == "f":
                foreign_keys.append(ForeignKey(name, tuple(own), parent, tuple(others), on_delete == "c"))
            elif kind == "c":
                checks.append(Check(name, tuple(own), definition))
        domains = {each.declared for each in columns if each.declared != each.type}
        checks += [
            Check(name, tuple(c.name for c in columns if c.declared == name), definition)
            for name, definition in (self._rows(DOMAIN_CHECKS, oid) if domains else ())
            if name in domains
        ]
        keys = tuple(tuple(key) for key, _ in self._rows(UNIQUE, oid))
        texts = [*(each.definition for each in checks), *(str(body) for (body,) in self._rows(BODIES, oid))]
        schema, table = names[0]
        return Shape(oid, schema, table, columns, tuple(foreign_keys), tuple(checks), keys, _constants(texts, columns))


def _column(row: tuple[Any, ...]) -> Column:
    name, type_, modifier, required, default, identity, generated, element, declared, labels, fields = row
    return Column(
        name, type_, modifier, required, default, identity, generated, element, declared, labels=tuple(labels), fields=fields
    )  # fmt: skip


def _constants(texts: list[str], columns: tuple[Column, ...]) -> tuple[str, ...]:
    """Numbers and strings that something may hang on; a string of one word or a few, not a message."""
    found = [str(each.length) for each in columns if each.length]
    for text in texts:
        found += NUMBER.findall(STRING.sub("", text))
        found += [each.replace("''", "'") for each in STRING.findall(text) if len(each) <= 40]
    return tuple(dict.fromkeys(found))[:MOST_CONSTANTS]


def quoted_always(name: str) -> str:
    """A name in quotes: it may be a reserved word."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | None) -> str:
    """A value as SQL of no type yet: it becomes what the column is."""
    if value is None:
        return "NULL"
    escaped = value.replace("'", "''")
    return "E'" + escaped.replace("\\", "\\\\") + "'" if "\\" in value else f"'{escaped}'"
