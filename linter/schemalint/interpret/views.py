"""Views as targets: which table takes the row in the end (chapter "CREATE VIEW", Updatable Views)."""

from __future__ import annotations

from typing import Any

import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Relation, RelationKind
from schemalint.catalog.type_names import strings

Node = dict[str, Any]

BLOCKING = (
    "groupClause",
    "havingClause",
    "distinctClause",
    "limitCount",
    "limitOffset",
    "withClause",
    "valuesLists",
    "windowClause",
)


class Updatable(msgspec.Struct, frozen=True):
    """A view that passes writes on: its base table, and for each of its columns the base's (None: an expression)."""

    base: Relation
    columns: tuple[tuple[str, int | None], ...]


def updatable(view: Relation, catalog: Catalog, above: frozenset[int] = frozenset()) -> Updatable | None:
    """How a view passes writes on to one base table; None where it is not automatically updatable."""
    # Views can be made to read each other; PostgreSQL refuses the write then.
    if view.kind is not RelationKind.VIEW or view.query is None or view.oid in above:
        return None
    inner = view.query.node.get("SelectStmt", view.query.node)
    if any(each in inner for each in BLOCKING) or inner.get("op", "SETOP_NONE") != "SETOP_NONE":
        return None
    items: list[Node] = inner.get("fromClause") or []
    if len(items) != 1 or "RangeVar" not in items[0]:
        return None
    source = items[0]["RangeVar"]
    relation = _read(view, source, catalog)
    if relation is None:
        return None
    own = _columns(inner, relation, source, view)
    if own is None:
        return None
    if relation.kind is RelationKind.VIEW:
        below = updatable(relation, catalog, above | {view.oid})
        if below is None:
            return None
        numbers = {n: name for name, n in ((c.name, c.number) for c in relation.columns)}
        inner_map = dict(below.columns)
        return Updatable(below.base, tuple((name, None if n is None else inner_map.get(numbers[n])) for name, n in own))
    return Updatable(relation, own)


def _read(view: Relation, source: Node, catalog: Catalog) -> Relation | None:
    """The relation below a view: by identity, whatever it is called now."""
    assert view.query is not None
    for reference in view.query.references:
        relation = catalog.relation(reference.oid)
        if relation is not None:
            return relation
    return catalog.find_relation(source.get("schemaname"), source["relname"], view.query.search_path or None)


def _columns(inner: Node, relation: Relation, source: Node, view: Relation) -> tuple[tuple[str, int | None], ...] | None:
    found: list[int | None] = []
    for each in inner.get("targetList") or ():
        node = each["ResTarget"]["val"]
        fields = node.get("ColumnRef", {}).get("fields") or []
        if fields and "A_Star" in fields[-1]:
            found.extend(column.number for column in relation.columns)
            continue
        column = relation.column(strings(fields)[-1]) if fields else None
        found.append(column.number if column is not None else None)
        if "FuncCall" in node and node["FuncCall"].get("over"):
            return None
    names = [each.name for each in view.columns]
    return tuple(zip(names, found, strict=False))


def is_replaced(relation: Relation, event: str) -> bool:
    """Whether a rule on a table puts other statements, or nothing, in the place of every write of the event."""
    return any(
        each.instead and each.event == event and each.condition is None and each.enabled in ("O", "A") for each in relation.rules
    )


def has_instead_of(view: Relation, event: str) -> bool:
    """Whether an INSTEAD OF trigger or rule takes the event."""
    return any(each.timing == "instead of" and event in each.events for each in view.triggers) or any(
        each.instead and each.event == event for each in view.rules
    )
