"""CREATE TRIGGER, and the states in which ALTER TABLE puts triggers."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Expression, Function, Node, Relation, RelationKind, Trigger, Type
from schemalint.catalog.type_names import strings
from schemalint.replay.columns import column_named, used_by
from schemalint.replay.context import Context, Refused
from schemalint.replay.inheritance import partitions_of
from schemalint.replay.names import certainly_missing, list_name, plain_path, relation_of, replace, shown, use_all
from schemalint.replay.reading import expression_in, table_of

EVENTS = ((4, "insert"), (8, "delete"), (16, "update"), (32, "truncate"))
TIMINGS = {2: "before", 64: "instead of"}
TABLES = (RelationKind.TABLE, RelationKind.PARTITIONED_TABLE, RelationKind.FOREIGN_TABLE)
TRIGGER = Type("trigger")


def create_trigger(catalog: Catalog, node: Node, context: Context) -> Catalog:
    relation = relation_of(catalog, node["relation"])
    name = node["trigname"]
    existing = next((each for each in relation.triggers if each.name == name), None)
    if existing is not None and not node.get("replace"):
        raise Refused("42710", f'trigger "{name}" for relation "{relation.name}" already exists')
    timing = TIMINGS.get(node.get("timing", 0), "after")
    level = "row" if node.get("row") else "statement"
    _check_kind(relation, timing, level)
    catalog, function = trigger_function(catalog, node, context)
    columns = tuple([column_named(relation, each).number for each in strings(node.get("columns"))])
    catalog, when = _when(catalog, relation, node, context)
    if existing is None:
        catalog, oid = catalog.new_oid()
    else:
        oid = existing.oid
    names = {
        bool(each["TriggerTransition"].get("isNew")): each["TriggerTransition"]["name"]
        for each in node.get("transitionRels") or ()
    }
    events = frozenset([event for bit, event in EVENTS if node.get("events", 0) & bit])
    if names:
        _check_transition_tables(names, timing, level, events, bool(columns), relation)
    trigger = Trigger(
        oid=oid, name=name, relation=relation.oid, function=function.oid, timing=timing, events=events, level=level,
        columns=columns,
        when=when,
        arguments=tuple(strings(node.get("args"))),
        constraint=bool(node.get("isconstraint")), deferrable=bool(node.get("deferrable")),
        initially_deferred=bool(node.get("initdeferred")), old_table=names.get(False), new_table=names.get(True),
        span=context.span,
    )  # fmt: skip
    kept = tuple([each for each in relation.triggers if each is not existing])
    catalog = catalog.put(replace(relation, triggers=(*kept, trigger))).use(relation.oid, function.oid)
    if relation.kind is RelationKind.PARTITIONED_TABLE and level == "row":
        for partition in partitions_of(catalog, relation):
            catalog = clone_trigger(catalog, relation, partition, trigger)
    return catalog


def _check_kind(relation: Relation, timing: str, level: str) -> None:
    if relation.kind in TABLES:
        if timing == "instead of":
            raise Refused("42809", f'"{relation.name}" is a table', detail="Tables cannot have INSTEAD OF triggers.")
    elif relation.kind is RelationKind.VIEW:
        if timing != "instead of" and level == "row":
            raise Refused("42809", f'"{relation.name}" is a view', detail="Views cannot have row-level BEFORE or AFTER triggers.")
    else:
        raise Refused("42809", f'relation "{relation.name}" cannot have triggers')


def _check_transition_tables(
    names: dict[bool, str], timing: str, level: str, events: frozenset[str], listed: bool, relation: Relation
) -> None:
    """REFERENCING, as CreateTriggerFiringOn checks it."""
    if timing != "after":
        raise Refused("42P17", "transition table name can only be specified for an AFTER trigger")
    if level == "row" and relation.kind is RelationKind.PARTITIONED_TABLE:
        raise Refused("0A000", f'"{relation.name}" is a partitioned table')
    if "truncate" in events:
        raise Refused("0A000", "TRUNCATE triggers with transition tables are not supported")
    if len(events) > 1:
        raise Refused("0A000", "transition tables cannot be specified for triggers with more than one event")
    if listed:
        raise Refused("0A000", "transition tables cannot be specified for triggers with column lists")
    if True in names and events == {"delete"}:
        raise Refused("42P17", "NEW TABLE can only be specified for an INSERT or UPDATE trigger")
    if False in names and events == {"insert"}:
        raise Refused("42P17", "OLD TABLE can only be specified for a DELETE or UPDATE trigger")


def trigger_function(catalog: Catalog, node: Node, context: Context) -> tuple[Catalog, Function]:
    schema, name = list_name(node["funcname"])
    found = catalog.find_functions(schema, name, plain_path(catalog))
    for each in found:
        if not each.input_types:
            if each.result != TRIGGER and not each.tainted:
                raise Refused("42P17", f"function {name} must return type trigger")
            return catalog, each
    if found or certainly_missing(catalog, "function", schema, name):
        raise Refused("42883", f"function {shown(schema, name)}() does not exist")
    return assumed_function(catalog, schema, name, context)


def assumed_function(catalog: Catalog, schema: str | None, name: str, context: Context) -> tuple[Catalog, Function]:
    """A stand-in for a trigger function that is PostgreSQL's own, an extension's or the platform's."""
    from schemalint.catalog.facts import functions_named

    home = catalog.get(("schema", "pg_catalog"))
    key = ("function", home, f"{shown(schema, name)}()")
    for oid in catalog.get(key) or ():
        known = catalog.function(oid)
        if known is not None:
            return catalog, known
    if not functions_named(name):
        context.gap(f"function {shown(schema, name)}() is not made by any migration")
    catalog, oid = catalog.new_oid()
    # Under a name that nothing can spell, so that it never answers a lookup.
    function = Function(oid, home, f"{shown(schema, name)}()", result=TRIGGER, language="internal", tainted=True)
    return catalog.put(function), function


def _when(catalog: Catalog, relation: Relation, node: Node, context: Context) -> tuple[Catalog, Expression | None]:
    if "whenClause" not in node:
        return catalog, None
    tables = tuple(table_of(relation, catalog, each)._replace(schema=None) for each in ("old", "new"))
    expression, reader = expression_in(catalog, node["whenClause"], context.span, tables, relation.oid)
    if reader.missing and not relation.tainted:
        raise Refused("42703", f"column {reader.missing[0][1]} does not exist")
    return use_all(catalog, relation.oid, used_by(expression)), expression


def clone_trigger(catalog: Catalog, parent: Relation, partition: Relation, trigger: Trigger) -> Catalog:
    """A row trigger of a partitioned table on one of its partitions."""
    current = catalog.relation(partition.oid)
    assert current is not None
    if any(each.parent == trigger.oid for each in current.triggers):
        return catalog
    if any(each.name == trigger.name for each in current.triggers):
        raise Refused("42710", f'trigger "{trigger.name}" for relation "{current.name}" already exists')
    mapping = {c.number: p.number for c in parent.columns for p in current.columns if c.name == p.name}
    when = trigger.when
    if when is not None:
        when = replace(when, columns=tuple(mapping[each] for each in when.columns))
    catalog, oid = catalog.new_oid()
    columns = tuple(mapping[each] for each in trigger.columns)
    clone = replace(trigger, oid=oid, relation=current.oid, columns=columns, when=when, parent=trigger.oid)
    catalog = catalog.put(replace(current, triggers=(*current.triggers, clone))).use(current.oid, clone.function)
    for each in partitions_of(catalog, current):
        catalog = clone_trigger(catalog, current, each, clone)
    return catalog


def set_enabled(catalog: Catalog, oid: int, state: str, name: str | None) -> Catalog:
    """ENABLE and DISABLE TRIGGER: one by name, or all; clones on partitions follow."""
    relation = catalog.relation(oid)
    assert relation is not None
    if name is not None and all(each.name != name for each in relation.triggers):
        raise Refused("42704", f'trigger "{name}" for table "{relation.name}" does not exist')
    touched = {each.oid for each in relation.triggers if name is None or each.name == name}
    triggers = tuple(replace(each, enabled=state) if each.oid in touched else each for each in relation.triggers)
    catalog = catalog.put(replace(relation, triggers=triggers))
    for partition in partitions_of(catalog, relation):
        if name is None:
            catalog = set_enabled(catalog, partition.oid, state, None)
            continue
        for each in partition.triggers:
            if each.parent in touched:
                catalog = set_enabled(catalog, partition.oid, state, each.name)
    return catalog
