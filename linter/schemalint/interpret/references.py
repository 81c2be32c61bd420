"""Foreign keys of a target, and those that refer to it: rows that may be missing, and rows that may be in the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemalint.catalog.model import Constraint, Relation
from schemalint.flow.path import Assignment, Failure, Write
from schemalint.flow.value import Constant, Field, Looked, Null, copied_field, fields_of
from schemalint.interpret import names
from schemalint.interpret.scope import Scope


def failures(write: Write, assignments: tuple[Assignment, ...], relation: Relation, scope: Scope) -> Iterator[Failure]:
    """The foreign keys of the target whose parent row may be missing (23503)."""
    given = {each.column: each for each in assignments}
    for each in names.foreign_keys(relation):
        values = [given[column].value for column in each.columns if column in given]
        if len(values) != len(each.columns) or not each.enforced or any(v.null is Null.ALWAYS for v in values):
            continue
        if not any(given[column].given for column in each.columns):
            continue
        parent = scope.catalog.relation(each.references)
        if parent is None:
            continue
        certainty = _unmatched(each, [v.term for v in values], parent, relation, scope)
        if certainty is None:
            continue
        message = f'insert or update on table "{relation.name}" violates foreign key constraint "{each.name}"'
        first = given[each.columns[0]]
        yield Failure(
            "foreign-key", "23503", message, first.span or write.target_span, (relation.oid, each.oid, "reference"), certainty,
            relation.oid, each.columns[0], first.value, each.name, each.span, (), scope.context.function,
            deferred=each.initially_deferred,
        )  # fmt: skip


def still_there(write: Write, relation: Relation, scope: Scope) -> Iterator[Failure]:
    """The foreign keys of other tables that keep a row of the target from being deleted."""
    for oid in sorted(scope.catalog.users(relation.oid)):
        child = scope.catalog.relation(oid)
        if child is None or child.oid in (relation.oid, scope.context.source):
            continue
        for each in names.foreign_keys(child):
            if each.references != relation.oid or not each.enforced or each.on_delete not in ("no action", "restrict"):
                continue
            sqlstate = "23001" if each.on_delete == "restrict" else "23503"
            setting = "RESTRICT setting of " if each.on_delete == "restrict" else ""
            message = (
                f'update or delete on table "{relation.name}" violates {setting}foreign key constraint "{each.name}" '
                f'on table "{child.name}"'
            )
            yield Failure(
                "still-referenced", sqlstate, message, write.target_span, (relation.oid, each.oid, "referenced"), "conditional",
                child.oid, reason=each.name, definition=each.span, function=scope.context.function,
                deferred=each.initially_deferred,
            )  # fmt: skip


def _unmatched(key: Constraint, terms: list[Any], parent: Relation, child: Relation, scope: Scope) -> str | None:
    """Whether the referenced row may be missing: "certain", "conditional", "unknown", or None for no."""
    source = scope.catalog.relation(scope.context.source)
    if source is None:
        return None
    fields = [copied_field(term) for term in terms]
    if parent.oid == source.oid:
        own = all(
            f is not None and f.relation == source.oid and f.column == c
            for f, c in zip(fields, key.referenced_columns, strict=False)
        )
        if own:
            early = scope.context.timing == "before" and scope.context.event == "insert" and not key.initially_deferred
            return "certain" if early else None
    if all(field is not None and field.relation == source.oid for field in fields):
        wanted = {(f.column, c) for f, c in zip(fields, key.referenced_columns, strict=False) if f is not None}
        return None if _guaranteed(source, parent, wanted) else "conditional"
    if all(isinstance(term, Looked) for term in terms):
        return None if _looked_guaranteed(terms, key, parent, scope) else "conditional"
    if child.oid == parent.oid and not fields_of_all(terms):
        return None
    return "unknown" if any(not isinstance(term, Constant) for term in terms) else "conditional"


def fields_of_all(terms: list[Any]) -> frozenset[Field]:
    return frozenset().union(*(fields_of(each) for each in terms))


def _guaranteed(source: Relation, parent: Relation, wanted: set[tuple[int, int]]) -> bool:
    """Whether an enforced foreign key of the source already demands the same row."""
    return any(
        each.references == parent.oid
        and each.enforced
        and wanted <= set(zip(each.columns, each.referenced_columns, strict=False))
        for each in names.foreign_keys(source)
    )


def _looked_guaranteed(terms: list[Looked], key: Constraint, parent: Relation, scope: Scope) -> bool:
    if all(t.relation == parent.oid and t.column == c for t, c in zip(terms, key.referenced_columns, strict=False)):
        return True
    relation = scope.catalog.relation(terms[0].relation)
    wanted = {(t.column, c) for t, c in zip(terms, key.referenced_columns, strict=False)}
    return relation is not None and _guaranteed(relation, parent, wanted)
