"""COMMENT ON: it changes nothing that the catalog holds, and PostgreSQL refuses it for what is not there."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Node, Relation, RelationKind
from schemalint.catalog.type_names import strings
from schemalint.replay.columns import no_column
from schemalint.replay.context import Context, NotModelled, Refused
from schemalint.replay.functions import function_of
from schemalint.replay.names import certainly_missing, find_named, shown

RELATIONS = {
    "OBJECT_TABLE": ("table", (RelationKind.TABLE, RelationKind.PARTITIONED_TABLE)),
    "OBJECT_VIEW": ("view", (RelationKind.VIEW,)),
    "OBJECT_MATVIEW": ("materialized view", (RelationKind.MATERIALIZED_VIEW,)),
    "OBJECT_SEQUENCE": ("sequence", (RelationKind.SEQUENCE,)),
}
OF_TABLE = {"OBJECT_TRIGGER": "triggers", "OBJECT_POLICY": "policies", "OBJECT_TABCONSTRAINT": "constraints"}
ROUTINES = {"OBJECT_FUNCTION": "function", "OBJECT_PROCEDURE": "procedure"}
NOUNS = {"OBJECT_TRIGGER": "trigger", "OBJECT_POLICY": "policy", "OBJECT_TABCONSTRAINT": "constraint"}


def comment(catalog: Catalog, node: Node, context: Context) -> Catalog:
    kind = node["objtype"]
    names = strings((node.get("object", {}).get("List") or {}).get("items"))
    if kind in RELATIONS and names:
        _relation(catalog, kind, names, context)
    elif kind == "OBJECT_COLUMN" and len(names) > 1:
        _column(catalog, names, context)
    elif kind in OF_TABLE and len(names) > 1:
        _of_table(catalog, kind, names, context)
    elif kind in ROUTINES:
        _routine(catalog, ROUTINES[kind], node["object"]["ObjectWithArgs"], context)
    return catalog


def _routine(catalog: Catalog, kind: str, node: Node, context: Context) -> None:
    try:
        function_of(catalog, node, kind)
    except NotModelled as unknown:
        context.gap(unknown.reason)


def _relation(catalog: Catalog, kind: str, names: list[str], context: Context) -> None:
    noun, kinds = RELATIONS[kind]
    found = _named(catalog, names, context)
    if found is not None and found.kind not in kinds:
        raise Refused("42809", f'"{names[-1]}" is not a {noun}', context.span)


def _column(catalog: Catalog, names: list[str], context: Context) -> None:
    relation = _named(catalog, names[:-1], context)
    if relation is not None and relation.column(names[-1]) is None:
        error = no_column(relation, names[-1], context.span)
        if isinstance(error, Refused):
            raise error


def _of_table(catalog: Catalog, kind: str, names: list[str], context: Context) -> None:
    relation = _named(catalog, names[:-1], context)
    if relation is None or relation.tainted:
        return
    if all(each.name != names[-1] for each in getattr(relation, OF_TABLE[kind])):
        message = f'{NOUNS[kind]} "{names[-1]}" for table "{relation.name}" does not exist'
        raise Refused("42704", message, context.span)


def _named(catalog: Catalog, names: list[str], context: Context) -> Relation | None:
    schema = names[-2] if len(names) > 1 else None
    found = find_named(catalog, schema, names[-1])
    if found is None:
        if certainly_missing(catalog, "relation", schema, names[-1]):
            raise Refused("42P01", f'relation "{shown(schema, names[-1])}" does not exist', context.span)
        context.gap(f'relation "{shown(schema, names[-1])}" is not made by any migration')
    return found if isinstance(found, Relation) else None
