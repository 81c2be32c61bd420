"""What depends on what, as pg_depend has it, and what a DROP takes along.

A part is ("relation" | "column" | "default" | "constraint" | "index" | "trigger" | "policy" | "rule" | "function" | "type" |
"opaque" | "publication" | "schema", oid of the object it belongs to, its own oid or number within that).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import (
    ConstraintKind,
    Expression,
    Function,
    IndexName,
    Opaque,
    Publication,
    Relation,
    RelationKind,
    Type,
    UserType,
)
from schemalint.replay.context import Refused
from schemalint.replay.names import replace, vanish

Part = tuple[str, int, int]


class Needed(NamedTuple):
    """What a part refers to; `automatic` where it goes with it unasked."""

    oid: int
    column: int = 0
    automatic: bool = False


def _of_type(type_: Type) -> list[Needed]:
    return [Needed(abs(type_.id))] if isinstance(type_.id, int) else []


def _of_expression(expression: Expression | None, own: int, automatic: bool) -> list[Needed]:
    if expression is None:
        return []
    return [
        *(Needed(each) for each in expression.functions),
        *(Needed(each.oid, each.column) for each in expression.references),
        *(Needed(own, each, automatic) for each in expression.columns),
    ]


def _parts_of_relation(relation: Relation) -> Iterator[tuple[Part, list[Needed]]]:
    oid = relation.oid
    yield ("relation", oid, 0), _needed_by_relation(relation)
    for column in relation.columns:
        part: Part = ("column", oid, column.number)
        needed = _of_type(column.type)
        if column.generated:
            needed += _of_expression(column.default, oid, automatic=False)
        elif column.default is not None:
            yield ("default", oid, column.number), _of_expression(column.default, oid, automatic=False)
        if needed:
            yield part, needed
    included = {each.oid: each.included for each in relation.indexes if each.included}
    for constraint in relation.constraints:
        needed = [Needed(oid, each, True) for each in (*constraint.columns, *included.get(constraint.index or 0, ()))]
        needed += _of_expression(constraint.expression, oid, automatic=True)
        if constraint.kind is ConstraintKind.FOREIGN_KEY and constraint.references is not None:
            needed += [Needed(constraint.references, each) for each in constraint.referenced_columns]
            needed += [Needed(constraint.references), *([Needed(constraint.index)] if constraint.index else [])]
        if constraint.parent is not None:
            needed.append(Needed(constraint.parent, 0, True))
        yield ("constraint", oid, constraint.oid), needed
    yield from _smaller_parts(relation)


def _smaller_parts(relation: Relation) -> Iterator[tuple[Part, list[Needed]]]:
    oid = relation.oid
    behind = {each.index for each in relation.constraints if each.kind is not ConstraintKind.FOREIGN_KEY}
    for index in relation.indexes:
        if index.oid in behind:
            continue
        needed = [Needed(oid, each, True) for each in (*index.columns, *index.included) if each]
        for expression in (*index.expressions, index.predicate):
            needed += _of_expression(expression, oid, automatic=True)
        yield ("index", oid, index.oid), [*needed, *([Needed(index.parent, 0, True)] if index.parent else [])]
    for trigger in relation.triggers:
        needed = [Needed(trigger.function), *(Needed(oid, each) for each in trigger.columns)]
        needed += _of_expression(trigger.when, oid, automatic=False)
        yield ("trigger", oid, trigger.oid), [*needed, *([Needed(trigger.parent, 0, True)] if trigger.parent else [])]
    for policy in relation.policies:
        using, check = (_of_expression(each, oid, automatic=False) for each in (policy.using, policy.check))
        yield ("policy", oid, policy.oid), using + check
    for rule in relation.rules:
        yield ("rule", oid, rule.oid), [Needed(each.oid, each.column) for each in rule.references]


def _needed_by_relation(relation: Relation) -> list[Needed]:
    needed = [Needed(each) for each in relation.parents]
    if relation.partition_of is not None:
        needed.append(Needed(relation.partition_of, 0, True))
    if relation.of_type is not None:
        needed.append(Needed(relation.of_type))
    if relation.query is not None:
        needed += [Needed(each.oid, each.column) for each in relation.query.references]
    owned = relation.sequence
    if owned is not None and owned.owner_table is not None:
        needed.append(Needed(owned.owner_table, owned.owner_column, True))
    return needed


def _parts_of_function(function: Function) -> Iterator[tuple[Part, list[Needed]]]:
    needed = [need for each in function.arguments for need in (*_of_type(each.type), *_of_expression(each.default, 0, False))]
    needed += _of_type(function.result)
    needed += [Needed(each.oid, each.column) for each in function.references]
    yield ("function", function.oid, 0), needed


def _parts_of_type(type_: UserType) -> Iterator[tuple[Part, list[Needed]]]:
    yield ("type", type_.oid, 0), _of_type(type_.base) if type_.base is not None else []
    for each in type_.checks:
        yield ("constraint", type_.oid, each.oid), _of_expression(each.expression, 0, automatic=False)
    if type_.default is not None:
        yield ("default", type_.oid, 0), _of_expression(type_.default, 0, automatic=False)


def _parts_of_opaque(opaque: Opaque) -> Iterator[tuple[Part, list[Needed]]]:
    yield ("opaque", opaque.oid, 0), [Needed(each.oid, each.column) for each in opaque.references]


def _parts_of_publication(publication: Publication) -> Iterator[tuple[Part, list[Needed]]]:
    for each in publication.tables:
        part: Part = ("publication", publication.oid, each.relation)
        yield part, [Needed(each.relation, 0, True), *(Needed(each.relation, number) for number in each.columns)]


PARTS: dict[type, Callable[[Any], Iterator[tuple[Part, list[Needed]]]]] = {
    Relation: _parts_of_relation,
    Function: _parts_of_function,
    UserType: _parts_of_type,
    Opaque: _parts_of_opaque,
    Publication: _parts_of_publication,
}


def dependents(catalog: Catalog, part: Part) -> Iterator[tuple[Part, bool]]:
    """The parts that refer to this one, and whether they go with it unasked."""
    kind, oid, _ = part
    if kind == "schema":
        for each in _in_schema(catalog, oid):
            yield each, False
        return
    target, column = _target_of(catalog, part)
    holders = {oid, *(catalog.users(oid))}
    for holder in sorted(holders):
        object_ = catalog.get(holder)
        parts = PARTS.get(type(object_))
        for each, needed in parts(object_) if parts is not None else ():
            if each == part or (kind == "relation" and each[1] == oid):
                continue
            hits = [need for need in needed if need.oid in target and (not column or need.column == column)]
            if hits:
                # A foreign key of a table to itself has its column in both ways.
                yield each, (any if column else all)(need.automatic for need in hits)


def _target_of(catalog: Catalog, part: Part) -> tuple[set[int], int]:
    """The oids that stand for the part in what others need, and the column that counts, or 0."""
    kind, oid, inner = part
    if kind == "column":
        return {oid}, inner
    if kind == "constraint":
        relation = catalog.relation(oid)
        found = next((c for c in relation.constraints if c.oid == inner), None) if relation is not None else None
        if found is not None and found.index is not None and found.kind is not ConstraintKind.FOREIGN_KEY:
            return {inner, found.index}, 0
        return {inner}, 0
    if kind in ("index", "trigger", "policy", "rule"):
        return {inner}, 0
    return ({oid} if kind in ("relation", "function", "type", "opaque") else set()), 0


def _in_schema(catalog: Catalog, schema: int) -> list[Part]:
    kinds: tuple[tuple[type[Any], str], ...] = (
        (Relation, "relation"),
        (Function, "function"),
        (UserType, "type"),
        (Opaque, "opaque"),
    )
    found = [(word, each.oid, 0) for kind, word in kinds for each in catalog.objects(kind) if each.schema == schema]
    return sorted(found, key=lambda part: part[1])


# -- dropping


def drop(catalog: Catalog, parts: Iterable[Part], cascade: bool, what: str | None = None) -> Catalog:
    """Without these parts and all that goes with them; a refusal where others depend on them and CASCADE is not said."""
    targets = list(parts)
    going: dict[Part, None] = dict.fromkeys(targets)
    queue = list(targets)
    automatic = set(targets)
    blocked: list[tuple[Part, Part]] = []
    while queue:
        part = queue.pop(0)
        for each, unasked in dependents(catalog, part):
            if unasked:
                automatic.add(each)
            else:
                blocked.append((each, part))
            if each not in going:
                going[each] = None
                queue.append(each)
    wholes = {(kind, oid) for kind, oid, _ in going if kind in ("relation", "type", "function")}
    columns = {(oid, inner) for kind, oid, inner in going if kind == "column"}
    left = [
        (part, cause)
        for part, cause in blocked
        if part not in automatic and not (part[0] not in ("relation", "type", "function") and ("relation", part[1]) in wholes)
        and not (part[0] == "default" and (part[1], part[2]) in columns and cause[0] != "column")
    ]  # fmt: skip
    if left and not cascade:
        subject = what or describe(catalog, targets[0])
        detail = "\n".join(f"{describe(catalog, part)} depends on {describe(catalog, cause)}" for part, cause in left)
        raise Refused("2BP01", f"cannot drop {subject} because other objects depend on it", detail=detail)
    return removed(catalog, going)


def removed(catalog: Catalog, parts: Iterable[Part]) -> Catalog:
    """The catalog without the parts; what refers to them is the caller's business."""
    ordered = sorted(parts, key=lambda part: ORDER.index(part[0]))
    for part in ordered:
        remove = REMOVERS[part[0]]
        if catalog.get(part[1]) is not None:
            catalog = remove(catalog, part[1], part[2])
    return catalog


def _remove_relation(catalog: Catalog, oid: int, inner: int) -> Catalog:
    relation = catalog.relation(oid)
    assert relation is not None
    for each in relation.indexes:
        named = catalog.get(each.oid)
        if isinstance(named, IndexName):
            catalog = vanish(catalog.remove(each.oid), named)
    if relation.partition_of is not None:
        fewer = ("fewer partitions", relation.partition_of)
        catalog = catalog.bind(fewer, (catalog.get(fewer) or 0) + 1)
    return vanish(catalog.remove(oid), relation)


def _remove_column(catalog: Catalog, oid: int, number: int) -> Catalog:
    return _without(catalog, oid, "columns", lambda each: each.number == number)


def _without(catalog: Catalog, oid: int, field: str, gone: Callable[[Any], bool]) -> Catalog:
    object_ = catalog.get(oid)
    if not hasattr(object_, field):
        return catalog
    kept = tuple(each for each in getattr(object_, field) if not gone(each))
    return catalog.put(replace(object_, **{field: kept}))


def _remove_constraint(catalog: Catalog, oid: int, inner: int) -> Catalog:
    relation = catalog.relation(oid)
    if relation is None:
        return _without(catalog, oid, "checks", lambda each: each.oid == inner)
    found = next((each for each in relation.constraints if each.oid == inner), None)
    if found is None:
        return catalog
    catalog = _without(catalog, oid, "constraints", lambda each: each.oid == inner)
    if found.index is not None and found.kind is not ConstraintKind.FOREIGN_KEY:
        catalog = _remove_index(catalog, oid, found.index)
    if found.kind is ConstraintKind.NOT_NULL:
        catalog = _nullable(catalog, oid, found.columns[0])
    return catalog


def _nullable(catalog: Catalog, oid: int, number: int) -> Catalog:
    relation = catalog.relation(oid)
    assert relation is not None
    columns = tuple(replace(each, not_null=False) if each.number == number else each for each in relation.columns)
    return catalog.put(replace(relation, columns=columns))


def _remove_index(catalog: Catalog, oid: int, inner: int) -> Catalog:
    named = catalog.get(inner)
    catalog = _without(catalog, oid, "indexes", lambda each: each.oid == inner)
    if not isinstance(named, IndexName):
        return catalog
    relation = catalog.relation(oid)
    if relation is not None and relation.replica_identity == f"index {named.name}":
        catalog = catalog.put(replace(relation, replica_identity="index "))  # which identifies nothing, and says so
    return vanish(catalog.remove(inner), named)


def _remove_schema(catalog: Catalog, oid: int, inner: int) -> Catalog:
    for each in catalog.get(("broad publications",)) or ():
        catalog = _without(catalog, each, "schemas", lambda schema: schema == oid)
    return _remove_whole(catalog, oid, inner)


def _remove_default(catalog: Catalog, oid: int, number: int) -> Catalog:
    object_ = catalog.get(oid)
    if isinstance(object_, UserType):
        return catalog.put(replace(object_, default=None))
    columns = tuple(replace(each, default=None) if each.number == number else each for each in object_.columns)
    return catalog.put(replace(object_, columns=columns))


def _remove_whole(catalog: Catalog, oid: int, inner: int) -> Catalog:
    object_ = catalog.get(oid)
    return vanish(catalog.remove(oid), object_)


ORDER = ("default", "trigger", "policy", "rule", "constraint", "index", "column", "publication", "relation", "function", "type",
         "opaque", "schema")  # fmt: skip
REMOVERS: dict[str, Callable[[Catalog, int, int], Catalog]] = {
    "relation": _remove_relation,
    "column": _remove_column,
    "default": _remove_default,
    "constraint": _remove_constraint,
    "index": _remove_index,
    "trigger": lambda catalog, oid, inner: _without(catalog, oid, "triggers", lambda each: each.oid == inner),
    "policy": lambda catalog, oid, inner: _without(catalog, oid, "policies", lambda each: each.oid == inner),
    "rule": lambda catalog, oid, inner: _without(catalog, oid, "rules", lambda each: each.oid == inner),
    "publication": lambda catalog, oid, inner: _without(catalog, oid, "tables", lambda each: each.relation == inner),
    "function": _remove_whole,
    "type": _remove_whole,
    "opaque": _remove_whole,
    "schema": _remove_schema,
}


# -- words


NOUNS = {
    RelationKind.PARTITIONED_TABLE: "table",
    RelationKind.COMPOSITE_TYPE: "type",
}


def noun(relation: Relation) -> str:
    return NOUNS.get(relation.kind, relation.kind.value)


def describe(catalog: Catalog, part: Part) -> str:
    """A part as PostgreSQL names it in its messages."""
    kind, oid, inner = part
    object_ = catalog.get(oid)
    if object_ is None:
        return kind
    if isinstance(object_, Relation):
        whole = f"{noun(object_)} {object_.name}"
        if kind in ("relation", "publication"):
            return whole
        name = _inner_name(object_, kind, inner)
        if kind == "default":
            return f"default value for column {name} of {whole}"
        if kind == "index":
            return f"index {name}"
        return f"{kind} {name} {'of' if kind == 'column' else 'on'} {whole}"
    if isinstance(object_, Function):
        return f"function {object_.name}({', '.join(type_word(catalog, each) for each in object_.input_types)})"
    return f"{kind} {object_.name}"


def _inner_name(relation: Relation, kind: str, inner: int) -> str:
    if kind in ("column", "default"):
        column = relation.column_numbered(inner)
        return column.name if column is not None else "?"
    fields = {"constraint": "constraints", "index": "indexes", "trigger": "triggers", "policy": "policies", "rule": "rules"}
    return next((each.name for each in getattr(relation, fields[kind]) if each.oid == inner), "?")


def type_word(catalog: Catalog, type_: Type) -> str:
    if isinstance(type_.id, int):
        found = catalog.get(abs(type_.id))
        return f"{found.name if found is not None else '?'}{'[]' if type_.id < 0 else ''}"
    from schemalint.catalog.facts import type_named

    fact = type_named(type_.id)
    return fact.display if fact is not None else type_.id
