"""A new label of an enum cannot be used by the transaction that adds it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Node, Relation, Type
from schemalint.catalog.type_names import strings, type_of
from schemalint.replay.context import Refused
from schemalint.replay.names import find_relation, plain_path
from schemalint.replay.output_names import literal_text
from schemalint.replay.transactions import FRESH

# Bodies of functions are not run when they are made, and the label itself is being added.
UNUSED = frozenset({"CreateFunctionStmt", "AlterEnumStmt", "DoStmt", "CommentStmt"})


def refuse_fresh_labels(catalog: Catalog, kind: str, node: Node) -> None:
    """Refuses a statement that uses such a label, as far as its text shows the label's type."""
    if kind in UNUSED:
        return
    labels = {(oid, label) for oid in catalog.get(FRESH) for label in _labels(catalog, oid)}
    for type_, text in (*_cast(catalog, node), *_stored(catalog, kind, node)):
        if isinstance(type_.id, int) and (type_.id, text) in labels:
            named = catalog.user_type(type_.id)
            raise Refused("55P04", f'unsafe use of new value "{text}" of enum type {named.name if named else "?"}')


def _labels(catalog: Catalog, oid: int) -> tuple[str, ...]:
    type_ = catalog.user_type(oid)
    return type_.fresh_labels if type_ is not None else ()


def _cast(catalog: Catalog, tree: Any) -> Iterator[tuple[Type, str]]:
    """'label'::type, and column = 'label' for a column of a relation that the statement names."""
    columns: dict[str, Type] = {}
    for each in _nodes(tree):
        relation = find_relation(catalog, each) if "relname" in each else None
        for column in relation.columns if relation is not None else ():
            columns.setdefault(column.name, column.type)
    for each in _nodes(tree):
        cast, operation = each.get("TypeCast"), each.get("A_Expr")
        if cast is not None and (text := literal_text(cast.get("arg") or {})) is not None:
            yield type_of(cast["typeName"], catalog, plain_path(catalog)), text
        if operation is not None:
            yield from _compared(operation, columns)


def _compared(operation: Node, columns: dict[str, Type]) -> Iterator[tuple[Type, str]]:
    sides = [operation.get("lexpr") or {}, operation.get("rexpr") or {}]
    names = [strings(each["ColumnRef"].get("fields"))[-1:] for each in sides if "ColumnRef" in each]
    types = [columns[name[0]] for name in names if name and name[0] in columns]
    texts = [each for side in sides for each in [side, *side.get("List", {}).get("items", ())] if "A_Const" in each]
    for type_ in types:
        for each in texts:
            if (text := literal_text(each)) is not None:
                yield type_, text


def _nodes(tree: Any) -> Iterator[Node]:
    stack = [tree]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            yield each
            stack.extend(value for value in each.values() if isinstance(value, dict | list))
        elif isinstance(each, list):
            stack.extend(each)


def _stored(catalog: Catalog, kind: str, node: Node) -> Iterator[tuple[Type, str]]:
    """Constants that the statement puts into columns: INSERT … VALUES, UPDATE … SET, DEFAULT."""
    relation = find_relation(catalog, node["relation"]) if "relname" in (node.get("relation") or {}) else None
    if relation is None:
        return
    if kind == "InsertStmt":
        yield from _inserted(relation, node)
    if kind == "UpdateStmt":
        for each in node.get("targetList") or ():
            yield from _literal(relation, each["ResTarget"].get("name", ""), each["ResTarget"].get("val") or {})
    if kind == "AlterTableStmt":
        for each in node["cmds"]:
            command = each["AlterTableCmd"]
            if command["subtype"] == "AT_ColumnDefault" and "def" in command:
                yield from _literal(relation, command["name"], command["def"])


def _inserted(relation: Relation, node: Node) -> Iterator[tuple[Type, str]]:
    names = [each["ResTarget"]["name"] for each in node.get("cols") or ()] or [each.name for each in relation.columns]
    query = (node.get("selectStmt") or {}).get("SelectStmt") or {}
    rows = [each.get("List", {}).get("items") or [] for each in query.get("valuesLists") or ()]
    rows.append([each["ResTarget"].get("val") or {} for each in query.get("targetList") or ()])
    for row in rows:
        for name, value in zip(names, row, strict=False):
            yield from _literal(relation, name, value)


def _literal(relation: Relation, name: str, value: Node) -> Iterator[tuple[Type, str]]:
    column, text = relation.column(name), literal_text(value)
    if column is not None and text is not None and "A_Const" in value:
        yield column.type, text
