"""Ways out that are SQL: a trigger's function that writes one column more, and the steps around it."""

from __future__ import annotations

from collections.abc import Iterator
from re import DOTALL, IGNORECASE
from re import compile as pattern

from schemalint.catalog.catalog import Catalog, quoted
from schemalint.catalog.model import Column, Function, Relation, Type, TypeKind, UserType
from schemalint.flow.path import Write
from schemalint.text import Span

# Strings, quoted names and comments, in which a parenthesis is none.
OPAQUE = r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/"
MARK = pattern(
    rf"(?P<opaque>{OPAQUE})|(?P<open>\()|(?P<close>\))|(?P<values>\bVALUES\b)|(?P<select>\bSELECT\b)", DOTALL | IGNORECASE
)
CREATE = pattern(r"CREATE\s+(?:OR\s+REPLACE\s+)?FUNCTION\b", IGNORECASE)
LITERALS = {
    **dict.fromkeys(("text", "varchar", "bpchar", "citext"), "''"), **dict.fromkeys(("int2", "int4", "int8"), "0"),
    **dict.fromkeys(("numeric", "float4", "float8"), "0"), "bool": "false", "uuid": "gen_random_uuid()", "date": "current_date",
    **dict.fromkeys(("timestamptz", "timestamp"), "now()"), **dict.fromkeys(("json", "jsonb"), "'{}'"),
}  # fmt: skip


def safe_steps(
    catalog: Catalog, source: Relation, function: Function, write: Write, target: Relation, column: Column
) -> str | None:
    """The three steps to a column that must not be NULL, each to be a migration; None where they are not plain."""
    literal = literal_of(column.type, catalog)
    if literal is None or function.span is None or not column.not_null or write.span.source is not function.span.source:
        return None
    if target.primary_key is not None and column.number in target.primary_key.columns:
        return None
    own = source.column(column.name)
    value = literal if own is None else f"NEW.{quoted(column.name)}"
    if own is not None and (own.type.id != column.type.id or not own.not_null):
        value = f"COALESCE({value}, {literal})" if own.type.id == column.type.id else literal
    rewritten = with_column(function.span, write.span, quoted(column.name), value, last=target.columns[-1] is column)
    if rewritten is None:
        return None
    table, name = catalog.qualified_name(target), quoted(column.name)
    return (
        f"in three steps, each a migration of its own; on a table that has rows, such a column fails at once (23502):\n"
        f"1. ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL;  -- or add it without NOT NULL to begin with\n"
        f"2. {rewritten};\n"
        f"3. UPDATE {table} SET {name} = {literal} WHERE {name} IS NULL;\n"
        f"   ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL;"
    )


def literal_of(type_: Type, catalog: Catalog) -> str | None:
    """A plain value of a type, for somebody to put a better one in its place."""
    own = catalog.get(type_.id) if isinstance(type_.id, int) else None
    if isinstance(own, UserType):
        return f"'{own.labels[0]}'" if own.kind is TypeKind.ENUM and own.labels else None
    if isinstance(type_.id, str) and type_.id.startswith("_"):
        return "'{}'"
    return LITERALS.get(str(type_.id))


def with_column(function: Span, insert: Span, column: str, value: str, last: bool) -> str | None:
    """The statement that makes the function anew, with one column more in one of its INSERTs of one row."""
    text = function.text
    start, end = insert.start - function.start, insert.end - function.start
    if not 0 <= start < end <= len(text) or CREATE.match(text) is None:
        return None
    groups = list(_groups(text[start:end]))
    lists = [(kind, _behind_last(text, start + place)) for kind, place in groups]
    kinds = [kind for kind, _ in lists]
    if kinds[:2] == ["columns", "values"]:
        (_, columns), (_, values) = lists[:2]
        text = f"{text[:columns]}, {column}{text[columns:values]}, {value}{text[values:]}"
    elif kinds[:1] == ["values"] and last:
        text = f"{text[: lists[0][1]]}, {value}{text[lists[0][1] :]}"
    else:
        return None
    return CREATE.sub("CREATE OR REPLACE FUNCTION", text, count=1)


def _behind_last(text: str, place: int) -> int:
    """The end of the last item before a parenthesis, unless a comment stands between."""
    kept = text[:place].rstrip()
    return place if "--" in kept.rpartition("\n")[2] or kept.endswith("*/") else len(kept)


def _groups(statement: str) -> Iterator[tuple[str, int]]:
    """The ends of the column list and of the row of values of an INSERT; nothing of one that takes its rows from a query."""
    depth, kind = 0, "columns"
    for mark in MARK.finditer(statement):
        name = mark.lastgroup
        if name == "open":
            depth += 1
        elif name == "close":
            depth -= 1
            if depth == 0:
                yield kind, mark.start()
                kind = "rest"
        elif name == "values" and depth == 0:
            kind = "values"
        elif name == "select" and depth == 0:
            return
