"""Relations as a function's statements find them, and what their constraints say of a column."""

from __future__ import annotations

from typing import Any

from schemalint.catalog.catalog import SYSTEM_SCHEMAS, Catalog
from schemalint.catalog.model import Column, Constraint, ConstraintKind, Expression, Relation, Schema, UserType
from schemalint.catalog.type_names import strings
from schemalint.interpret.scope import Scope, fail

Node = dict[str, Any]


def find_table(node: Node, scope: Scope, purpose: str) -> Relation | None:
    """The relation that a RangeVar means; None where it cannot be known.

    `purpose` is "target" or "lookup": a missing one is the failure "target-gone" or "lookup-gone".
    """
    schema, name = node.get("schemaname"), node["relname"]
    if schema in SYSTEM_SCHEMAS or (schema is None and name.startswith("pg_")):
        return None
    relation = scope.catalog.find_relation(schema, name, scope.path)
    if relation is not None:
        return relation
    shown = f"{schema}.{name}" if schema else name
    if _may_exist(schema, name, scope.catalog):
        scope.context.gap(scope.span(node), f'relation "{shown}" is not made by any migration')
        return None
    subject = (scope.context.source, purpose, shown)
    raise fail(
        scope, f"{purpose}-gone", "42P01", f'relation "{shown}" does not exist', node.get("location"), subject, reason=shown
    )


def _may_exist(schema: str | None, name: str, catalog: Catalog) -> bool:
    """Whether the project may have a relation that its migrations do not make: in a schema of the platform."""
    if schema is not None:
        found = catalog.schema_named(schema)
        if isinstance(found, Schema):
            return found.assumed
        return not catalog.get(("gone", "schema", schema))
    return bool(catalog.get(("unmodelled", name)))


def is_gone(kind: str, schema: str | None, name: str, scope: Scope) -> bool:
    """Whether the history had such an object in a schema where the name is looked up, or in any that it made, and has no more."""
    catalog = scope.catalog
    if schema is not None and catalog.get(("gone", "schema", schema)):
        return True
    schemas = (schema,) if schema is not None else scope.path
    oids = [catalog.get(("schema", each)) for each in schemas]
    return any(oid is not None and catalog.get(("gone", kind, oid, name)) for oid in oids)


def never_null(relation: Relation, column: Column, catalog: Catalog) -> bool:
    """Whether no new row can have NULL in the column."""
    if column.not_null or column.identity:
        return True
    if isinstance(column.type.id, int) and domain_not_null(column.type.id, catalog) is not None:
        return True
    return column.name in _required_by_checks(relation)


_required_names: dict[int, tuple[tuple[Constraint, ...], frozenset[str]]] = {}  # by the identity of a table's constraints


def _required_by_checks(relation: Relation) -> frozenset[str]:
    """The columns that the table's CHECKs keep from being NULL. Asked for each column of each row, so kept for a while."""
    kept = _required_names.get(id(relation.constraints))
    if kept is not None and kept[0] is relation.constraints:
        return kept[1]
    found = frozenset[str]().union(*(required_by_check(each.expression) for each in relation.constraints if each.enforced))
    if len(_required_names) > 2000:
        _required_names.clear()
    _required_names[id(relation.constraints)] = (relation.constraints, found)
    return found


def domain_not_null(type_: int, catalog: Catalog) -> UserType | None:
    """The domain, or a domain below it, that refuses NULL."""
    user = catalog.user_type(type_)
    while user is not None and user.kind == "domain":
        if user.not_null or any("VALUE" in {n.upper() for n in required_by_check(each.expression)} for each in user.checks):
            return user
        user = catalog.user_type(user.base.id) if user.base is not None and isinstance(user.base.id, int) else None
    return None


def required_by_check(expression: Expression | None) -> frozenset[str]:
    """The columns that a CHECK of the form x IS NOT NULL [AND …] keeps from being NULL."""
    if expression is None:
        return frozenset()
    return _required(expression.node)


def _required(node: Node) -> frozenset[str]:
    test = node.get("NullTest")
    if test is not None:
        parts = strings(test["arg"].get("ColumnRef", {}).get("fields"))
        return frozenset(parts[-1:]) if test.get("nulltesttype", "IS_NULL") == "IS_NOT_NULL" else frozenset()
    connected = node.get("BoolExpr")
    if connected is not None and connected.get("boolop", "AND_EXPR") == "AND_EXPR":
        return frozenset().union(*(_required(each) for each in connected["args"]))
    if connected is not None and connected.get("boolop") == "NOT_EXPR":
        inner = connected["args"][0].get("NullTest")
        if inner is not None and inner.get("nulltesttype", "IS_NULL") == "IS_NULL":
            return frozenset(strings(inner["arg"].get("ColumnRef", {}).get("fields"))[-1:])
    return frozenset()


def unique_keys(relation: Relation) -> list[tuple[int, ...]]:
    """The column sets of which no two rows have the same: unique indexes without predicate or expression."""
    return [
        each.columns
        for each in relation.indexes
        if each.unique and each.valid and each.predicate is None and 0 not in each.columns and each.columns
    ]


def is_unique(relation: Relation, columns: set[int]) -> bool:
    """Whether these columns together find at most one row."""
    return any(set(key) <= columns for key in unique_keys(relation))


def foreign_keys(relation: Relation) -> list[Any]:
    return [each for each in relation.constraints if each.kind is ConstraintKind.FOREIGN_KEY]


def columns_in(node: Any) -> set[str]:
    """The names of the columns that an expression reads."""
    if isinstance(node, dict):
        parts = strings(node["ColumnRef"]["fields"]) if "ColumnRef" in node else []
        return set(parts[-1:]).union(*(columns_in(each) for each in node.values()))
    if isinstance(node, list):
        return set[str]().union(*(columns_in(each) for each in node))
    return set()


def with_names(node: Any, names_of: dict[str, str]) -> Any:
    """An expression with its columns called otherwise, and without the places where it was written."""
    if isinstance(node, dict):
        if "ColumnRef" in node:
            name = strings(node["ColumnRef"]["fields"])[-1]
            return {"ColumnRef": {"fields": [{"String": {"sval": names_of.get(name, name)}}]}}
        return {key: with_names(each, names_of) for key, each in node.items() if key != "location"}
    return [with_names(each, names_of) for each in node] if isinstance(node, list) else node
