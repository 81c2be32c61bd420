"""INSERT, UPDATE, DELETE, COPY, TRUNCATE: only whether a table holds rows."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Node, Relation, RelationKind, Rows
from schemalint.replay.context import Context
from schemalint.replay.names import find_relation, replace


def _known(catalog: Catalog, node: Node) -> Relation | None:
    relation = find_relation(catalog, node)
    tables = (RelationKind.TABLE, RelationKind.PARTITIONED_TABLE)
    return relation if relation is not None and relation.kind in tables else None


def _with_rows(catalog: Catalog, relation: Relation, rows: Rows) -> Catalog:
    return catalog if relation.rows is rows else catalog.put(replace(relation, rows=rows))


def insert(catalog: Catalog, node: Node, context: Context) -> Catalog:
    relation = _known(catalog, node["relation"])
    if relation is None or relation.rows is Rows.SOME:
        return catalog
    query = (node.get("selectStmt") or {}).get("SelectStmt") or {}
    # What a SELECT finds, or ON CONFLICT passes over, is not known here.
    certain = "valuesLists" in query or not query
    return _with_rows(catalog, relation, Rows.SOME if certain else Rows.POSSIBLE)


def delete(catalog: Catalog, node: Node, context: Context) -> Catalog:
    relation = _known(catalog, node["relation"])
    if relation is None or relation.rows is not Rows.SOME:
        return catalog
    return _with_rows(catalog, relation, Rows.POSSIBLE if "whereClause" in node or "usingClause" in node else Rows.NONE)


def copy(catalog: Catalog, node: Node, context: Context) -> Catalog:
    if not node.get("is_from") or "relation" not in node:
        return catalog
    relation = _known(catalog, node["relation"])
    if relation is None or relation.rows is Rows.SOME:
        return catalog
    return _with_rows(catalog, relation, Rows.SOME if getattr(context.place, "copied", None) else Rows.POSSIBLE)


def truncate(catalog: Catalog, node: Node, context: Context) -> Catalog:
    for each in node["relations"]:
        relation = _known(catalog, each["RangeVar"])
        if relation is not None:
            catalog = _with_rows(catalog, relation, Rows.NONE)
    return catalog
