"""What a table demands of a row that is written to it: NOT NULL, CHECK, keys, foreign keys, lengths.

Each demand that the row does not meet, or that some rows do not meet, is a failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec

from schemalint.catalog.model import Column, Constraint, ConstraintKind, Expression, Relation, UserType
from schemalint.catalog.publishing import identity_of, publications_of
from schemalint.flow.path import Assignment, Failure, Write
from schemalint.flow.value import NOTHING, Null, Value, copied_field
from schemalint.interpret import bounds, conditions, expression, keys, limits, names, partitions, references
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
        missing = partitions.failure(write, relation, scope)
        found.extend([missing] if missing is not None else [])
        found.extend(references.failures(write, write.assignments, relation, scope))
        if write.conflict is not None:
            found.extend(_of_update(write, write.conflict.assignments, relation, scope, scope.context.event != "insert"))
    elif write.operation == "update":
        found.extend(_of_update(write, write.assignments, relation, scope, True))
    else:
        found.extend(references.still_there(write, relation, scope))
    found.extend(limits.failures(write, relation, scope))
    found.extend(_replica_identity(write, relation, scope))
    _compute_generated(write, relation, scope)
    return found


def _replica_identity(write: Write, relation: Relation, scope: Scope) -> Iterator[Failure]:
    """A published table's updates and deletes need a replica identity, which filters and column lists must respect."""
    updates = write.operation == "update" or (write.conflict is not None and write.conflict.update)
    operation = "update" if updates else write.operation
    if operation == "insert":
        return
    verb = "delete from" if operation == "delete" else "update"
    identity = identity_of(relation)
    for publication, own in publications_of(relation, scope.catalog):
        if operation not in publication.operations:
            continue
        sqlstate, message = "", ""
        if identity is None:
            word = "deletes" if operation == "delete" else "updates"
            sqlstate = "55000"
            message = f'cannot {verb} table "{relation.name}" because it does not have a replica identity and publishes {word}'
        elif own is not None:
            read = {each.number for each in relation.columns if own.where and each.name in names.columns_in(own.where)}
            if read - identity or (own.columns and identity - set(own.columns)):
                sqlstate, message = "42P10", f'cannot {verb} table "{relation.name}"'
        if sqlstate:
            yield Failure(
                "replica-identity", sqlstate, message, write.target_span, (relation.oid, publication.oid, "identity"), "certain",
                relation.oid, reason=publication.name, definition=publication.span, function=scope.context.function,
            )  # fmt: skip
            return


def _compute_generated(write: Write, relation: Relation, scope: Scope) -> None:
    """Runs the expressions of generated columns over the new row; what they refuse is left in `context.pending`."""
    if write.operation == "delete" or not any(each.generated for each in relation.columns):
        return
    inside = keys.row_scope(keys.row_of(write, relation), scope)
    for each in relation.columns:
        if each.generated and each.default is not None:
            with suppress(RaisedError):
                expression.evaluate(each.default.node, msgspec.structs.replace(inside, locate=lambda location: write.target_span))


def _of_update(
    write: Write, assignments: tuple[Assignment, ...], relation: Relation, scope: Scope, usual: bool
) -> Iterator[Failure]:
    for each in (
        *_nulls(write, assignments, relation, scope),
        *_lengths(write, assignments, relation, scope),
        *_domains(write, assignments, relation, scope),
        *references.failures(write, assignments, relation, scope),
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


# -- views


def of_view(write: Write, view: Relation, scope: Scope) -> Iterator[Failure]:
    """WITH CHECK OPTION: the new row must be one that the view shows (44000)."""
    if view.query is None or not view.query.check_option or write.operation == "delete":
        return
    inner = view.query.node.get("SelectStmt", view.query.node)
    if "whereClause" not in inner:
        return
    base = scope.catalog.relation(write.target)
    condition = Constraint(view.oid, view.name, ConstraintKind.CHECK, expression=Expression(inner["whereClause"], None))
    row = keys.row_of(write, base) if base is not None else ()
    refused = _check(condition, row, scope)
    if refused is not None:
        certainty, witness, _ = refused
        yield Failure(
            "check", "44000", f'new row violates check option for view "{view.name}"', write.target_span,
            (view.oid, "check option"), certainty, view.oid, None, NOTHING, view.name, view.span, witness,
            scope.context.function,
        )  # fmt: skip


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
