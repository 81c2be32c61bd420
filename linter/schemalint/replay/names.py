"""From names to objects, and the names that PostgreSQL makes up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from schemalint.catalog.catalog import SYSTEM_SCHEMAS, Catalog, names_of
from schemalint.catalog.model import IndexName, Node, Relation, Schema, Type
from schemalint.catalog.type_names import strings, type_of
from schemalint.replay.context import Context, NotModelled, Refused

LONGEST = 63  # bytes: NAMEDATALEN - 1
TEMPORARY = "pg_temp"

replace = msgspec.structs.replace


def plain_path(catalog: Catalog) -> tuple[str, ...]:
    """The search path as lookups go along it: temporary objects first, $user in place."""
    path = catalog.search_path
    if "$user" in path:
        role = catalog.get(("setting", "role"))
        path = tuple(role if each == "$user" else each for each in path if each != "$user" or role)
    if catalog.get(("schema", TEMPORARY)) is not None and TEMPORARY not in path:
        return (TEMPORARY, *path)
    return path


def owner_now(catalog: Catalog) -> str | None:
    """The role that what is made now will belong to; None for the one that runs the migrations."""
    role = catalog.get(("setting", "role"))
    return role if isinstance(role, str) and role != catalog.get(("setting", "migrating_role")) else None


# -- schemas


def temporary_schema(catalog: Catalog) -> tuple[Catalog, int]:
    found = catalog.get(("schema", TEMPORARY))
    if found is not None:
        return catalog, found
    catalog, oid = catalog.new_oid()
    return catalog.put(Schema(oid=oid, name=TEMPORARY)), oid


def schema_for(catalog: Catalog, schema: str | None, context: Context) -> tuple[Catalog, int]:
    """The schema in which a new object goes: the one named, or the first of the path that exists."""
    if schema == TEMPORARY:
        return temporary_schema(catalog)
    if schema is not None:
        return existing_schema(catalog, schema, context)
    for name in plain_path(catalog):
        if name != TEMPORARY and (oid := catalog.get(("schema", name))) is not None:
            return catalog, oid
    for name in catalog.search_path:
        if name != "$user" and not catalog.get(("gone", "schema", name)):
            return existing_schema(catalog, name, context)
    raise Refused("3F000", "no schema has been selected to create in")


def existing_schema(catalog: Catalog, name: str, context: Context) -> tuple[Catalog, int]:
    """A schema by name. One that no migration made is taken for the platform's own."""
    oid = catalog.get(("schema", name))
    if oid is not None:
        return catalog, oid
    if catalog.get(("gone", "schema", name)):
        raise Refused("3F000", f'schema "{name}" does not exist')
    context.gap(f'schema "{name}" is not made by any migration')
    catalog, oid = catalog.new_oid()
    return catalog.put(Schema(oid=oid, name=name, assumed=True)), oid


# -- objects


def gone(catalog: Catalog, kind: str, schema: str | None, name: str) -> bool:
    """Whether the history had such an object and has it no more."""
    for each in (schema,) if schema is not None else catalog.search_path:
        oid = catalog.get(("schema", each))
        if oid is not None and catalog.get(("gone", kind, oid, name)):
            return True
    return False


def certainly_missing(catalog: Catalog, kind: str, schema: str | None, name: str) -> bool:
    """Whether nothing but a migration can have made such an object: it is gone, or its schema is the history's own."""
    if catalog.get(("unmodelled", name)):
        return False
    if gone(catalog, kind, schema, name):
        return True
    if schema is None or schema in SYSTEM_SCHEMAS:
        return False
    found = catalog.schema_named(schema)
    return found is not None and found.own and not found.assumed


def shown(schema: str | None, name: str) -> str:
    return f"{schema}.{name}" if schema else name


def missing(catalog: Catalog, kind: str, schema: str | None, name: str, sqlstate: str, noun: str) -> Exception:
    """What stops a statement whose object is not there: a refusal, or that no migration is known to have made it."""
    if schema is not None and catalog.get(("schema", schema)) is None and catalog.get(("gone", "schema", schema)):
        return Refused("3F000", f'schema "{schema}" does not exist')
    if certainly_missing(catalog, kind, schema, name):
        return Refused(sqlstate, f'{noun} "{shown(schema, name)}" does not exist')
    return NotModelled(f'{noun} "{shown(schema, name)}" is not made by any migration', name)


def range_name(node: Node) -> tuple[str | None, str]:
    """Schema and name of a RangeVar."""
    return node.get("schemaname"), node["relname"]


def list_name(names: list[Any] | None) -> tuple[str | None, str]:
    """Schema and name of a list of strings."""
    parts = strings(names)
    return (parts[-2] if len(parts) > 1 else None), parts[-1]


def find_named(catalog: Catalog, schema: str | None, name: str) -> Relation | IndexName | None:
    found = catalog.get(oid) if (oid := catalog.named("relation", schema, name, plain_path(catalog))) is not None else None
    return found if isinstance(found, Relation | IndexName) else None


def find_relation(catalog: Catalog, node: Node) -> Relation | None:
    found = find_named(catalog, *range_name(node))
    return found if isinstance(found, Relation) else None


def relation_of(catalog: Catalog, node: Node) -> Relation:
    """The relation that a RangeVar means."""
    found = find_relation(catalog, node)
    if found is None:
        raise missing(catalog, "relation", *range_name(node), "42P01", "relation")
    return found


def type_named(catalog: Catalog, node: Node, context: Context) -> Type:
    """The type that a TypeName means; UNKNOWN, with a remark, where no migration made it."""
    names = node.get("names")
    found = type_of(node, catalog, plain_path(catalog))
    if found.id == "?" and names:
        schema, name = list_name(names)
        if not node.get("pct_type") and certainly_missing(catalog, "type", schema, name):
            raise Refused("42704", f'type "{shown(schema, name)}" does not exist', context.here(node))
        context.gap(f'type "{shown(schema, name)}" is not made by any migration', node)
    return found


def vanish(catalog: Catalog, object_: Any) -> Catalog:
    """Leaves marks that there was an object of these names."""
    for key in names_of(object_):
        catalog = catalog.bind(("gone", *key), True) if isinstance(key, tuple) else catalog
    return catalog


def use_all(catalog: Catalog, user: int, used: Iterable[int]) -> Catalog:
    for each in used:
        if each != user:
            catalog = catalog.use(user, each)
    return catalog


def use_type(catalog: Catalog, user: int, type_: Type) -> Catalog:
    return catalog.use(user, abs(type_.id)) if isinstance(type_.id, int) else catalog


# -- names that PostgreSQL makes up


def clipped(name: str, length: int) -> str:
    """At most so many bytes of a name, in whole characters."""
    data = name.encode("utf-8", "surrogatepass")
    return name if len(data) <= length else data[:length].decode("utf-8", "ignore")


def object_name(first: str, second: str | None, label: str) -> str:
    """makeObjectName: both names shortened evenly until all of it fits."""
    room = LONGEST - len(label) - 1 - (1 if second is not None else 0)
    one, two = len(first.encode()), len((second or "").encode())
    while one + two > room:
        if one > two:
            one -= 1
        else:
            two -= 1
    parts = [clipped(first, one)]
    if second is not None:
        parts.append(clipped(second, two))
    return "_".join((*parts, label))


def numbered(first: str, second: str | None, label: str, taken: Callable[[str], bool]) -> str:
    name = object_name(first, second, label)
    number = 0
    while taken(name):
        number += 1
        name = object_name(first, second, f"{label}{number}")
    return name


def relation_name(catalog: Catalog, schema: int, first: str, second: str | None, label: str, constraint: bool = False) -> str:
    """ChooseRelationName"""

    def taken(name: str) -> bool:
        return catalog.get(("relation", schema, name)) is not None or (constraint and constraint_exists(catalog, schema, name))

    return numbered(first, second, label, taken)


def constraint_name(catalog: Catalog, schema: int, first: str, second: str | None, label: str, others: Iterable[str] = ()) -> str:
    """ChooseConstraintName"""
    return numbered(first, second, label, lambda name: name in others or constraint_exists(catalog, schema, name))


def constraint_exists(catalog: Catalog, schema: int, name: str) -> bool:
    for oid in catalog.get(("constraint", schema, name)) or ():
        relation = catalog.relation(oid)
        if relation is not None and relation.schema == schema and any(each.name == name for each in relation.constraints):
            return True
        domain = catalog.user_type(oid)
        if domain is not None and domain.schema == schema and any(each.name == name for each in domain.checks):
            return True
    return False


def remember_constraint(catalog: Catalog, schema: int, name: str, oid: int) -> Catalog:
    key = ("constraint", schema, name)
    known = catalog.get(key) or ()
    return catalog if oid in known else catalog.bind(key, (*known, oid))


def columns_addition(names: Iterable[str]) -> str:
    """ChooseIndexNameAddition: the columns' names, as many as can matter."""
    joined = ""
    for name in names:
        joined += ("_" if joined else "") + name
        if len(joined.encode()) >= LONGEST + 1:
            break
    return clipped(joined, LONGEST)
