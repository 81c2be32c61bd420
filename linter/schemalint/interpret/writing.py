"""INSERT, UPDATE, DELETE and MERGE inside a function: what each writes, and what PostgreSQL refuses of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from schemalint.catalog.model import UNKNOWN, Column, Relation, RelationKind
from schemalint.catalog.resolve import coercion
from schemalint.catalog.type_names import UserTypesOf
from schemalint.flow.path import Assignment, Condition, Conflict, Failure, Write
from schemalint.flow.value import NULL, Looked, Null, Opaque, Value, copied_field
from schemalint.interpret import (
    casts,
    demands,
    expression,
    firing,
    functions,
    keys,
    names,
    operators,
    permissions,
    query,
    upserts,
    views,
)
from schemalint.interpret.catching import is_caught
from schemalint.interpret.scope import Effect, RaisedError, Scope, Table, fail
from schemalint.text import Span

Node = dict[str, Any]


def execute(kind: str, node: Node, scope: Scope) -> tuple[Effect, ...]:
    """The ways in which a DML statement can go."""
    scope = query.with_queries(node.get("withClause"), scope)
    if scope.context.volatility != "volatile":
        word = {"InsertStmt": "INSERT", "UpdateStmt": "UPDATE", "DeleteStmt": "DELETE", "MergeStmt": "MERGE"}[kind]
        message = f"{word} is not allowed in a non-volatile function"
        raise fail(scope, "not-volatile", "0A000", message, 0, (scope.context.source, scope.context.function, "volatility"))
    return STATEMENTS[kind](node, scope)


def as_query(kind: str, node: Node, scope: Scope) -> query.Result:
    """A DML statement inside WITH: it runs, and its RETURNING can be read."""
    if kind not in STATEMENTS:
        return query.Result(known=False)
    effects = execute(kind, node, scope)
    scope.context.pending.append(effects)
    going = [each for each in effects if not each.ended]
    if not going:
        return query.Result(known=False)
    return query.Result(going[0].columns, going[0].rows if len(going) == 1 else "maybe")


# -- the target


class Target(msgspec.Struct, frozen=True):
    """Where a statement writes: the relation that it names, and the table that takes the row."""

    named: Relation
    base: Relation
    view_columns: tuple[tuple[str, int | None], ...] | None  # of an updatable view
    span: Span


WORDS = {"insert": "insert into", "update": "update", "delete": "delete from"}


def find_target(node: Node, scope: Scope, event: str, upsert: bool = False) -> Target | None:
    """The target; None where it is not known, or where an INSTEAD OF trigger takes the write."""
    relation = names.find_table(node, scope, "target")
    span = scope.span(node)
    assert span is not None
    if relation is None:
        return None
    if relation.kind in (RelationKind.TABLE, RelationKind.PARTITIONED_TABLE, RelationKind.FOREIGN_TABLE):
        return None if views.is_replaced(relation, event) else Target(relation, relation, None, span)
    if relation.kind is RelationKind.VIEW and views.has_instead_of(relation, event):
        return Target(relation, relation, None, span)
    passed = views.updatable(relation, scope.catalog)
    if passed is not None:
        return Target(relation, passed.base, passed.columns, span)
    if relation.query is not None and not relation.query.resolved:
        scope.context.gap(span, f'view "{relation.name}" is not understood')
        return None
    state, message = ("55000", f'cannot {WORDS[event]} view "{relation.name}"')
    if upsert and relation.kind is RelationKind.MATERIALIZED_VIEW:
        state, message = "42P10", "there is no unique or exclusion constraint matching the ON CONFLICT specification"
    elif relation.kind is RelationKind.MATERIALIZED_VIEW:
        state, message = "42809", f'cannot change materialized view "{relation.name}"'
    elif relation.kind is RelationKind.SEQUENCE:
        state, message = "42809", f'cannot change sequence "{relation.name}"'
    subject = (scope.context.source, "target", relation.name)
    raise fail(scope, "target-readonly", state, message, node.get("location"), subject, relation.oid, reason=relation.name)


def column_of(target: Target, name: str, location: int | None, scope: Scope) -> Column:
    """The base table's column behind a name in the statement."""
    if target.view_columns is None:
        column = target.base.column(name)
        if column is None:
            raise _no_column(target, name, location, scope)
        return column
    numbers = dict(target.view_columns)
    if name not in numbers:
        raise _no_column(target, name, location, scope)
    number = numbers[name]
    column = target.base.column_numbered(number) if number is not None else None
    if column is None:
        message = f'cannot insert into column "{name}" of view "{target.named.name}"'
        raise fail(scope, "target-readonly", "0A000", message, location, (target.named.oid, name), target.named.oid, reason=name)
    return column


def _no_column(target: Target, name: str, location: int | None, scope: Scope) -> RaisedError:
    relation = target.named
    if relation.tainted:
        return RaisedError(
            Failure("written-column", "42703", name, scope.locate(location or 0), (relation.oid, name), "unknown", relation.oid)
        )
    message = f'column "{name}" of relation "{relation.name}" does not exist'
    return fail(scope, "written-column", "42703", message, location, (relation.oid, name), relation.oid, reason=name)


def assign(column: Column, value: Value, relation: Relation, location: int | None, scope: Scope) -> Value:
    """A value as a column takes it: the assignment cast, or its absence (42804)."""
    source = operators.type_id(value)
    if source is not None and column.type != UNKNOWN and value.row is None:
        context = coercion(source, column.type.id, UserTypesOf(scope.catalog))
        if context not in ("i", "a"):
            types = functions.type_name(column.type, scope.catalog), functions.type_name(value.type, scope.catalog)
            message = f'column "{column.name}" is of type {types[0]} but expression is of type {types[1]}'
            raise fail(
                scope,
                "type-mismatch",
                "42804",
                message,
                location,
                (relation.oid, column.number, "type"),
                relation.oid,
                column.number,
            )
    casts.check_label(value, column.type, scope, location)
    return casts.converted(value, column.type) if column.type != UNKNOWN else value


def _expression_span(node: Node, scope: Scope) -> Span | None:
    """The place of an expression: that of the first location in it."""
    location = first_location(node)
    return scope.locate(location) if location is not None else None


# Nodes whose own location is that of their first character.
FIRST_BY_ITSELF = frozenset({"ColumnRef", "A_Const", "FuncCall", "CaseExpr", "CoalesceExpr", "SubLink", "ParamRef"})


def first_location(node: Any) -> int | None:
    """The smallest location in a tree."""
    if isinstance(node, dict) and len(node) == 1:
        ((kind, inner),) = node.items()
        if kind in FIRST_BY_ITSELF:
            location = inner.get("location")
            return location if isinstance(location, int) else None
    best: int | None = None
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            here = each.get("location")
            if isinstance(here, int) and (best is None or here < best):
                best = here
            stack.extend(each.values())
        elif isinstance(each, list):
            stack.extend(each)
    return best


# -- INSERT


def _insert(node: Node, scope: Scope) -> tuple[Effect, ...]:
    inference = node.get("onConflictClause", {}).get("infer")
    target = find_target(node["relation"], scope, "insert", inference is not None)
    if target is None:
        if "selectStmt" in node:
            query.select(node["selectStmt"], scope.inner())
        return (Effect(),)
    columns = _insert_columns(node, target, scope)
    rows, values = _insert_values(node, columns, scope)
    assignments = tuple(_assignments(node, columns, values, target, scope))
    conflict = upserts.conflict_of(node, target, assignments, scope)
    statement = scope.locate(-1)
    assert statement is not None
    if rows.rows == "none":
        return (Effect(rows="none"),)
    write = Write(
        "insert", target.base.oid, _completed(assignments, target.base, scope), statement, target.span,
        scope.context.function, scope.context.depth, conflict=conflict, caught=scope.context.caught,
    )  # fmt: skip
    effects = _row_effects(write, target, scope, node)
    if conflict is not None and conflict.condition is not None and scope.context.event != "insert":
        passed_over = msgspec.structs.replace(conflict.condition, holds=False)
        effects = (
            *(msgspec.structs.replace(each, conditions=(conflict.condition, *each.conditions)) for each in effects),
            Effect((passed_over,), rows="none"),
        )
    if rows.rows == "one":
        return effects
    condition = Condition(rows.text or "the query finds a row", f"rows {rows.key}", True, rows.typical or rows.rows == "many")
    without = Condition(condition.text, condition.key, False, rows.even or not condition.typical, lookup=rows.lookup)
    return (
        *(msgspec.structs.replace(each, conditions=(condition, *each.conditions)) for each in effects),
        Effect((without,), rows="none"),
    )


def _insert_columns(node: Node, target: Target, scope: Scope) -> list[tuple[Column, int | None]]:
    if "cols" in node:
        found = []
        for each in node["cols"]:
            item = each["ResTarget"]
            found.append((column_of(target, item["name"], item.get("location"), scope), item.get("location")))
        return found
    if target.view_columns is not None:
        return [(column_of(target, name, None, scope), None) for name, _ in target.view_columns]
    return [(column, None) for column in target.base.columns]


def _insert_values(
    node: Node, columns: list[tuple[Column, int | None]], scope: Scope
) -> tuple[query.Result, list[tuple[Value | None, Node | None]]]:
    """The rows that are inserted, and for each given column its value (None for DEFAULT) and its node."""
    if "selectStmt" not in node:
        return query.Result(rows="one"), []
    inner = node["selectStmt"]["SelectStmt"]
    explicit = "cols" in node
    if "valuesLists" in inner and len(inner["valuesLists"]) == 1:
        items = inner["valuesLists"][0]["List"]["items"]
        given: list[tuple[Value | None, Node | None]] = []
        inside = query.with_queries(inner.get("withClause"), scope)
        for each in items:
            if "SetToDefault" in each:
                given.append((None, each))
                continue
            for _, value in query.expand_target({"val": each}, inside):
                given.append((value, each))
        result = query.Result(rows="one")
    else:
        result = query.select(node["selectStmt"], scope.inner())
        if not result.known:
            return msgspec.structs.replace(result, rows=result.rows), [(Value(), None) for _ in columns]
        targets = [each["ResTarget"]["val"] for each in inner.get("targetList") or ()]
        same = len(targets) == len(result.columns)
        given = [(value, targets[i] if same else None) for i, (_, value) in enumerate(result.columns)]
    if len(given) > len(columns):
        location = first_location(given[len(columns)][1]) if given[len(columns)][1] is not None else None
        raise fail(
            scope, "arity", "42601", "INSERT has more expressions than target columns", location, (scope.context.source, "arity")
        )
    if explicit and len(given) < len(columns):
        location = columns[len(given)][1]
        raise fail(
            scope, "arity", "42601", "INSERT has more target columns than expressions", location, (scope.context.source, "arity")
        )
    return result, given


def _assignments(
    node: Node,
    columns: list[tuple[Column, int | None]],
    values: list[tuple[Value | None, Node | None]],
    target: Target,
    scope: Scope,
) -> Iterator[Assignment]:
    override = node.get("override", "OVERRIDING_NOT_SET")
    for (column, location), (value, item) in zip(columns, values, strict=False):
        if value is None:
            continue
        span = _expression_span(item, scope) if item is not None else None
        if (column.generated or column.identity == "always") and override != "OVERRIDING_SYSTEM_VALUE":
            if column.identity == "always" and override == "OVERRIDING_USER_VALUE":
                continue
            message = f'cannot insert a non-DEFAULT value into column "{column.name}"'
            raise fail(
                scope,
                "generated-column",
                "428C9",
                message,
                location,
                (target.base.oid, column.number),
                target.base.oid,
                column.number,
            )
        place = first_location(item) if item is not None else location
        yield Assignment(column.number, column.name, assign(column, value, target.base, place, scope), span)


def _completed(assignments: tuple[Assignment, ...], relation: Relation, scope: Scope) -> tuple[Assignment, ...]:
    """With the columns that are left out, and what they get."""
    given = {each.column for each in assignments}
    rest = tuple(
        Assignment(each.number, each.name, expression.default_of(relation, each.number, scope), None, given=False)
        for each in relation.columns
        if each.number not in given
    )
    return (*assignments, *rest)


def set_clauses(items: Any, target: Target, scope: Scope) -> Iterator[Assignment]:
    for each in items:
        item = each["ResTarget"]
        column = column_of(target, item["name"], item.get("location"), scope)
        node = item["val"]
        if "SetToDefault" in node:
            yield Assignment(column.number, column.name, expression.default_of(target.base, column.number, scope), None)
            continue
        if column.generated or column.identity == "always":
            message = f'column "{column.name}" can only be updated to DEFAULT'
            raise fail(
                scope, "generated-column", "428C9", message, item.get("location"), (target.base.oid, column.number),
                target.base.oid, column.number,
            )  # fmt: skip
        value = _multi_value(node["MultiAssignRef"], scope) if "MultiAssignRef" in node else expression.evaluate(node, scope)
        location = first_location(node)
        if "indirection" in item:
            value = Value(column.type, Null.UNKNOWN, Opaque("part"))
        yield Assignment(
            column.number, column.name, assign(column, value, target.base, location, scope), _expression_span(node, scope)
        )


def _multi_value(node: Node, scope: Scope) -> Value:
    """(a, b) = (…): the item of the row on the right."""
    number = node.get("colno", 1) - 1
    source = node["source"]
    if "RowExpr" in source:
        return expression.evaluate(source["RowExpr"]["args"][number], scope)
    if "SubLink" in source:
        result = query.select(source["SubLink"]["subselect"], scope.inner())
        return result.columns[number][1] if number < len(result.columns) else NULL
    return Value()


# -- the row, and what it sets off


def _row_effects(write: Write, target: Target, scope: Scope, node: Node) -> tuple[Effect, ...]:
    """What an inserted or updated row meets: privileges, BEFORE triggers, constraints, AFTER triggers."""
    permissions.note_write(write, target.named, node, keys.row_of(write, target.base), scope)
    if target.named.kind is RelationKind.VIEW and views.has_instead_of(target.named, write.operation):
        return tuple(
            _returning(msgspec.structs.replace(each.effect, writes=(write, *each.effect.writes)), node, target, write, scope)
            for each in firing.fire_on(target.named, write, "instead of", scope)
        )
    effects = []
    for before in firing.fire_on(target.base, write, "before", scope):
        if before.effect.ended or before.skipped:
            effects.append(msgspec.structs.replace(before.effect, rows="none" if before.skipped else "one"))
            continue
        refused = demands.failures(before.write, target.base, scope)
        if target.named.kind is RelationKind.VIEW:
            refused.extend(demands.of_view(before.write, target.named, scope))
        failures = tuple(msgspec.structs.replace(f, caught=is_caught(f.sqlstate, scope.context.caught)) for f in refused)
        effect = msgspec.structs.replace(
            before.effect, writes=(*before.effect.writes, before.write), failures=(*before.effect.failures, *failures)
        )
        if any(each.certainty == "certain" and not each.deferred for each in failures):
            effects.append(msgspec.structs.replace(effect, ended="failed"))
            continue
        for after in firing.fire_on(target.base, before.write, "after", scope):
            combined = Effect(
                (*effect.conditions, *after.effect.conditions),
                (*effect.writes, *after.effect.writes),
                (*effect.failures, *after.effect.failures),
                after.effect.ended,
            )
            effects.append(_returning(combined, node, target, before.write, scope))
    return tuple(effects)


def _returning(effect: Effect, node: Node, target: Target, write: Write, scope: Scope) -> Effect:
    items = node.get("returningList") or node.get("returningClause", {}).get("exprs")
    if not items or effect.ended:
        return effect
    values = {each.column: each.value for each in write.assignments}
    columns = tuple((c.name, values.get(c.number, Value(c.type, Null.UNKNOWN))) for c in target.base.columns)
    alias = node["relation"].get("alias", {}).get("aliasname", node["relation"]["relname"])
    inside = scope.with_tables(Table(alias, columns, target.base.oid))
    found = tuple(pair for each in items for pair in query.expand_target(each["ResTarget"], inside))
    return msgspec.structs.replace(effect, columns=found)


# -- UPDATE and DELETE


def _matching(node: Node, target: Target, scope: Scope) -> tuple[Scope, tuple[tuple[int, Value], ...], bool, query.Result]:
    """The scope of an UPDATE's or DELETE's row, and by what it is found."""
    relation_node = node["relation"]
    alias = relation_node.get("alias", {}).get("aliasname", relation_node["relname"])
    own = query.Source(query.table_of(target.named, alias, scope), "many")
    others = [s for each in (node.get("fromClause") or node.get("usingClause") or ()) for s in query._from_item(each, scope)]
    tests = [node["whereClause"]] if "whereClause" in node else []
    inside, rows, text, usually, key = query.restrict([own, *others], tests, scope)
    by: tuple[tuple[int, Value], ...] = ()
    for table in inside.tables:
        if table.alias == alias and table.columns and isinstance(table.columns[0][1].term, Looked):
            by = tuple((number, Value(term=term)) for number, term in table.columns[0][1].term.by)
    conjuncts = [each for test in tests for each in query.conjuncts_of(test)]
    return inside, by, len(conjuncts) > len(by), query.Result((), rows, text, usually is not False, usually=usually, key=key)


def _update(node: Node, scope: Scope) -> tuple[Effect, ...]:
    target = find_target(node["relation"], scope, "update")
    if target is None:
        return (Effect(),)
    inside, by, filtered, found = _matching(node, target, scope)
    assignments = tuple(set_clauses(node["targetList"], target, inside))
    return _touched("update", assignments, target, by, filtered, found, scope, node)


def _delete(node: Node, scope: Scope) -> tuple[Effect, ...]:
    target = find_target(node["relation"], scope, "delete")
    if target is None:
        return (Effect(),)
    _, by, filtered, found = _matching(node, target, scope)
    return _touched("delete", (), target, by, filtered, found, scope, node)


def _touched(
    operation: str,
    assignments: tuple[Assignment, ...],
    target: Target,
    by: tuple[tuple[int, Value], ...],
    filtered: bool,
    found: query.Result,
    scope: Scope,
    node: Node,
) -> tuple[Effect, ...]:
    """An UPDATE or DELETE on the path where it finds its row, and on the one where it finds none."""
    statement = scope.locate(-1)
    assert statement is not None
    row = frozenset((column, value.term) for column, value in by)
    for timing, (table, columns) in scope.context.leaving:
        if table == target.base.oid and row and row <= columns:
            if timing == "after":
                return (Effect(rows="none"),)
            message = "tuple to be deleted was already modified by an operation triggered by the current command"
            raise fail(scope, "recursion", "27000", message, 0, (scope.context.source, table, "leaving"), table)
    if found.rows == "none" or permissions.hides(target.base, operation, scope):
        return (Effect(rows="none"),)
    write = Write(
        operation, target.base.oid, assignments, statement, target.span, scope.context.function, scope.context.depth,
        matches=by, filtered=filtered, caught=scope.context.caught,
    )  # fmt: skip
    effects = _row_effects(write, target, scope, node)
    if found.rows == "one" or scope.context.is_there(target.base.oid, row):
        return effects
    typical = _copy_is_there(target, by, scope)
    hit = Condition(found.text or f"a row of {target.base.name}", f"row {found.key}", True, typical is not False)
    miss = Condition(hit.text, hit.key, False, typical is not True)
    return (
        *(msgspec.structs.replace(each, conditions=(hit, *each.conditions)) for each in effects),
        Effect((miss,), rows="none"),
    )


def _copy_is_there(target: Target, by: tuple[tuple[int, Value], ...], scope: Scope) -> bool | None:
    """Whether the row with the firing row's key is in the target in ordinary times; None where it is not a question of keys."""
    source = scope.catalog.relation(scope.context.source)
    fields = [copied_field(value.term) for _, value in by]
    columns = {each.column for each in fields if each is not None and each.relation == scope.context.source}
    if source is None or not columns:
        return None
    if not names.is_unique(source, columns) and source.primary_key is not None:
        return True if scope.context.event != "insert" else None
    return scope.context.event != "insert"


# -- MERGE


def _merge(node: Node, scope: Scope) -> tuple[Effect, ...]:
    target = find_target(node["relation"], scope, "insert")
    if target is None:
        return (Effect(),)
    relation_node = node["relation"]
    alias = relation_node.get("alias", {}).get("aliasname", relation_node["relname"])
    own = query.Source(query.table_of(target.named, alias, scope), "many")
    others = list(query._from_item(node["sourceRelation"], scope))
    inside, _, text, _, key = query.restrict([own, *others], [node["joinCondition"]], scope)
    by: tuple[tuple[int, Value], ...] = ()
    for table in inside.tables:
        if table.alias == alias and table.columns and isinstance(table.columns[0][1].term, Looked):
            by = tuple((number, Value(term=term)) for number, term in table.columns[0][1].term.by)
    there = _copy_is_there(target, by, scope)
    effects: list[Effect] = []
    for matched in (True, False):
        condition = Condition(text or f"a row of {target.base.name}", f"merge {key}", matched, there is None or there == matched)
        taken = _merge_action(node, matched, target, by, inside, scope)
        effects.extend(msgspec.structs.replace(each, conditions=(condition, *each.conditions)) for each in taken)
    return tuple(effects)


def _merge_action(
    node: Node, matched: bool, target: Target, by: tuple[tuple[int, Value], ...], inside: Scope, scope: Scope
) -> tuple[Effect, ...]:
    wanted = "MERGE_WHEN_MATCHED" if matched else "MERGE_WHEN_NOT_MATCHED_BY_TARGET"
    statement = scope.locate(-1)
    assert statement is not None
    for each in node.get("mergeWhenClauses") or ():
        clause = each["MergeWhenClause"]
        if clause.get("matchKind", "MERGE_WHEN_MATCHED") != wanted:
            continue
        command = clause.get("commandType", "CMD_UNKNOWN")
        if command == "CMD_NOTHING":
            return (Effect(rows="none"),)
        if command == "CMD_INSERT":
            insert = {"relation": node["relation"], "cols": clause.get("targetList")}
            columns = _insert_columns({k: v for k, v in insert.items() if v}, target, inside)
            values: list[tuple[Value | None, Node | None]] = [
                (None if "SetToDefault" in item else expression.evaluate(item, inside), item)
                for item in clause.get("values") or ()
            ]
            assignments = tuple(_assignments(clause, columns, values, target, inside))
            write = Write(
                "insert", target.base.oid, _completed(assignments, target.base, scope), statement, target.span,
                scope.context.function, scope.context.depth, caught=scope.context.caught,
                conflict=Conflict(tuple(c for c, _ in by), False),
            )  # fmt: skip
        else:
            operation = "update" if command == "CMD_UPDATE" else "delete"
            sets = tuple(set_clauses(clause.get("targetList") or (), target, inside)) if operation == "update" else ()
            write = Write(
                operation, target.base.oid, sets, statement, target.span, scope.context.function, scope.context.depth,
                matches=by, filtered="condition" in clause, caught=scope.context.caught,
            )  # fmt: skip
        return _row_effects(write, target, scope, {"relation": node["relation"]})
    return (Effect(rows="none"),)


STATEMENTS: dict[str, Callable[[Node, Scope], tuple[Effect, ...]]] = {
    "InsertStmt": _insert,
    "UpdateStmt": _update,
    "DeleteStmt": _delete,
    "MergeStmt": _merge,
}
