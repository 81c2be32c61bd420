"""Writes that show a finding: a row that the source accepts, with the value that matters."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog, quoted
from schemalint.catalog.model import Column, ConstraintKind, Relation, RelationKind, UserType

SAMPLES = {
    "uuid": "gen_random_uuid()", "bool": "true", "date": "current_date", "json": "'{}'", "jsonb": "'{}'", "bytea": "'\\x00'",
    "inet": "'127.0.0.1'", "interval": "'1 day'", "int2": "1", "int4": "1", "int8": "1", "numeric": "1", "float4": "1",
    "float8": "1", "timestamptz": "now()", "timestamp": "now()", "time": "'12:00'", "text": "'x'",
    "varchar": "'x'", "bpchar": "'x'",
}  # fmt: skip


def witness_of(relation: Relation, event: str, values: dict[int, str], catalog: Catalog) -> str | None:
    """An INSERT, UPDATE or DELETE of the source; None where a value cannot be made up."""
    if relation.kind not in (RelationKind.TABLE, RelationKind.PARTITIONED_TABLE):
        return None
    table = catalog.qualified_name(relation)
    if event == "delete":
        return f"DELETE FROM {table}"
    if event == "update":
        column = next((each for each in relation.columns if each.number in values), None) or _plain(relation)
        if column is None:
            return None
        return f"UPDATE {table} SET {quoted(column.name)} = {values.get(column.number, quoted(column.name))}"
    pairs = []
    for each in relation.columns:
        value = values.get(each.number) or (_sample(each, relation, catalog) if _needed(each) else None)
        if value is not None:
            pairs.append((quoted(each.name), value))
        elif _needed(each):
            return None
    if not pairs:
        return f"INSERT INTO {table} DEFAULT VALUES"
    return f"INSERT INTO {table} ({', '.join(name for name, _ in pairs)}) VALUES ({', '.join(value for _, value in pairs)})"


def _plain(relation: Relation) -> Column | None:
    return next((each for each in reversed(relation.columns) if not each.generated and each.identity != "always"), None)


def _needed(column: Column) -> bool:
    return column.not_null and column.default is None and not column.identity and not column.generated


def _sample(column: Column, relation: Relation, catalog: Catalog) -> str | None:
    for key in relation.constraints:
        if key.kind is ConstraintKind.FOREIGN_KEY and column.number in key.columns and key.references != relation.oid:
            parent = catalog.relation(key.references)
            referenced = key.referenced_columns[key.columns.index(column.number)] if key.referenced_columns else 0
            other = parent.column_numbered(referenced) if parent is not None else None
            if parent is not None and other is not None:
                return f"(SELECT {quoted(other.name)} FROM {catalog.qualified_name(parent)} LIMIT 1)"
    base = catalog.domain_base(column.type)
    if isinstance(base.id, str):
        return "'{}'" if base.id.startswith("_") else SAMPLES.get(base.id)
    found = catalog.get(base.id)
    if isinstance(found, UserType) and found.labels:
        return "'" + found.labels[0].replace("'", "''") + "'"
    return "'{}'" if base.id < 0 else None
