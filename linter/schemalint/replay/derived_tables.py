"""Tables made from others: INHERITS, PARTITION OF, OF type, LIKE."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Column, Constraint, ConstraintKind, Index, Node, Relation, RelationKind, Rows
from schemalint.replay.columns import new_sequence
from schemalint.replay.constraints import (
    add_key,
    add_not_null,
    chosen_for,
    constraint_named,
    inherit_check,
    key_on_partition,
    not_null_of,
    put_constraint,
    table,
)
from schemalint.replay.context import Context, Refused
from schemalint.replay.foreign_keys import foreign_key_on_partition
from schemalint.replay.indexes import define_index, index_on_partition, put_index
from schemalint.replay.names import list_name, relation_of, replace, use_all, use_type
from schemalint.replay.owners import identity_sequence
from schemalint.replay.tables import Constrained, not_nulls_like, source_of

CONSTRAINTS, DEFAULTS, GENERATED, IDENTITY, INDEXES = 4, 8, 16, 32, 64


def begin_derived(catalog: Catalog, relation: Relation, node: Node, context: Context) -> tuple[Catalog, Relation]:
    """The new table with the columns that its parents or its type give it."""
    if "ofTypename" in node:
        return _typed(catalog, relation, node)
    parents = [relation_of(catalog, each["RangeVar"]) for each in node["inhRelations"]]
    columns: dict[str, Column] = {}
    for parent in parents:
        if "partbound" in node and parent.kind is not RelationKind.PARTITIONED_TABLE:
            raise Refused("42809", f'"{parent.name}" is not partitioned')
        catalog = catalog.use(relation.oid, parent.oid)
        for each in parent.columns:
            if each.name not in columns:
                kept = "" if "partbound" not in node else each.identity
                columns[each.name] = replace(each, number=len(columns) + 1, inherited=True, identity=kept, span=context.span)
                catalog = use_type(catalog, relation.oid, each.type)
                if each.default is not None:
                    catalog = use_all(catalog, relation.oid, [*each.default.functions, *(r.oid for r in each.default.references)])
    relation = replace(relation, columns=tuple(columns.values()), next_number=len(columns) + 1)
    if "partbound" in node:
        return catalog, replace(relation, partition_of=parents[0].oid, partition_bound=node["partbound"])
    return catalog, replace(relation, parents=tuple(each.oid for each in parents))


def _typed(catalog: Catalog, relation: Relation, node: Node) -> tuple[Catalog, Relation]:
    schema, name = list_name(node["ofTypename"].get("names"))
    row = catalog.find_type(schema, name)
    if not isinstance(row, Relation):
        raise Refused("42704", f'type "{name}" does not exist', certain=False)
    columns = tuple(replace(each, number=place + 1) for place, each in enumerate(row.columns))
    catalog = catalog.use(relation.oid, row.oid)
    return catalog, replace(relation, columns=columns, next_number=len(columns) + 1, of_type=row.oid)


def finish_derived(catalog: Catalog, oid: int, context: Context) -> Catalog:
    """What parents hand down once the table stands: constraints, and to partitions indexes, foreign keys and triggers."""
    relation = table(catalog, oid)
    for parent_oid in relation.parents or (relation.partition_of or 0,):
        catalog = inherit_constraints(catalog, table(catalog, parent_oid), oid)
    if relation.partition_of is not None:
        catalog = adopt(catalog, table(catalog, relation.partition_of), oid)
    return catalog


def inherit_constraints(catalog: Catalog, parent: Relation, oid: int) -> Catalog:
    for each in parent.constraints:
        child = table(catalog, oid)
        if each.kind is ConstraintKind.CHECK and not each.no_inherit:
            existing = constraint_named(child, each.name)
            if existing is None:
                catalog = inherit_check(catalog, child, each)
        elif each.kind is ConstraintKind.NOT_NULL and not each.no_inherit:
            catalog = _inherit_not_null(catalog, parent, child, each)
    return catalog


def _inherit_not_null(catalog: Catalog, parent: Relation, child: Relation, constraint: Constraint) -> Catalog:
    column = parent.column_numbered(constraint.columns[0])
    own = child.column(column.name) if column is not None else None
    if own is None or not_null_of(child, own.number) is not None:
        return catalog
    name = chosen_for(child, constraint.name)
    return add_not_null(catalog, child.oid, own.name, name, constraint.span, validated=constraint.validated, inherited=True)


def adopt(catalog: Catalog, parent: Relation, oid: int) -> Catalog:
    """Gives a partition its parent's keys, indexes, foreign keys and row triggers."""
    keyed = {each.index for each in parent.constraints if each.index is not None and each.kind is not ConstraintKind.FOREIGN_KEY}
    for index in parent.indexes:
        if index.oid not in keyed:
            catalog, _ = index_on_partition(catalog, parent, table(catalog, oid), index)
        else:
            constraint = next(c for c in parent.constraints if c.index == index.oid and c.kind is not ConstraintKind.FOREIGN_KEY)
            catalog = key_on_partition(catalog, parent.oid, table(catalog, oid), constraint)
    for each in parent.constraints:
        if each.kind is ConstraintKind.FOREIGN_KEY:
            catalog = foreign_key_on_partition(catalog, parent, table(catalog, oid), each)
    if parent.triggers:
        from schemalint.replay.triggers import clone_trigger

        for trigger in parent.triggers:
            if trigger.level == "row":
                catalog = clone_trigger(catalog, parent, table(catalog, oid), trigger)
    return catalog


# -- LIKE


def columns_like(
    catalog: Catalog, relation: Relation, number: int, node: Node, context: Context
) -> tuple[Catalog, list[Column], list[Constrained]]:
    """The columns of a LIKE clause, and the constraints that come with them whatever it includes."""
    source = source_of(catalog, node)
    options = node.get("options", 0)
    span = context.here(node["relation"])
    columns: list[Column] = []
    for place, each in enumerate(source.columns):
        own = number + place
        column = replace(each, number=own, inherited=False, identity="", generated="", default=None, span=span)
        catalog = use_type(catalog, relation.oid, each.type)
        if each.generated and options & GENERATED:
            column = replace(column, generated=each.generated, default=each.default)
        elif each.default is not None and not each.generated and options & DEFAULTS:
            column = replace(column, default=each.default)
            catalog = use_all(catalog, relation.oid, [*each.default.functions, *(r.oid for r in each.default.references)])
        if each.identity and options & IDENTITY:
            column = replace(column, identity=each.identity)
            catalog, sequence = new_sequence(catalog, relation, own, each.name, each.type, None, identity=True)
            from schemalint.replay.sequences import copied_state

            model = identity_sequence(catalog, source, each.number)
            if model is not None and model.sequence is not None:
                state = replace(copied_state(model.sequence), owner_table=relation.oid, owner_column=own)
                catalog = catalog.put(replace(sequence, sequence=state))
        columns.append(column)
    return catalog, columns, not_nulls_like(catalog, source, span)


def finish_like(catalog: Catalog, oid: int, node: Node, context: Context) -> Catalog:
    """INCLUDING CONSTRAINTS and INDEXES, once the table stands."""
    source = source_of(catalog, node)
    options = node.get("options", 0)
    if options & CONSTRAINTS:
        for each in source.constraints:
            if each.kind is ConstraintKind.CHECK and each.expression is not None:
                catalog = _copied_check(catalog, oid, each)
    if options & INDEXES:
        for index in source.indexes:
            catalog = _copied_index(catalog, oid, source, index, context)
    return catalog


def _copied_check(catalog: Catalog, oid: int, constraint: Constraint) -> Catalog:
    from schemalint.replay.columns import own_expression

    assert constraint.expression is not None
    relation = table(catalog, oid)
    catalog, expression = own_expression(catalog, constraint.expression.node, constraint.span, relation)
    catalog, new = catalog.new_oid()
    return put_constraint(
        catalog,
        oid,
        replace(constraint, oid=new, expression=expression, columns=expression.columns, inherited=False, parent=None),
    )


def _copied_index(catalog: Catalog, oid: int, source: Relation, index: Index, context: Context) -> Catalog:
    """generateClonedIndexStmt: the same index under a new name, with its constraint if it has one."""
    names = {each.number: each.name for each in source.columns}
    expressions = iter(index.expressions)
    elements = [{"IndexElem": {"name": names[each]} if each else {"expr": next(expressions).node}} for each in index.columns]
    own = next((c for c in source.constraints if c.index == index.oid and c.kind is not ConstraintKind.FOREIGN_KEY), None)
    if own is not None and own.kind is not ConstraintKind.EXCLUSION:
        node: Node = {
            "contype": "CONSTR_PRIMARY" if own.kind is ConstraintKind.PRIMARY_KEY else "CONSTR_UNIQUE",
            "keys": [{"String": {"sval": names[each]}} for each in index.columns],
            "including": [{"String": {"sval": names[each]}} for each in index.included],
            "nulls_not_distinct": index.nulls_not_distinct, "deferrable": own.deferrable, "initdeferred": own.initially_deferred,
        }  # fmt: skip
        return add_key(catalog, oid, node, context.span, context)
    statement: Node = {
        "indexParams": elements, "unique": index.unique, "accessMethod": index.method,
        "nulls_not_distinct": index.nulls_not_distinct,
        "indexIncludingParams": [{"IndexElem": {"name": names[each]}} for each in index.included],
    }  # fmt: skip
    if index.predicate is not None:
        statement["whereClause"] = index.predicate.node
    catalog, new = define_index(catalog, table(catalog, oid), statement, context.span)
    new = replace(new, orderings=index.orderings, operator_classes=index.operator_classes, collations=index.collations)
    return put_index(catalog, oid, new)


# -- ATTACH, DETACH, INHERIT


def attach_partition(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    parent = table(catalog, oid)
    part = command["def"]["PartitionCmd"]
    child = relation_of(catalog, part["name"])
    if parent.kind is not RelationKind.PARTITIONED_TABLE:
        raise Refused("42809", f'ALTER action ATTACH PARTITION cannot be performed on relation "{parent.name}"')
    if child.partition_of is not None:
        raise Refused("42809", f'"{child.name}" is already a partition')
    _refuse_missing(parent, child)
    bound, identities = part.get("bound"), {each.name: each.identity for each in parent.columns}
    columns = tuple(replace(e, inherited=True, identity=identities.get(e.name, e.identity)) for e in child.columns)
    catalog = catalog.put(replace(child, columns=columns, partition_of=oid, partition_bound=bound)).use(child.oid, oid)
    catalog = catalog.put(_merged(parent, table(catalog, child.oid)))
    catalog = adopt(inherit_constraints(catalog, parent, child.oid), table(catalog, oid), child.oid)
    if child.rows is Rows.SOME:
        catalog = catalog.put(replace(table(catalog, oid), rows=Rows.SOME))
    return catalog


def _merged(parent: Relation, child: Relation) -> Relation:
    """A partition's own constraints that its parent has too are the parent's (MergeConstraintsIntoExisting, tablecmds.c)."""
    handed = [each for each in parent.constraints if not each.no_inherit]
    checks = {each.name for each in handed if each.kind is ConstraintKind.CHECK}
    needed = {name for each in handed if each.kind is ConstraintKind.NOT_NULL for name in column_names(parent, each)}

    def is_parents(constraint: Constraint) -> bool:
        if constraint.kind is ConstraintKind.NOT_NULL:
            return needed.issuperset(column_names(child, constraint))
        return constraint.kind is ConstraintKind.CHECK and constraint.name in checks

    return replace(
        child, constraints=tuple(replace(each, inherited=each.inherited or is_parents(each)) for each in child.constraints)
    )


def column_names(relation: Relation, constraint: Constraint) -> list[str]:
    return [each.name for each in relation.columns if each.number in constraint.columns]


def _refuse_missing(parent: Relation, child: Relation) -> None:
    if parent.tainted or child.tainted:
        return
    for each in parent.columns:
        own = child.column(each.name)
        if own is None:
            raise Refused("42804", f'child table is missing column "{each.name}"')
        if own.type != each.type:
            raise Refused("42804", f'child table "{child.name}" has different type for column "{each.name}"')


def detach_partition(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    part = command["def"]["PartitionCmd"]
    child = relation_of(catalog, part["name"])
    if child.partition_of != oid:
        raise Refused("42P01", f'relation "{child.name}" is not a partition of relation "{table(catalog, oid).name}"')
    if part.get("concurrent") and context.block:
        raise Refused("25001", "ALTER TABLE ... DETACH CONCURRENTLY cannot run inside a transaction block")
    kept = tuple(each for each in child.triggers if each.parent is None)
    return catalog.bind(("fewer partitions", oid), (catalog.get(("fewer partitions", oid)) or 0) + 1).put(
        replace(
            child,
            partition_of=None,
            partition_bound=None,
            triggers=kept,
            constraints=tuple(replace(c, parent=None, inherited=False) for c in child.constraints),
            indexes=tuple(replace(i, parent=None) for i in child.indexes),
            columns=tuple(replace(c, inherited=False, identity="") for c in child.columns),
        )
    )


def add_inherit(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    parent = relation_of(catalog, command["def"]["RangeVar"])
    child = table(catalog, oid)
    if parent.oid in child.parents:
        raise Refused("42P07", f'relation "{parent.name}" would be inherited from more than once')
    if child.oid in _line_above(catalog, parent):
        raise Refused("42P07", "circular inheritance not allowed")
    _refuse_missing(parent, child)
    catalog = catalog.put(replace(child, parents=(*child.parents, parent.oid))).use(oid, parent.oid)
    return inherit_constraints(catalog, parent, oid)


def _line_above(catalog: Catalog, relation: Relation) -> set[int]:
    """A relation and all that it inherits from."""
    found = {relation.oid}
    for each in relation.parents:
        parent = catalog.relation(each)
        if parent is not None:
            found |= _line_above(catalog, parent)
    return found


def drop_inherit(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    parent = relation_of(catalog, command["def"]["RangeVar"])
    child = table(catalog, oid)
    if parent.oid not in child.parents:
        raise Refused("42P01", f'relation "{parent.name}" is not a parent of relation "{child.name}"')
    left = [above for each in child.parents if each != parent.oid and (above := catalog.relation(each)) is not None]
    columns = {each.name for above in left for each in above.columns}
    constraints = {each.name for above in left for each in above.constraints if not each.no_inherit}
    return catalog.put(
        replace(
            child,
            parents=tuple(each.oid for each in left),
            columns=tuple(replace(c, inherited=c.inherited and c.name in columns) for c in child.columns),
            constraints=tuple(replace(c, inherited=c.inherited and c.name in constraints) for c in child.constraints),
        )
    )
