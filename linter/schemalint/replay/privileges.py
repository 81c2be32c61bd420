"""GRANT, REVOKE and ALTER DEFAULT PRIVILEGES."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Function, Node, Privilege, Relation, RelationKind, Schema
from schemalint.catalog.type_names import strings
from schemalint.replay.context import Context, NotModelled, Refused
from schemalint.replay.functions import function_of
from schemalint.replay.names import relation_of, replace
from schemalint.replay.policies import role_names

ALL = {
    "tables": ("select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain"),
    "sequences": ("usage", "select", "update"),
    "functions": ("execute",),
    "schemas": ("create", "usage"),
    "types": ("usage",),
}
KINDS = {
    "OBJECT_TABLE": "tables", "OBJECT_SEQUENCE": "sequences", "OBJECT_FUNCTION": "functions", "OBJECT_PROCEDURE": "functions",
    "OBJECT_ROUTINE": "functions", "OBJECT_SCHEMA": "schemas", "OBJECT_TYPE": "types", "OBJECT_DOMAIN": "types",
}  # fmt: skip
ROUTINES = {"OBJECT_FUNCTION": "function", "OBJECT_PROCEDURE": "procedure", "OBJECT_ROUTINE": "routine"}
DEFAULTS = ("setting", "default_privileges")
EVERYONE = Privilege("public", "execute")


def grant(catalog: Catalog, node: Node, context: Context) -> Catalog:
    kind = KINDS.get(node["objtype"])
    if kind is None or kind == "types":
        return catalog
    roles = role_names(catalog, node.get("grantees"))
    for object_ in _objects(catalog, node, kind, context):
        current = catalog.get(object_.oid)
        word = "sequences" if isinstance(current, Relation) and current.kind is RelationKind.SEQUENCE else kind
        privileges = changed(current.privileges, node, word, roles, current)
        if privileges != current.privileges:
            catalog = catalog.put(replace(current, privileges=privileges))
            if not node.get("is_grant"):
                catalog = catalog.bind(("revoked", current.oid), True)
    return catalog


def _objects(catalog: Catalog, node: Node, kind: str, context: Context) -> list[Any]:
    """What the statement grants on; what no migration made is left out, with a remark."""
    if node.get("targtype") == "ACL_TARGET_ALL_IN_SCHEMA":
        return _all_in_schemas(catalog, strings(node["objects"]), node["objtype"])
    found: list[Any] = []
    for each in node["objects"]:
        try:
            found.append(_object(catalog, each, node, kind))
        except NotModelled as unknown:
            context.gap(unknown.reason)
    return found


def _object(catalog: Catalog, item: Node, node: Node, kind: str) -> Any:
    if kind in ("tables", "sequences"):
        return relation_of(catalog, item["RangeVar"])
    if kind == "functions":
        return function_of(catalog, item["ObjectWithArgs"], ROUTINES[node["objtype"]])
    name = item["String"]["sval"]
    schema = catalog.schema_named(name)
    if schema is None:
        if catalog.get(("gone", "schema", name)):
            raise Refused("3F000", f'schema "{name}" does not exist')
        raise NotModelled(f'schema "{name}" is not made by any migration')
    return schema


def _all_in_schemas(catalog: Catalog, names: list[str], kind: str) -> list[Any]:
    schemas = {catalog.get(("schema", each)) for each in names}
    if kind in ROUTINES:
        return [each for each in catalog.objects(Function) if each.schema in schemas]
    sequences = kind == "OBJECT_SEQUENCE"
    return [
        each
        for each in catalog.objects(Relation)
        if each.schema in schemas
        and (each.kind is RelationKind.SEQUENCE) == sequences
        and each.kind is not RelationKind.COMPOSITE_TYPE
    ]


def changed(
    privileges: tuple[Privilege, ...], node: Node, kind: str, roles: Iterable[str], object_: Relation | Function | Schema | None
) -> tuple[Privilege, ...]:
    """The privileges after a GRANT or REVOKE."""
    given = [each["AccessPriv"] for each in node.get("privileges") or ()]
    wanted: list[tuple[str, tuple[int, ...]]] = []
    for each in given or [{}]:
        names = (each["priv_name"],) if "priv_name" in each else ALL[kind]
        wanted.extend((name, column) for column in _columns(object_, each) for name in names)
    result = privileges
    for role in roles:
        for name, column in wanted:
            if node.get("is_grant"):
                result = _granted(result, Privilege(role, name, column, bool(node.get("grant_option"))))
            else:
                result = tuple(_revoked(result, role, name, column, bool(node.get("grant_option"))))
    return result


def _columns(object_: Any, given: Node) -> list[tuple[int, ...]]:
    """What a privilege is on: the whole, or columns one by one."""
    if "cols" not in given or not isinstance(object_, Relation):
        return [()]
    numbers: list[tuple[int, ...]] = []
    for name in strings(given["cols"]):
        column = object_.column(name)
        if column is None:
            if object_.tainted:
                continue
            raise Refused("42703", f'column "{name}" of relation "{object_.name}" does not exist')
        numbers.append((column.number,))
    return numbers


def _granted(privileges: tuple[Privilege, ...], new: Privilege) -> tuple[Privilege, ...]:
    """With one more; who could grant it on still can."""
    same = [each for each in privileges if (each.role, each.name, each.columns) == (new.role, new.name, new.columns)]
    if same and (same[0].grantable or not new.grantable):
        return privileges
    return (*(each for each in privileges if each not in same), new)


def _revoked(
    privileges: tuple[Privilege, ...], role: str, name: str, column: tuple[int, ...], option_only: bool
) -> Iterator[Privilege]:
    for each in privileges:
        # REVOKE on the table takes the columns' privileges too.
        if (each.role, each.name) != (role, name) or (column and each.columns != column):
            yield each
        elif option_only:
            yield replace(each, grantable=False)


# -- ALTER DEFAULT PRIVILEGES


def alter_default_privileges(catalog: Catalog, node: Node, context: Context) -> Catalog:
    """Kept as (schema name or None, role or None, kind, the GRANT's node, the roles), in order."""
    action = node["action"]
    kind = KINDS.get(action["objtype"])
    if kind is None:
        return catalog
    lists = {each["DefElem"]["defname"]: each["DefElem"]["arg"]["List"]["items"] for each in node.get("options") or ()}
    grantees = role_names(catalog, action.get("grantees"))
    makers: tuple[str | None, ...] = role_names(catalog, lists["roles"]) if "roles" in lists else (None,)
    schemas: list[str | None] = list(strings(lists["schemas"])) if "schemas" in lists else [None]
    entries = tuple((schema, maker, kind, action, grantees) for schema in schemas for maker in makers)
    return catalog.bind(DEFAULTS, (*(catalog.get(DEFAULTS) or ()), *entries))


def default_privileges(catalog: Catalog, kind: str, schema: int, owner: str | None) -> tuple[Privilege, ...]:
    """What is granted on a new object. What is said of a schema only adds to what is said of all (pg_default_acl)."""
    name = catalog.schema_name(schema)
    said: dict[str | None, tuple[Privilege, ...]] = {None: (EVERYONE,) if kind == "functions" else (), name: ()}
    for wanted, maker, each, action, grantees in catalog.get(DEFAULTS) or ():
        if each == kind and wanted in said and (maker is None or owner is None or maker == owner):
            said[wanted] = changed(said[wanted], action, kind, grantees, None)
    return reduce(_granted, said[name], said[None])
