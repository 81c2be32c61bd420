"""Unique keys of a target: whether two rows of the source can meet in one entry of an index."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from schemalint.catalog.model import Column, Index, Relation
from schemalint.flow.path import Failure, Write
from schemalint.flow.value import NOTHING, Call, Constant, Field, Null, Term, Value, copied_field, fields_of, subterms
from schemalint.interpret import conditions, expression, names
from schemalint.interpret.scope import RaisedError, Scope, Table

Row = tuple[tuple[str, Value], ...]
UNIQUE_BY_THEMSELVES = ("nextval", "gen_random_uuid", "identity", "uuid_generate_v4", "uuidv4", "uuidv7", "uuid_generate_v1")


def failures(write: Write, relation: Relation, scope: Scope) -> Iterator[Failure]:
    """The unique indexes in which an inserted row can meet another (23505)."""
    row: Row | None = None
    for index in relation.indexes:
        if not index.unique or not index.columns:
            continue
        plain = index.predicate is None and not index.expressions
        if write.conflict is not None and plain:
            if not write.conflict.columns or set(write.conflict.columns) == set(index.columns):
                continue
        elif write.conflict is not None and not write.conflict.columns:
            continue
        row = row or row_of(write, relation)
        values = _entry(index, write, row, scope)
        certainty = _duplicate(write, index, values, relation, row, scope) if values is not None else None
        if certainty is None:
            continue
        message = f'duplicate key value violates unique constraint "{index.name}"'
        kind = "duplicate-key" if certainty == "certain" else "unique"
        column = next((each for each in index.columns if each), relation.columns[0].number)
        yield Failure(
            kind, "23505", message, write.target_span, (relation.oid, index.oid, "unique"), certainty, relation.oid,
            column, write.value_of(column), index.name, index.span, (), scope.context.function,
        )  # fmt: skip


def row_of(write: Write, relation: Relation) -> Row:
    """The row that a write makes, as an expression over its table sees it."""
    values = {each.column: each.value for each in write.assignments}
    return tuple((each.name, values.get(each.number, NOTHING)) for each in relation.columns)


def row_scope(columns: Row, scope: Scope) -> Scope:
    """Where an expression of an index or a constraint stands: it sees one row's columns, and nothing else."""
    return msgspec.structs.replace(
        scope, variables={}, outer=None, parameters=(), queries=(), tables=(Table("", columns),), locate=lambda location: None
    )


def _entry(index: Index, write: Write, row: Row, scope: Scope) -> list[Value] | None:
    """What the row's entry in an index is made of; None where the index has none for it."""
    inside = row_scope(row, scope)
    expressions = iter(index.expressions)
    try:
        if index.predicate is not None:
            value = expression.evaluate(index.predicate.node, inside)
            if conditions.truth(value) is False or value.null is Null.ALWAYS:
                return None
        return [write.value_of(each) if each else expression.evaluate(next(expressions).node, inside) for each in index.columns]
    except RaisedError:
        return None


def _duplicate(write: Write, index: Index, values: list[Value], relation: Relation, row: Row, scope: Scope) -> str | None:
    """Whether the row's key is there already: "certain", "conditional", or None for no."""
    plain = index.predicate is None and not index.expressions
    if plain and scope.context.is_there(write.target, frozenset((c, v.term) for c, v in zip(index.columns, values, strict=True))):
        return "certain"
    if not index.nulls_not_distinct and any(each.null is Null.ALWAYS for each in values):
        return None
    terms = [each.term for each in values]
    if any(isinstance(t, Call) and t.name in UNIQUE_BY_THEMSELVES for term in terms for t in subterms(term)):
        return None
    source = scope.catalog.relation(scope.context.source)
    if source is None or _is_gone(write.target, {c: copied_field(write.value_of(c).term) for c in index.columns if c}, scope):
        return None
    if all(isinstance(each, Constant) for each in terms):
        return _same_for_all(write, index, scope)
    copied = {f.column for term in terms if (f := copied_field(term)) is not None and f.relation == source.oid}
    nulls_apart = not index.nulls_not_distinct or all(each.null is Null.NEVER for each in values)
    if _promised(source, copied, nulls_apart):
        all_copied = plain and all(copied_field(term) is not None for term in terms)
        # An upsert looks at its arbiter first, and updates the row that is there.
        again = scope.context.event == "update" and all_copied and scope.context.depth == 1 and write.conflict is None
        return "certain" if again else None
    if not names.unique_keys(source) or _promised_in_kind(index, relation, row, source):
        return None
    return "conditional" if _only_copied(terms, source) else None


def _same_for_all(write: Write, index: Index, scope: Scope) -> str | None:
    """Every row has the same entry: the second one fails."""
    if scope.context.event != "insert" or scope.context.depth > 1 or write.operation != "insert":
        return None
    return "certain" if index.predicate is None else "conditional"


def _promised(source: Relation, copied: set[int], nulls_apart: bool) -> bool:
    """Whether a unique key of the source keeps its rows apart in the columns that are copied."""
    if nulls_apart:
        return names.is_unique(source, copied)
    keys = [each for each in source.indexes if each.columns in names.unique_keys(source) and set(each.columns) <= copied]
    return any(each.primary or each.nulls_not_distinct for each in keys)


def _only_copied(terms: list[Term], source: Relation) -> bool:
    """Whether the entry is made of the source's columns, so that rows which agree in them meet."""
    plain = (Call, Constant, Field)
    if any(not isinstance(each, plain) or (isinstance(each, Call) and each.volatile) for t in terms for each in subterms(t)):
        return False
    fields = [fields_of(each) for each in terms]
    return any(fields) and all(each.relation == source.oid for found in fields for each in found)


def _promised_in_kind(index: Index, relation: Relation, row: Row, source: Relation) -> bool:
    """Whether the source has the same index, over the columns that are copied."""
    names_of: dict[str, str] = {}
    for name, value in row:
        field = copied_field(value.term)
        own = source.column_numbered(field.column) if field is not None and field.relation == source.oid else None
        if own is not None:
            names_of[name] = own.name
    wanted = _shape(index, relation, names_of)
    return wanted is not None and any(
        each.unique and each.valid and _shape(each, source, {c.name: c.name for c in source.columns}) == wanted
        for each in source.indexes
    )


def _shape(index: Index, relation: Relation, names_of: dict[str, str]) -> tuple[frozenset[str], str, bool] | None:
    """An index by the names of the source's columns; None where it has others too."""
    columns = [relation.column_numbered(each) for each in index.columns if each]
    parts = [names_of.get(each.name) if isinstance(each, Column) else None for each in columns]
    trees = [*index.expressions, *([index.predicate] if index.predicate is not None else [])]
    if any(each is None for each in parts) or any(not names.columns_in(each.node) <= names_of.keys() for each in trees):
        return None
    written = repr([names.with_names(each.node, names_of) for each in trees])
    return frozenset(each for each in parts if each is not None), written, index.nulls_not_distinct


def _is_gone(target: int, key: dict[int, Field | None], scope: Scope) -> bool:
    """Whether the path has deleted the row with this key before; the key of OLD is taken for that of NEW."""
    wanted = {(column, field.relation, field.column) for column, field in key.items() if field is not None}
    for table, columns in scope.context.gone:
        fields = {(column, field.relation, field.column) for column, term in columns if (field := copied_field(term)) is not None}
        if table == target and fields and fields <= wanted:
            return True
    return False
