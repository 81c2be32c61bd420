"""What a table demands of a row that is written to it: NOT NULL, CHECK, keys, foreign keys, lengths.

Each demand that the row does not meet, or that some rows do not meet, is a failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from schemalint.catalog.model import Column, Constraint, ConstraintKind, Relation, UserType
from schemalint.flow.path import Assignment, Failure, Write
from schemalint.flow.value import NOTHING, Constant, Field, Looked, Null, Value, copied_field, fields_of
from schemalint.interpret import bounds, conditions, expression, keys, names
from schemalint.interpret.scope import RaisedError, Scope

Node = dict[str, Any]


def failures(write: Write, relation: Relation, scope: Scope) -> list[Failure]:
    """What PostgreSQL would refuse in the row that a write makes."""
    found: list[Failure] = []
    if write.operation == "insert":
        found.extend(_nulls(write, write.assignments, relation, scope))
        found.extend(_lengths(write, write.assignments, relation, scope))
        found.extend(_checks(write, write.assignments, relation, scope))
        found.extend(_domains(write, write.assignments, relation, scope))
        found.extend(keys.failures(write, relation, scope))
        found.extend(_references(write, write.assignments, relation, scope))
        if write.conflict is not None:
            found.extend(_of_update(write, write.conflict.assignments, relation, scope, scope.context.event != "insert"))
    elif write.operation == "update":
        found.extend(_of_update(write, write.assignments, relation, scope, True))
    return found


def _of_update(
    write: Write, assignments: tuple[Assignment, ...], relation: Relation, scope: Scope, usual: bool
) -> Iterator[Failure]:
    for each in (
        *_nulls(write, assignments, relation, scope),
        *_lengths(write, assignments, relation, scope),
        *_domains(write, assignments, relation, scope),
        *_references(write, assignments, relation, scope),
    ):
        if usual or each.certainty != "certain":
            yield each
        else:
            yield msgspec.structs.replace(each, certainty="conditional", reason="on the rows that are there already")


def _span(assignment: Assignment | None, write: Write) -> Any:
    return assignment.span if assignment is not None and assignment.span is not None else write.target_span


# -- NULL


def _nulls(write: Write, assignments: tuple[Assignment, ...], relation: Relation, scope: Scope) -> Iterator[Failure]:
    for each in assignments:
        column = relation.column_numbered(each.column)
        if column is None or column.generated or each.value.null is Null.NEVER:
            continue
        demand = _demand(column, relation, scope)
        if demand is not None:
            sqlstate, message, definition, name = demand
            yield _null_failure(each, column, write, relation, scope, sqlstate, message, definition, name)


def _demand(column: Column, relation: Relation, scope: Scope) -> tuple[str, str, Any, str] | None:
    """Why the column may not be NULL: SQLSTATE, message, definition, and in whose name."""
    if column.not_null or column.identity:
        message = f'null value in column "{column.name}" of relation "{relation.name}" violates not-null constraint'
        return "23502", message, column.span, "not-null"
    if isinstance(column.type.id, int):
        domain = names.domain_not_null(column.type.id, scope.catalog)
        if domain is not None and domain.not_null:
            return "23502", f"domain {domain.name} does not allow null values", domain.span, "domain"
        if domain is not None:
            check = next((each.name for each in domain.checks), domain.name)
            return "23514", f'value for domain {domain.name} violates check constraint "{check}"', domain.span, "domain"
    for each in relation.constraints:
        if each.kind is ConstraintKind.CHECK and each.enforced and column.name in names.required_by_check(each.expression):
            message = f'new row for relation "{relation.name}" violates check constraint "{each.name}"'
            return "23514", message, each.span, "check"
    return None


def _null_failure(
    assignment: Assignment, column: Column, write: Write, relation: Relation, scope: Scope,
    sqlstate: str, message: str, definition: Any, name: str,
) -> Failure:  # fmt: skip
    null = assignment.value.null
    kind = "required-column" if null is Null.ALWAYS else "nullable-value"
    certainty = {Null.ALWAYS: "certain", Null.MAYBE: "conditional"}.get(null, "unknown")
    field = copied_field(assignment.value.term)
    witness: tuple[tuple[int, str], ...] = ()
    if field is not None and field.row == "new" and field.relation == scope.context.source:
        witness = ((field.column, "NULL"),)
    return Failure(
        kind, sqlstate, message, _span(assignment, write), (relation.oid, column.number, "null"), certainty,
        relation.oid, column.number, assignment.value, name if assignment.given else f"{name} left out", definition,
        witness, scope.context.function,
    )  # fmt: skip


# -- lengths and ranges


def _lengths(write: Write, assignments: tuple[Assignment, ...], relation: Relation, scope: Scope) -> Iterator[Failure]:
    for each in assignments:
        column = relation.column_numbered(each.column)
        if column is None or not each.given or each.value.null is Null.ALWAYS:
            continue
        refused = bounds.overflow(each.value, column, scope)
        if refused is None:
            continue
        sqlstate, message, certainty, literal = refused
        field = copied_field(each.value.term)
        witness = ((field.column, literal),) if field is not None and literal and field.relation == scope.context.source else ()
        yield Failure(
            "value-out-of-range", sqlstate, message, _span(each, write), (relation.oid, column.number, "range"), certainty,
            relation.oid, column.number, each.value, "", column.span, witness, scope.context.function,
        )  # fmt: skip


# -- CHECK


def _checks(write: Write, assignments: tuple[Assignment, ...], relation: Relation, scope: Scope) -> Iterator[Failure]:
    values = {each.name: each.value for each in assignments}
    columns = tuple((each.name, values.get(each.name, NOTHING)) for each in relation.columns)
    for each in relation.constraints:
        if each.kind is ConstraintKind.CHECK and each.enforced and each.expression is not None:
            required = names.required_by_check(each.expression)
            if any(values.get(name, NOTHING).null is not Null.NEVER for name in required):
                continue  # said as a NULL
            refused = _check(each, columns, scope)
            if refused is not None:
                certainty, witness, reason = refused
                message = f'new row for relation "{relation.name}" violates check constraint "{each.name}"'
                yield Failure(
                    "check", "23514", message, write.target_span, (relation.oid, each.oid, "check"), certainty, relation.oid,
                    None, NOTHING, reason, each.span, witness, scope.context.function,
                )  # fmt: skip


def _check(
    constraint: Constraint, columns: tuple[tuple[str, Value], ...], scope: Scope
) -> tuple[str, tuple[tuple[int, str], ...], str] | None:
    assert constraint.expression is not None
    bare = keys.row_scope(columns, scope)
    try:
        value = expression.evaluate(constraint.expression.node, bare)
    except RaisedError:
        return None
    truth = conditions.truth(value)
    if truth is False:
        return "certain", (), constraint.name
    if truth is True or value.null is Null.ALWAYS:
        return None
    return bounds.check(constraint, dict(columns), bare)


# -- domains


def _domains(write: Write, assignments: tuple[Assignment, ...], relation: Relation, scope: Scope) -> Iterator[Failure]:
    """The CHECKs of the domains that the columns have (chapter "Domain Types")."""
    for each in assignments:
        column = relation.column_numbered(each.column)
        if column is None or each.value.null is Null.ALWAYS:
            continue
        for domain in _domains_of(column, scope):
            for check in domain.checks:
                if check.expression is None or not check.enforced or names.required_by_check(check.expression):
                    continue
                refused = _check(check, (("value", each.value),), scope)
                if refused is None:
                    continue
                certainty, witness, _ = refused
                message = f'value for domain {domain.name} violates check constraint "{check.name}"'
                yield Failure(
                    "check", "23514", message, _span(each, write), (relation.oid, check.oid, "check", column.number), certainty,
                    relation.oid, column.number, each.value, check.name, check.span or domain.span, witness,
                    scope.context.function,
                )  # fmt: skip


def _domains_of(column: Column, scope: Scope) -> Iterator[UserType]:
    """The column's domain, and those that it is made of."""
    domain = scope.catalog.user_type(column.type.id) if isinstance(column.type.id, int) else None
    while domain is not None and domain.kind == "domain":
        yield domain
        base = domain.base.id if domain.base is not None else None
        domain = scope.catalog.user_type(base) if isinstance(base, int) else None


# -- foreign keys


def _references(write: Write, assignments: tuple[Assignment, ...], relation: Relation, scope: Scope) -> Iterator[Failure]:
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
            "foreign-key", "23503", message, _span(first, write), (relation.oid, each.oid, "reference"), certainty, relation.oid,
            each.columns[0], first.value, each.name, each.span, (), scope.context.function, deferred=each.initially_deferred,
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
