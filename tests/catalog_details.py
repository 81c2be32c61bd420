"""The finer points of the modelled schema, in the words of tests/server_snapshots.py."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemalint.catalog.catalog import SYSTEM_SCHEMAS, Catalog
from schemalint.catalog.model import (
    ConstraintKind,
    Extension,
    Function,
    Index,
    Privilege,
    Publication,
    Relation,
    RelationKind,
    Schema,
    SequenceState,
    TypeKind,
    UserType,
)
from schemalint.catalog.type_printing import format_type
from schemalint.replay.sequences import bounds
from tests.server_snapshots import Snapshot

VIEWS = (RelationKind.VIEW, RelationKind.MATERIALIZED_VIEW)
WITH_COLLATIONS = (
    RelationKind.TABLE,
    RelationKind.PARTITIONED_TABLE,
    RelationKind.FOREIGN_TABLE,
    RelationKind.COMPOSITE_TYPE,
)
KEYS = (ConstraintKind.PRIMARY_KEY, ConstraintKind.UNIQUE, ConstraintKind.FOREIGN_KEY, ConstraintKind.EXCLUSION)
RULE_EVENTS = {"select": "1", "update": "2", "insert": "3", "delete": "4"}
ORDERINGS = {"": 0, "desc": 3, "nulls first": 2, "desc nulls last": 1, "nulls last": 0, "desc nulls first": 3}
MODES = {"in": "i", "out": "o", "inout": "b", "variadic": "v", "table": "t"}


def names(relation: Relation | None, numbers: Iterable[int]) -> list[str]:
    found = [relation.column_numbered(number) for number in numbers] if relation is not None else []
    return [column.name for column in found if column is not None]


def qualified(catalog: Catalog, relation: Relation) -> str:
    return f"{catalog.schema_name(relation.schema)}.{relation.name}"


# -- who owns what, and who may do what


def owner(name: str | None, user: str) -> list[str | None]:
    return [None if name in (None, "", user) else name]


def grants(privileges: Iterable[Privilege], owner: str | None, user: str, relation: Relation | None = None) -> list[list[str]]:
    """What others than the owner may do, column by column."""
    found = set()
    for each in privileges:
        role = each.role or user
        if role == (owner or user):
            continue
        for column in names(relation, each.columns) if each.columns else [""]:
            found.add((role, each.name, column, str(each.grantable).lower()))
    return [list(each) for each in sorted(found)]


def add_schemas(catalog: Catalog, user: str, found: Snapshot) -> None:
    for schema in catalog.objects(Schema):
        if schema.name in (*SYSTEM_SCHEMAS, "public", "pg_temp") or schema.assumed:
            continue
        found[f"owner of schema {schema.name}"] = owner(schema.owner, user)
        if granted := grants(schema.privileges, schema.owner, user):
            found[f"grants on schema {schema.name}"] = granted
    for extension in catalog.objects(Extension):
        found[f"extension {extension.name}"] = [catalog.schema_name(extension.schema)]


# -- relations


def add_relation(catalog: Catalog, relation: Relation, user: str, found: Snapshot) -> None:
    name = qualified(catalog, relation)
    found[f"owner of relation {name}"] = owner(relation.owner, user)
    granted = grants(relation.privileges, relation.owner, user, relation)
    for kind, wanted in (("relation", False), ("columns", True)):
        if part := [each for each in granted if bool(each[2]) == wanted]:
            found[f"grants on {kind} {name}"] = part
    if relation.sequence is not None:
        found[f"sequence's numbers {name}"] = numbers(relation.sequence)
    if index := relation.replica_identity.removeprefix("index ") if relation.replica_identity.startswith("index ") else "":
        found[f"replica identity {name}"] = [index]
    if relation.kind in WITH_COLLATIONS and (collated := [[c.name, c.collation] for c in relation.columns if c.collation]):
        found[f"collations {name}"] = [collated]
    if inherited := sorted(each.name for each in relation.columns if each.inherited):
        found[f"inherited {name}"] = [inherited]
    if inherited := sorted(each.name for each in relation.constraints if each.inherited):
        found[f"inherited constraints {name}"] = [inherited]
    if relation.kind in VIEWS:
        _view(catalog, relation, name, found)
    _parts(catalog, relation, name, found)


def _parts(catalog: Catalog, relation: Relation, name: str, found: Snapshot) -> None:
    indexes = {each.oid: each.name for each in relation.indexes}
    for key in relation.constraints:
        if key.kind in KEYS:
            target = catalog.relation(key.references)
            index = indexes.get(key.index or 0) or (index_of(target, key.index) if target is not None else None)
            found[f"key {name} {key.name}"] = [
                index, names(relation, key.columns), names(target, key.referenced_columns),
                sorted(names(relation, key.delete_columns)), key.match_full,
            ]  # fmt: skip
    for index in relation.indexes:
        found[f"ordering {catalog.schema_name(relation.schema)}.{index.name}"] = ordering(index)
    for trigger in relation.triggers:
        arguments = "".join(f"{each}\\000" for each in trigger.arguments)
        function = catalog.function(trigger.function)
        schema = catalog.schema_name(function.schema) if function is not None else "?"
        found[f"trigger's arguments {name} {trigger.name}"] = [arguments, trigger.parent is not None, schema]
    for policy in relation.policies:
        found[f"policy's roles {name} {policy.name}"] = [sorted(policy.roles)]
    for rule in relation.rules:
        found[f"rule {name} {rule.name}"] = [RULE_EVENTS[rule.event], rule.instead, rule.enabled]


def index_of(relation: Relation, oid: int | None) -> str | None:
    return next((each.name for each in relation.indexes if each.oid == oid), None)


def ordering(index: Index) -> list[Any]:
    options = [ORDERINGS[each] for each in index.orderings] or [0] * len(index.columns)
    return [index.valid, index.immediate, len(index.columns), options]


def numbers(state: SequenceState) -> list[Any]:
    return [state.start, state.increment, *bounds(state), state.cycle, state.cache]


def _view(catalog: Catalog, relation: Relation, name: str, found: Snapshot) -> None:
    query = relation.query
    assert query is not None
    if relation.kind is RelationKind.VIEW:
        found[f"view's options {name}"] = [query.security_invoker, query.check_option]
    read = [each for oid in {each.oid for each in query.references} if (each := catalog.relation(oid)) is not None]
    shown = sorted(qualified(catalog, each) for each in read if each.kind is not RelationKind.COMPOSITE_TYPE)
    found[f"view reads {name}"] = [shown if query.resolved else "?"]


# -- the rest


def add_function(catalog: Catalog, function: Function, signature: str, user: str, found: Snapshot) -> None:
    found[f"owner of function {signature}"] = owner(function.owner, user)
    if granted := grants(function.privileges, function.owner, user):
        found[f"grants on function {signature}"] = granted
    if function.kind == "aggregate":
        return
    arguments = function.arguments
    named = any(each.name for each in arguments)
    found[f"arguments {signature}"] = [
        [MODES[each.mode] for each in arguments],
        ["character" if each.type.id == "bpchar" else format_type(type(each.type)(each.type.id), catalog) for each in arguments],
        [each.name or "" for each in arguments] if named else [],
        sum(each.default is not None for each in arguments),
    ]
    if function.atomic is None:
        found[f"body {signature}"] = [function.body.text if function.body is not None else "?"]


def add_type(catalog: Catalog, type_: UserType, name: str, user: str, found: Snapshot) -> None:
    if type_.kind is TypeKind.BASE:
        return
    found[f"owner of type {name}"] = owner(type_.owner, user)
    if type_.kind is TypeKind.RANGE:
        found[f"range {name}"] = [format_type(type_.base, catalog) if type_.base is not None else "?"]
    for each in type_.checks:
        found[f"domain's check {name} {each.name}"] = [each.validated]


def add_publications(catalog: Catalog, found: Snapshot) -> None:
    for publication in catalog.objects(Publication):
        operations = [each in publication.operations for each in ("insert", "update", "delete", "truncate")]
        schemas = sorted(map(catalog.schema_name, publication.schemas))
        found[f"publication {publication.name}"] = [publication.all_tables, operations, publication.via_root, schemas]
        for each in publication.tables:
            relation = catalog.relation(each.relation)
            name = qualified(catalog, relation) if relation is not None else "?"
            columns = sorted(names(relation, each.columns))
            found[f"published {publication.name} {name}"] = [columns, each.where is not None]
