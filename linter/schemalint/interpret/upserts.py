"""ON CONFLICT: the unique index that it means, what it does to the row that is there, and for which rows it does it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from schemalint.catalog.model import ConstraintKind, Index, Relation
from schemalint.catalog.type_names import strings
from schemalint.flow.path import Assignment, Condition, Conflict
from schemalint.interpret import conditions, expression, query, views, writing
from schemalint.interpret.scope import Scope, Table, fail

Node = dict[str, Any]


def conflict_of(node: Node, target: writing.Target, assignments: tuple[Assignment, ...], scope: Scope) -> Conflict | None:
    clause = node.get("onConflictClause")
    if clause is None:
        return None
    alias = node["relation"].get("alias", {}).get("aliasname", target.named.name)
    inference = clause.get("infer")
    update = clause.get("action") == "ONCONFLICT_UPDATE"
    columns = _arbiter(inference, target, scope) if inference is not None else ()
    if not update:
        return Conflict(columns, False)
    excluded_values = {each.column: each.value for each in assignments}
    excluded = tuple(
        (each.name, excluded_values.get(each.number, expression.default_of(target.base, each.number, scope)))
        for each in target.base.columns
    )
    inside = msgspec.structs.replace(
        scope,
        tables=(query.table_of(target.named, alias, scope), Table("excluded", excluded, target.base.oid, hidden=True)),
    )
    sets = tuple(writing.set_clauses(clause.get("targetList") or (), target, inside))
    return Conflict(columns, True, sets, "whereClause" in clause, _filter(clause.get("whereClause"), inside))


def _filter(where: Node | None, inside: Scope) -> Condition | None:
    """DO UPDATE … WHERE as a condition of the path; None where it lets every edit pass that changes something."""
    if where is None:
        return None
    value = expression.evaluate(where, inside)
    if conditions.truth(value) is True or lets_changes_pass(where):
        return None
    return Condition(_written(where, inside), f"upsert {value.term!r}", True)


def _written(where: Node, scope: Scope) -> str:
    """The condition as it stands in the statement, of which it is the end."""
    statement, location = scope.locate(-1), writing.first_location(where)
    start = scope.locate(location) if location is not None else None
    if statement is None or start is None:
        return "DO UPDATE … WHERE"
    text = statement.text[start.start - statement.start :]
    return " ".join(re.split(r"(?i)\breturning\b", text)[0].rstrip("; \n").split())


def lets_changes_pass(node: Node) -> bool:
    """Whether a condition only keeps rows from being written that would stay as they are, or that are another's."""
    connected = node.get("BoolExpr")
    if connected is not None and connected.get("boolop", "AND_EXPR") != "NOT_EXPR":
        return all(lets_changes_pass(each) for each in connected["args"])
    inner = node.get("A_Expr", {})
    if inner.get("kind", "AEXPR_OP") == "AEXPR_DISTINCT":
        return True
    return inner.get("kind", "AEXPR_OP") == "AEXPR_OP" and strings(inner.get("name")) == ["="] and _same_column(inner)


def _same_column(inner: Node) -> bool:
    names = [strings(inner.get(each, {}).get("ColumnRef", {}).get("fields"))[-1:] for each in ("lexpr", "rexpr")]
    return names[0] == names[1] != []


def _arbiter(inference: Node, target: writing.Target, scope: Scope) -> tuple[int, ...]:
    """The columns of the unique index that ON CONFLICT means; without one it fails (42P10, 42704)."""
    relation = target.base
    location = inference.get("location")
    if "conname" in inference:
        for each in relation.constraints:
            if each.name == inference["conname"]:
                _refuse_deferrable(each.deferrable, each.kind, relation, location, scope)
                return each.columns
        message = f'constraint "{inference["conname"]}" for table "{relation.name}" does not exist'
        raise fail(scope, "arbiter", "42704", message, location, (relation.oid, "arbiter"), relation.oid, reason="constraint")
    elements = [each["IndexElem"] for each in inference.get("indexElems") or ()]
    columns = tuple(writing.column_of(target, each["name"], location, scope).number for each in elements if "name" in each)
    expressions = [each["expr"] for each in elements if "expr" in each]
    instead = views.has_instead_of(target.named, "insert")
    fitting = [] if instead else [each for each in relation.indexes if _infers(each, columns, expressions, inference)]
    if not fitting and not relation.tainted:
        message = "there is no unique or exclusion constraint matching the ON CONFLICT specification"
        raise fail(scope, "arbiter", "42P10", message, location, (relation.oid, "arbiter"), relation.oid)
    if fitting and all(not each.immediate for each in fitting):
        _refuse_deferrable(True, ConstraintKind.UNIQUE, relation, location, scope)
    return columns


def _refuse_deferrable(deferrable: bool, kind: ConstraintKind, relation: Relation, location: int | None, scope: Scope) -> None:
    if deferrable:
        message = "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters"
        raise fail(scope, "arbiter", "55000", message, location, (relation.oid, "arbiter"), relation.oid)


def _infers(index: Index, columns: tuple[int, ...], expressions: list[Node], inference: Node) -> bool:
    """Whether ON CONFLICT's columns and predicate infer this index (infer_arbiter_indexes)."""
    if not index.unique or not index.valid:
        return False
    if set(index.columns) - {0} != set(columns) or len(index.expressions) != len(expressions):
        return False
    if index.expressions and not all(any(same_tree(e.node, x) for x in expressions) for e in index.expressions):
        return False
    if index.predicate is None:
        return True
    where = inference.get("whereClause")
    return where is not None and implied(index.predicate.node, where)


def implied(predicate: Node, where: Node) -> bool:
    """Whether a condition contains each part of a predicate, in the same form."""
    parts = list(query.conjuncts_of(where))
    return all(any(same_tree(each, part) for part in parts) for each in query.conjuncts_of(predicate))


def same_tree(first: Any, second: Any) -> bool:
    """Whether two trees say the same, wherever they stand."""
    if isinstance(first, dict) and isinstance(second, dict):
        keys = (first.keys() | second.keys()) - {"location"}
        return all(same_tree(first.get(each), second.get(each)) for each in keys)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same_tree, first, second))
    return bool(first == second)
