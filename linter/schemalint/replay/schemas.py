"""CREATE SCHEMA, with the elements that it may hold."""

from __future__ import annotations

from typing import Any

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Node, Schema
from schemalint.replay.context import Context, Refused
from schemalint.replay.names import owner_now, replace
from schemalint.replay.rename import role_of


def create_schema(catalog: Catalog, node: Node, context: Context) -> Catalog:
    owner = role_of(catalog, node["authrole"]) if "authrole" in node else owner_now(catalog)
    name = node.get("schemaname") or owner or "public"
    found = catalog.schema_named(name)
    if found is not None:
        if node.get("if_not_exists"):
            return catalog
        if not found.assumed:
            raise Refused(
                "42P06", f'schema "{name}" already exists', certain=not catalog.get(("unmodelled", name)) and name != "public"
            )
        return catalog.put(replace(found, assumed=False))
    catalog, oid = catalog.new_oid()
    schema = Schema(oid, name, owner, own=not node.get("if_not_exists"), span=context.span)
    if catalog.get(("setting", "default_privileges")) is not None:
        from schemalint.replay.privileges import default_privileges

        schema = replace(schema, privileges=default_privileges(catalog, "schemas", 0, owner))
    catalog = catalog.put(schema)
    elements = node.get("schemaElts") or ()
    if not elements:
        return catalog
    path = catalog.search_path
    catalog = catalog.bind(("setting", "search_path"), (name, *path))
    for each in sorted(elements, key=lambda element: ORDER.get(next(iter(element)), 9)):
        kind, inner = next(iter(each.items()))
        catalog = _element(catalog, kind, inner, context)
    return catalog.bind(("setting", "search_path"), path)


ORDER = {"CreateSeqStmt": 0, "CreateStmt": 1, "ViewStmt": 2, "IndexStmt": 3, "CreateTrigStmt": 4, "GrantStmt": 5}


def _element(catalog: Catalog, kind: str, node: Any, context: Context) -> Catalog:
    from schemalint.replay.replay import HANDLERS

    return HANDLERS[kind](catalog, node, Context(_Element(kind, context), context.block))


class _Element:
    """An element of CREATE SCHEMA as a statement of its own."""

    def __init__(self, kind: str, context: Context) -> None:
        self.kind = kind
        self.span = context.span
        self.offset = context.place.offset
