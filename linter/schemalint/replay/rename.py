"""RENAME, SET SCHEMA and OWNER TO, and the trees that must follow them."""

from __future__ import annotations

from collections.abc import Callable

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import IndexName, Node, Relation, RelationKind, UserType
from schemalint.replay.columns import column_named
from schemalint.replay.constraints import constraint_named
from schemalint.replay.context import Context, NotModelled, Refused
from schemalint.replay.functions import function_of, matching
from schemalint.replay.inheritance import children_of
from schemalint.replay.names import (
    existing_schema,
    find_named,
    list_name,
    missing,
    owner_now,
    plain_path,
    range_name,
    relation_of,
    remember_constraint,
    replace,
    vanish,
)
from schemalint.replay.owners import owned_sequences, with_owner
from schemalint.replay.rewriting import rewrite_users

ROUTINES = {
    "OBJECT_FUNCTION": "function",
    "OBJECT_PROCEDURE": "procedure",
    "OBJECT_ROUTINE": "routine",
    "OBJECT_AGGREGATE": "function",
}
RELATIONS = frozenset(
    {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_SEQUENCE", "OBJECT_INDEX", "OBJECT_FOREIGN_TABLE"}
)


def role_of(catalog: Catalog, node: Node) -> str | None:
    """The role that a RoleSpec means; None for the one that runs the migrations."""
    if node.get("roletype") == "ROLESPEC_CSTRING":
        name = str(node["rolename"])
        return None if name == catalog.get(("setting", "migrating_role")) else name
    return owner_now(catalog)


def rename(catalog: Catalog, node: Node, context: Context) -> Catalog:
    handler = RENAMES.get(node["renameType"])
    if handler is None:
        from schemalint.replay.opaque import rename_opaque

        return rename_opaque(catalog, node, context)
    return handler(catalog, node, context)


# -- relations


def _rename_relation(catalog: Catalog, node: Node, context: Context) -> Catalog:
    found = _named_relation(catalog, node)
    if found is None:
        return catalog
    new = node["newname"]
    _refuse_taken(catalog, found.schema, new)
    if isinstance(found, IndexName):
        return _rename_index(catalog, found, new)
    if found.kind not in (RelationKind.SEQUENCE,) and catalog.get(("type", found.schema, new)) is not None:
        raise Refused("42710", f'type "{new}" already exists')
    catalog = rewrite_users(catalog, found, None, lambda tree, reference: _range_renamed(tree, new))
    current = catalog.relation(found.oid)
    assert current is not None
    return vanish(catalog.put(replace(current, name=new, span=current.span)), found)


def _refuse_taken(catalog: Catalog, schema: int, name: str) -> None:
    if catalog.get(("relation", schema, name)) is not None:
        raise Refused("42P07", f'relation "{name}" already exists')


def _named_relation(catalog: Catalog, node: Node) -> Relation | IndexName | None:
    schema, name = range_name(node["relation"])
    found = find_named(catalog, schema, name)
    if found is None:
        if node.get("missing_ok") and not catalog.get(("unmodelled", name)):
            return None
        raise missing(catalog, "relation", schema, name, "42P01", "relation")
    return found


def _rename_index(catalog: Catalog, index: IndexName, new: str) -> Catalog:
    relation = catalog.relation(index.relation)
    assert relation is not None
    identity = f"index {new}" if relation.replica_identity == f"index {index.name}" else relation.replica_identity
    catalog = catalog.put(
        replace(
            relation,
            replica_identity=identity,
            indexes=tuple(replace(each, name=new) if each.oid == index.oid else each for each in relation.indexes),
            constraints=tuple(
                replace(each, name=new) if each.index == index.oid and each.kind != "foreign key" else each
                for each in relation.constraints
            ),
        )
    )
    return vanish(catalog.put(replace(index, name=new)), index)


def _range_renamed(tree: Node, new: str) -> Node:
    if "relname" not in tree:
        return tree
    alias = tree.get("alias") or {"aliasname": tree["relname"]}
    return {**tree, "relname": new, "alias": alias}


# -- columns


def _rename_column(catalog: Catalog, node: Node, context: Context) -> Catalog:
    if node.get("missing_ok") and _named_relation(catalog, node) is None:
        return catalog
    relation = relation_of(catalog, node["relation"])
    old, new = node["subname"], node["newname"]
    column = column_named(relation, old)
    if relation.column(new) is not None:
        raise Refused("42701", f'column "{new}" of relation "{relation.name}" already exists')
    if column.inherited:
        raise Refused("42P16", f'cannot rename inherited column "{old}"')
    return _renamed_column(catalog, relation, column.number, new, context)


def _renamed_column(catalog: Catalog, relation: Relation, number: int, new: str, context: Context) -> Catalog:
    old = relation.column_numbered(number)
    assert old is not None
    children = children_of(catalog, relation)
    catalog = rewrite_users(catalog, relation, number, lambda tree, reference: _column_renamed(tree, new))
    current = catalog.relation(relation.oid)
    assert current is not None
    columns = tuple(replace(each, name=new, span=context.span) if each.number == number else each for each in current.columns)
    catalog = catalog.put(replace(current, columns=columns))
    for child in children:
        fresh = catalog.relation(child.oid)
        own = fresh.column(old.name) if fresh is not None else None
        if fresh is not None and own is not None:
            catalog = _renamed_column(catalog, fresh, own.number, new, context)
    return catalog


def _column_renamed(tree: Node, new: str) -> Node:
    if "fields" not in tree:
        return tree
    return {**tree, "fields": [*tree["fields"][:-1], {"String": {"sval": new}}]}


# -- what belongs to a relation


def _rename_constraint(catalog: Catalog, node: Node, context: Context) -> Catalog:
    if node.get("missing_ok") and _named_relation(catalog, node) is None:
        return catalog
    relation = relation_of(catalog, node["relation"])
    old, new = node["subname"], node["newname"]
    found = constraint_named(relation, old)
    if found is None:
        raise Refused("42704", f'constraint "{old}" for table "{relation.name}" does not exist', certain=not relation.tainted)
    if constraint_named(relation, new) is not None:
        raise Refused("42710", f'constraint "{new}" for relation "{relation.name}" already exists')
    if found.inherited:
        raise Refused("42P16", f'cannot rename inherited constraint "{old}"')
    named = catalog.get(found.index) if found.index is not None and found.kind != "foreign key" else None
    if isinstance(named, IndexName):
        _refuse_taken(catalog, relation.schema, new)
        return _rename_index(catalog, named, new)
    for each in (relation, *children_of(catalog, relation)):
        constraints = tuple(replace(c, name=new) if c.name == old else c for c in each.constraints)
        catalog = remember_constraint(catalog.put(replace(each, constraints=constraints)), each.schema, new, each.oid)
    return catalog


def _rename_within(field: str, kind: str) -> Callable[[Catalog, Node, Context], Catalog]:
    """A trigger, policy or rule under a new name."""

    def handler(catalog: Catalog, node: Node, context: Context) -> Catalog:
        relation = relation_of(catalog, node["relation"])
        old, new = node["subname"], node["newname"]
        found = next((each for each in getattr(relation, field) if each.name == old), None)
        if found is None:
            raise Refused("42704", f'{kind} "{old}" for table "{relation.name}" does not exist', certain=not relation.tainted)
        if any(each.name == new for each in getattr(relation, field)):
            raise Refused("42710", f'{kind} "{new}" for relation "{relation.name}" already exists')
        changed = tuple(replace(each, name=new) if each is found else each for each in getattr(relation, field))
        catalog = catalog.put(replace(relation, **{field: changed}))
        for child in children_of(catalog, relation) if kind == "trigger" else ():
            clones = tuple(replace(t, name=new) if t.parent == found.oid else t for t in child.triggers)
            catalog = catalog.put(replace(child, triggers=clones))
        return catalog

    return handler


# -- functions, types, schemas


def _rename_function(catalog: Catalog, node: Node, context: Context) -> Catalog:
    function = function_of(catalog, node["object"]["ObjectWithArgs"], ROUTINES[node["renameType"]])
    if matching(catalog, function.schema, node["newname"], function.input_types) is not None:
        raise Refused("42723", f'function {node["newname"]} already exists in schema "{catalog.schema_name(function.schema)}"')
    return vanish(catalog.put(replace(function, name=node["newname"])), function)


def _type_of_node(catalog: Catalog, node: Node) -> UserType | Relation:
    item = node["object"]
    schema, name = list_name(item["List"]["items"] if "List" in item else item["TypeName"]["names"])
    found = catalog.find_type(schema, name, plain_path(catalog))
    if found is None:
        raise missing(catalog, "type", schema, name, "42704", "type")
    return found


def _rename_type(catalog: Catalog, node: Node, context: Context) -> Catalog:
    found = _type_of_node(catalog, node)
    new = node["newname"]
    if catalog.get(("type", found.schema, new)) is not None:
        raise Refused("42710", f'type "{new}" already exists')
    if isinstance(found, Relation) and found.kind is not RelationKind.COMPOSITE_TYPE:
        raise Refused("42809", f"{found.name} is a table's row type")
    return vanish(catalog.put(replace(found, name=new)), found)


def _rename_domain_constraint(catalog: Catalog, node: Node, context: Context) -> Catalog:
    found = _type_of_node(catalog, node)
    if not isinstance(found, UserType) or all(each.name != node["subname"] for each in found.checks):
        raise Refused("42704", f'constraint "{node["subname"]}" for domain {found.name} does not exist')
    checks = tuple(replace(c, name=node["newname"]) if c.name == node["subname"] else c for c in found.checks)
    return catalog.put(replace(found, checks=checks))


def _rename_schema(catalog: Catalog, node: Node, context: Context) -> Catalog:
    schema = catalog.schema_named(node["subname"])
    if schema is None:
        if catalog.get(("gone", "schema", node["subname"])):
            raise Refused("3F000", f'schema "{node["subname"]}" does not exist')
        raise NotModelled(f'schema "{node["subname"]}" is not made by any migration')
    if catalog.get(("schema", node["newname"])) is not None:
        raise Refused("42P06", f'schema "{node["newname"]}" already exists')
    return vanish(catalog.put(replace(schema, name=node["newname"])), schema)


RENAMES: dict[str, Callable[[Catalog, Node, Context], Catalog]] = {
    **dict.fromkeys(RELATIONS, _rename_relation),
    "OBJECT_COLUMN": _rename_column,
    "OBJECT_ATTRIBUTE": _rename_column,
    "OBJECT_TABCONSTRAINT": _rename_constraint,
    "OBJECT_TRIGGER": _rename_within("triggers", "trigger"),
    "OBJECT_POLICY": _rename_within("policies", "policy"),
    "OBJECT_RULE": _rename_within("rules", "rule"),
    **dict.fromkeys(ROUTINES, _rename_function),
    "OBJECT_TYPE": _rename_type,
    "OBJECT_DOMAIN": _rename_type,
    "OBJECT_DOMCONSTRAINT": _rename_domain_constraint,
    "OBJECT_SCHEMA": _rename_schema,
}


# -- SET SCHEMA


def set_schema(catalog: Catalog, node: Node, context: Context) -> Catalog:
    kind = node["objectType"]
    if kind in RELATIONS:
        found = _named_relation(catalog, node)
        if found is None:
            return catalog
        catalog, schema = existing_schema(catalog, node["newschema"], context)
        return _moved(catalog, found, schema) if isinstance(found, Relation) else catalog
    if kind in ROUTINES:
        function = function_of(catalog, node["object"]["ObjectWithArgs"], ROUTINES[kind])
        catalog, schema = existing_schema(catalog, node["newschema"], context)
        if matching(catalog, schema, function.name, function.input_types) is not None and schema != function.schema:
            raise Refused("42723", f'function {function.name} already exists in schema "{node["newschema"]}"')
        return vanish(catalog.put(replace(function, schema=schema)), function) if schema != function.schema else catalog
    if kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
        type_ = _type_of_node(catalog, node)
        catalog, schema = existing_schema(catalog, node["newschema"], context)
        if catalog.get(("type", schema, type_.name)) is not None and schema != type_.schema:
            raise Refused("42710", f'type "{type_.name}" already exists in schema "{node["newschema"]}"')
        return vanish(catalog.put(replace(type_, schema=schema)), type_) if schema != type_.schema else catalog
    from schemalint.replay.opaque import move_opaque

    return move_opaque(catalog, node, context)


def _moved(catalog: Catalog, relation: Relation, schema: int) -> Catalog:
    """A relation in another schema, with its indexes and the sequences that it owns."""
    if schema == relation.schema:
        return catalog
    if catalog.get(("relation", schema, relation.name)) is not None:
        raise Refused("42P07", f'relation "{relation.name}" already exists in schema "{catalog.schema_name(schema)}"')
    name = catalog.schema_name(schema)
    catalog = rewrite_users(catalog, relation, None, lambda tree, reference: _range_moved(tree, name))
    current = catalog.relation(relation.oid)
    assert current is not None
    catalog = vanish(catalog.put(replace(current, schema=schema)), relation)
    for each in relation.indexes:
        named = catalog.get(each.oid)
        if isinstance(named, IndexName):
            if catalog.get(("relation", schema, each.name)) is not None:
                raise Refused("42P07", f'relation "{each.name}" already exists in schema "{name}"')
            catalog = vanish(catalog.put(replace(named, schema=schema)), named)
    for constraint in relation.constraints:
        catalog = remember_constraint(catalog, schema, constraint.name, relation.oid)
    for sequence in owned_sequences(catalog, relation):
        catalog = _moved(catalog, sequence, schema)
    return catalog


def _range_moved(tree: Node, schema: str) -> Node:
    return {**tree, "schemaname": schema} if "relname" in tree else tree


# -- OWNER TO


def set_owner(catalog: Catalog, node: Node, context: Context) -> Catalog:
    kind = node["objectType"]
    owner = role_of(catalog, node["newowner"])
    if kind in ROUTINES:
        return with_owner(catalog, function_of(catalog, node["object"]["ObjectWithArgs"], ROUTINES[kind]), owner)
    if kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
        return with_owner(catalog, _type_of_node(catalog, node), owner)
    if kind == "OBJECT_SCHEMA":
        schema = catalog.schema_named(node["object"]["String"]["sval"])
        return catalog if schema is None else with_owner(catalog, schema, owner)
    return catalog
