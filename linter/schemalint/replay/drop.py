"""DROP of everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Node, Relation, RelationKind, UserType
from schemalint.catalog.type_names import strings
from schemalint.replay.context import Context, NotModelled, Refused
from schemalint.replay.dependencies import Part, drop
from schemalint.replay.functions import function_of
from schemalint.replay.indexes import find_index
from schemalint.replay.names import find_named, list_name, missing, plain_path, relation_of

TABLES = (RelationKind.TABLE, RelationKind.PARTITIONED_TABLE)
RELATIONS = {
    "OBJECT_TABLE": ("table", TABLES),
    "OBJECT_VIEW": ("view", (RelationKind.VIEW,)),
    "OBJECT_MATVIEW": ("materialized view", (RelationKind.MATERIALIZED_VIEW,)),
    "OBJECT_SEQUENCE": ("sequence", (RelationKind.SEQUENCE,)),
    "OBJECT_FOREIGN_TABLE": ("foreign table", (RelationKind.FOREIGN_TABLE,)),
}
ROUTINES = {
    "OBJECT_FUNCTION": "function",
    "OBJECT_PROCEDURE": "procedure",
    "OBJECT_ROUTINE": "routine",
    "OBJECT_AGGREGATE": "function",
}
Finder = Callable[[Catalog, Any, Node, Context], list[Part]]


def drop_objects(catalog: Catalog, node: Node, context: Context) -> Catalog:
    cascade = node.get("behavior") == "DROP_CASCADE"
    kind = node["removeType"]
    find = FINDERS.get(kind)
    if find is None:
        from schemalint.replay.opaque import drop_opaque

        return drop_opaque(catalog, node, context)
    if kind == "OBJECT_INDEX" and node.get("concurrent") and context.block:
        raise Refused("25001", "DROP INDEX CONCURRENTLY cannot run inside a transaction block")
    parts: list[Part] = []
    for each in node["objects"]:
        try:
            parts.extend(find(catalog, each, node, context))
        except Refused as refused:
            if not (node.get("missing_ok") and refused.sqlstate in MISSING):
                raise
        except NotModelled:
            if not node.get("missing_ok"):
                raise
    if kind == "OBJECT_POLICY":
        for _, relation, _ in parts:
            catalog = catalog.bind(("policy dropped", relation), True)
    return drop(catalog, parts, cascade) if parts else catalog


# What IF EXISTS lets pass: the object, its table or its schema is not there.
MISSING = frozenset({"42P01", "42704", "42883", "3F000"})


def _name(item: Node) -> tuple[str | None, str]:
    return list_name(item["List"]["items"]) if "List" in item else list_name(item["TypeName"].get("names"))


def _relation(catalog: Catalog, item: Any, node: Node, context: Context) -> list[Part]:
    word, kinds = RELATIONS[node["removeType"]]
    schema, name = _name(item)
    found = find_named(catalog, schema, name)
    if found is None:
        raise missing(catalog, "relation", schema, name, "42P01", word)
    if not isinstance(found, Relation) or found.kind not in kinds:
        raise Refused("42809", f'"{name}" is not a {word}')
    return [("relation", found.oid, 0)]


def _index(catalog: Catalog, item: Any, node: Node, context: Context) -> list[Part]:
    schema, name = _name(item)
    found = find_index(catalog, schema, name)
    if found is None:
        if find_named(catalog, schema, name) is not None:
            raise Refused("42809", f'"{name}" is not an index')
        raise missing(catalog, "relation", schema, name, "42704", "index")
    relation, index = found
    for each in relation.constraints:
        if each.index == index.oid and each.kind != "foreign key":
            message = f"cannot drop index {name} because constraint {each.name} on table {relation.name} requires it"
            raise Refused("2BP01", message)
    if index.parent is not None:
        raise Refused("2BP01", f"cannot drop index {name} because its parent requires it")
    return [("index", relation.oid, index.oid)]


def _type(catalog: Catalog, item: Any, node: Node, context: Context) -> list[Part]:
    schema, name = _name(item)
    found = catalog.find_type(schema, name, plain_path(catalog))
    if found is None:
        raise missing(catalog, "type", schema, name, "42704", "type")
    if isinstance(found, UserType):
        if node["removeType"] == "OBJECT_DOMAIN" and found.kind != "domain":
            raise Refused("42809", f'"{name}" is not a domain')
        return [("type", found.oid, 0)]
    if node["removeType"] == "OBJECT_DOMAIN":
        raise Refused("42809", f'"{name}" is not a domain')
    if found.kind is not RelationKind.COMPOSITE_TYPE:
        raise Refused("2BP01", f"cannot drop type {name} because table {name} requires it")
    return [("relation", found.oid, 0)]


def _routine(catalog: Catalog, item: Any, node: Node, context: Context) -> list[Part]:
    return [("function", function_of(catalog, item["ObjectWithArgs"], ROUTINES[node["removeType"]]).oid, 0)]


def _on_relation(catalog: Catalog, item: Any, kind: str, field: str) -> list[Part]:
    """A trigger, policy or rule: the relation's name and then its own."""
    parts = strings(item["List"]["items"])
    range_variable: Node = {"relname": parts[-2], **({"schemaname": parts[-3]} if len(parts) > 2 else {})}
    relation = relation_of(catalog, range_variable)
    for each in getattr(relation, field):
        if each.name == parts[-1]:
            if getattr(each, "parent", None) is not None:
                raise Refused("2BP01", f"cannot drop trigger {each.name} on table {relation.name} because its parent requires it")
            return [(kind, relation.oid, each.oid)]
    if relation.tainted:
        raise NotModelled(f'{kind} "{parts[-1]}" of relation "{relation.name}" is not known', relation.name)
    preposition = "relation" if kind == "rule" else "table"
    raise Refused("42704", f'{kind} "{parts[-1]}" for {preposition} "{relation.name}" does not exist')


def _schema(catalog: Catalog, item: Any, node: Node, context: Context) -> list[Part]:
    name = item["String"]["sval"]
    oid = catalog.get(("schema", name))
    if oid is None:
        if catalog.get(("gone", "schema", name)):
            raise Refused("3F000", f'schema "{name}" does not exist')
        raise NotModelled(f'schema "{name}" is not made by any migration')
    return [("schema", oid, 0)]


FINDERS: dict[str, Finder] = {
    **dict.fromkeys(RELATIONS, _relation),
    **dict.fromkeys(ROUTINES, _routine),
    "OBJECT_INDEX": _index,
    "OBJECT_TYPE": _type,
    "OBJECT_DOMAIN": _type,
    "OBJECT_TRIGGER": lambda catalog, item, node, context: _on_relation(catalog, item, "trigger", "triggers"),
    "OBJECT_POLICY": lambda catalog, item, node, context: _on_relation(catalog, item, "policy", "policies"),
    "OBJECT_RULE": lambda catalog, item, node, context: _on_relation(catalog, item, "rule", "rules"),
    "OBJECT_SCHEMA": _schema,
}
