"""What the role that runs a statement may not do (42501): privileges, USAGE of schemas, row security.

A trigger function runs as the writer, or as its owner where it is SECURITY DEFINER. These failures end no path: other
roles can write all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemalint.catalog import access
from schemalint.catalog.model import Function, Policy, Relation, RelationKind, Schema
from schemalint.flow.path import Failure, Write
from schemalint.flow.value import Null
from schemalint.interpret import conditions, expression, keys
from schemalint.interpret.catching import is_caught
from schemalint.interpret.scope import Effect, RaisedError, Scope
from schemalint.text import Span

Node = dict[str, Any]
WRITER = ""  # Context.user: the role that writes to the source


def users(scope: Scope) -> tuple[str | None, ...]:
    """The roles as which the statement can run, as far as the history says who writes to the source."""
    context = scope.context
    if context.user != WRITER:
        return (context.user,)
    source = scope.catalog.relation(context.source)
    return access.writers(source, context.event, scope.catalog) if source is not None else ()


def hides(relation: Relation, command: str, scope: Scope) -> bool:
    """Whether row security keeps all rows from an UPDATE, DELETE or SELECT: no policy lets any of its users at them."""
    found = [each for each in users(scope) if each is not None]
    return bool(found) and all(
        not access.passes(each, relation, scope.catalog) and not access.policies(relation, each, command, scope.catalog)
        for each in found
    )


def note_read(relation: Relation, node: Node, scope: Scope) -> None:
    """A SELECT from a table: what is refused of it is left in `context.pending`."""
    _note(scope, _of_object(relation, "select", scope.span(node), scope, "schemaname" in node), relation)


def note_call(function: Function, node: Node, scope: Scope) -> None:
    """A call of one of the project's functions."""
    failures = list(_of_object(function, "execute", scope.span(node), scope, len(node.get("funcname") or ()) > 1))
    _note(scope, iter(failures), None)


def note_write(write: Write, named: Relation, node: Node, row: keys.Row, scope: Scope) -> None:
    """An INSERT, UPDATE or DELETE."""
    qualified = "schemaname" in node.get("relation", {})
    failures: list[Failure] = []
    for privilege, columns in _needed(write, node):
        failures = list(_of_object(named, privilege, write.target_span, scope, qualified, columns))
        if failures:
            break
    if not failures and named.kind is not RelationKind.VIEW:
        failures = list(_of_row_security(write, named, node, row, scope))
    _note(scope, iter(failures), named)


def _note(scope: Scope, failures: Iterator[Failure], relation: Relation | None) -> None:
    found = tuple(failures)
    if found:
        scope.context.pending.append((Effect(failures=found),))


def _needed(write: Write, node: Node) -> Iterator[tuple[str, frozenset[int]]]:
    """The privileges that a statement asks for, each with its columns; none where one column will do."""
    given = frozenset(each.column for each in write.assignments if each.given)
    conflict = write.conflict
    if write.operation == "insert":
        yield "insert", given
        if conflict is not None and conflict.columns:
            yield "select", frozenset(conflict.columns)
        if conflict is not None and conflict.update:
            yield "update", frozenset(each.column for each in conflict.assignments)
    elif write.operation == "update":
        yield "update", given
    else:
        yield "delete", frozenset()
    if "whereClause" in node or "returningList" in node or "returningClause" in node:
        yield "select", frozenset()


# -- privileges


def _of_object(
    object_: Relation | Function,
    privilege: str,
    span: Span | None,
    scope: Scope,
    qualified: bool,
    columns: frozenset[int] = frozenset(),
) -> Iterator[Failure]:
    catalog = scope.catalog
    schema = catalog.get(object_.schema)
    kind = "function" if isinstance(object_, Function) else object_.kind.value if object_.kind is RelationKind.VIEW else "table"
    for role in users(scope):
        if isinstance(schema, Schema) and not access.may(role, "usage", schema, catalog):
            sqlstate, message = "42501", f"permission denied for schema {schema.name}"
            if not qualified and isinstance(object_, Relation):
                sqlstate, message = "42P01", f'relation "{object_.name}" does not exist'
            yield _failure(object_, sqlstate, message, span, role, "usage", schema.oid, scope)
            return
        if not _granted(role, privilege, object_, columns, scope):
            message = f"permission denied for {kind} {object_.name}"
            yield _failure(object_, "42501", message, span, role, privilege, object_.oid, scope)
            return


def _granted(role: str | None, privilege: str, object_: Relation | Function, columns: frozenset[int], scope: Scope) -> bool:
    if isinstance(object_, Relation) and not columns and privilege != "delete":
        return access.may_any_column(role, privilege, object_, scope.catalog)
    return access.may(role, privilege, object_, scope.catalog, columns)


def _failure(
    object_: Relation | Function, sqlstate: str, message: str, span: Span | None, role: str | None, privilege: str, withheld: int,
    scope: Scope,
) -> Failure:  # fmt: skip
    # What was never granted may have been so by other means than migrations; what was taken away was there.
    taken = scope.catalog.get(("revoked", withheld)) is not None or scope.context.user != WRITER
    return Failure(
        "access", sqlstate, message, span, (object_.oid, "access", withheld), "certain" if taken else "conditional",
        object_.oid if isinstance(object_, Relation) else None, None, reason=f"{privilege} as {role}",
        function=scope.context.function, caught=is_caught(sqlstate, scope.context.caught),
    )  # fmt: skip


# -- row security


def _of_row_security(write: Write, relation: Relation, node: Node, row: keys.Row, scope: Scope) -> Iterator[Failure]:
    if write.operation != "insert" or not relation.row_security:
        return
    message = f'new row violates row-level security policy for table "{relation.name}"'
    for role in users(scope):
        if role is None or access.passes(role, relation, scope.catalog):
            continue
        refused = _refused(write, relation, node, role, row, scope)
        if refused:
            yield Failure(
                "access", "42501", message, write.target_span, (relation.oid, "access", "row security"), refused, relation.oid,
                None, reason=f"row security as {role}", function=scope.context.function,
                caught=is_caught("42501", scope.context.caught),
            )  # fmt: skip
            return


def _refused(write: Write, relation: Relation, node: Node, role: str, row: keys.Row, scope: Scope) -> str:
    """Certainty with which the policies refuse the row; "" where they let it pass, or may do so."""
    reads = (write.conflict is not None and bool(write.conflict.columns or write.conflict.update)) or "returningList" in node
    for command in ("insert", "select") if reads else ("insert",):
        permissive = access.policies(relation, role, command, scope.catalog)
        answers = [_admits(each, row, scope) for each in permissive]
        if all(each is False for each in answers):
            return "certain"
        if any(_admits(each, row, scope) is False for each in access.restrictions(relation, role, command, scope.catalog)):
            return "certain"
    update = write.conflict is not None and write.conflict.update
    if update and not access.policies(relation, role, "update", scope.catalog):
        return "certain" if scope.context.event == "update" else "conditional"
    return ""


def _admits(policy: Policy, row: keys.Row, scope: Scope) -> bool | None:
    """Whether a policy lets a new row pass; None where that is open."""
    check = policy.check or policy.using
    if check is None:
        return True
    try:
        value = expression.evaluate(check.node, keys.row_scope(row, scope))
    except RaisedError:
        return None
    return False if value.null is Null.ALWAYS else conditions.truth(value)
