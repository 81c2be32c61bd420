"""ALTER COLUMN: type, default, NOT NULL, identity, generation expression."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Column, ConstraintKind, Expression, Node, Relation, RelationKind, Type
from schemalint.replay.columns import (
    IDENTITY,
    collation_of,
    column_named,
    default_expression,
    new_sequence,
    partition_columns,
    put_column,
    refuse_identity_of,
    with_generated,
)
from schemalint.replay.constraints import add_not_null, not_null_of, put_changed, table
from schemalint.replay.context import Context, Refused
from schemalint.replay.dependencies import dependents, drop, type_word
from schemalint.replay.foreign_keys import comparable
from schemalint.replay.inheritance import children_of
from schemalint.replay.literals import assignable
from schemalint.replay.names import constraint_name, replace, type_named, use_type
from schemalint.replay.owners import identity_sequence
from schemalint.replay.reading import NOWHERE, Reader

USED_BY = {
    "relation": "by a view or rule",
    "rule": "by a view or rule",
    "policy": "in a policy definition",
    "trigger": "in a trigger definition",
    "column": "by a generated column",
    "function": "by a function or procedure",
}


def change_type(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    column = column_named(relation, command["name"])
    definition = command["def"]["ColumnDef"]
    new = type_named(catalog, definition["typeName"], context)
    if column.inherited and relation.partition_of is not None:
        raise Refused("42P16", f'cannot alter inherited column "{column.name}"')
    if column.name in partition_columns(relation):
        message = f'cannot alter column "{column.name}" because it is part of the partition key of relation "{relation.name}"'
        raise Refused("42P16", message)
    for (kind, holder, inner), automatic in dependents(catalog, ("column", oid, column.number)):
        user = catalog.relation(holder)
        if kind == "relation" and (user is None or user.query is None):
            continue
        if not automatic and kind in USED_BY and (kind, holder, inner) != ("column", oid, column.number):
            raise Refused("0A000", f"cannot alter type of a column used {USED_BY[kind]}")
    stored = relation.kind is not RelationKind.COMPOSITE_TYPE
    if stored and "raw_default" not in definition and not assignable(catalog, column.type, new):
        message = f'column "{column.name}" cannot be cast automatically to type {type_word(catalog, new)}'
        raise Refused("42804", message)
    if column.default is not None and not column.generated and not _default_fits(catalog, column, new):
        message = f'default for column "{column.name}" cannot be cast automatically to type {type_word(catalog, new)}'
        raise Refused("42804", message)
    changed = replace(column, type=new, collation=collation_of(definition), span=context.span)
    catalog = use_type(put_column(catalog, table(catalog, oid), changed), oid, new)
    _check_foreign_keys(catalog, table(catalog, oid), column.number)
    catalog = _retyped_identity(catalog, relation, column, new, context)
    if relation.kind is RelationKind.COMPOSITE_TYPE:
        return catalog
    for child in children_of(catalog, relation):
        own = child.column(column.name)
        if own is not None:
            catalog = use_type(put_column(catalog, child, replace(own, type=new)), child.oid, new)
    return catalog


def _retyped_identity(catalog: Catalog, relation: Relation, column: Column, new: Type, context: Context) -> Catalog:
    """An identity column's sequence follows its type; a serial column's does not."""
    sequence = identity_sequence(catalog, relation, column.number) if column.identity else None
    if sequence is None or sequence.sequence is None:
        return catalog
    refuse_identity_of(new, context.span)
    return catalog.put(replace(sequence, sequence=replace(sequence.sequence, type=new)))


def _default_fits(catalog: Catalog, column: Column, new: Type) -> bool:
    assert column.default is not None
    node = column.default.node
    if "A_Const" in node:
        return assignable(catalog, column.type, new)
    return assignable(catalog, Reader(catalog).type_of(node, NOWHERE), new)


def _check_foreign_keys(catalog: Catalog, relation: Relation, number: int) -> None:
    """A foreign key must still be able to compare its columns with those that it refers to."""
    for holder in (relation, *(r for each in catalog.users(relation.oid) if (r := catalog.relation(each)) is not None)):
        for each in holder.constraints:
            target = catalog.relation(each.references)
            if each.kind is not ConstraintKind.FOREIGN_KEY or target is None:
                continue
            for own, other in zip(each.columns, each.referenced_columns, strict=False):
                if (holder.oid, own) != (relation.oid, number) and (target.oid, other) != (relation.oid, number):
                    continue
                first, second = holder.column_numbered(own), target.column_numbered(other)
                if first is None or second is None:
                    continue
                if not comparable(catalog.domain_base(first.type), catalog.domain_base(second.type)):
                    raise Refused("42804", f'foreign key constraint "{each.name}" cannot be implemented')


# -- defaults


def set_default(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    column = column_named(relation, command["name"])
    if column.identity:
        raise Refused("42601", f'column "{column.name}" of relation "{relation.name}" is an identity column')
    if column.generated:
        raise Refused("42601", f'column "{column.name}" of relation "{relation.name}" is a generated column')
    default: Expression | None = None
    if "def" in command:
        default, catalog = default_expression(catalog, command["def"], context.span, relation, column.name, column.type)
    catalog = put_column(catalog, table(catalog, oid), replace(column, default=default, span=context.span))
    for child in children_of(catalog, relation):
        own = child.column(column.name)
        if own is not None:
            catalog = put_column(catalog, child, replace(own, default=default))
    return catalog


# -- NOT NULL


def set_not_null(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    column = column_named(relation, command["name"])
    existing = not_null_of(relation, column.number)
    if existing is not None:
        return catalog if existing.validated else put_changed(catalog, relation, replace(existing, validated=True))
    name = constraint_name(catalog, relation.schema, relation.name, column.name, "not_null")
    catalog = add_not_null(catalog, oid, column.name, name, context.span)
    relation = table(catalog, oid)
    changed = relation.column(column.name)
    assert changed is not None
    return put_column(catalog, relation, replace(changed, span=context.span))


def drop_not_null(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    column = column_named(relation, command["name"])
    existing = not_null_of(relation, column.number)
    if existing is None:
        return catalog
    refuse_needed_not_null(relation, column.number)
    if existing.inherited:
        raise Refused("42P16", f'cannot drop inherited constraint "{existing.name}" of relation "{relation.name}"')
    for child in children_of(catalog, relation):
        own = child.column(column.name)
        inherited = not_null_of(child, own.number) if own is not None else None
        if inherited is not None and inherited.inherited:
            catalog = put_changed(catalog, child, replace(inherited, inherited=False))
            catalog = drop_not_null(catalog, child.oid, command, context)
    return drop(catalog, [("constraint", oid, existing.oid)], cascade=False)


def refuse_needed_not_null(relation: Relation, number: int) -> None:
    column = relation.column_numbered(number)
    assert column is not None
    key = relation.primary_key
    if key is not None and number in key.columns:
        raise Refused("42P16", f'column "{column.name}" is in a primary key')
    if column.identity:
        raise Refused("42601", f'column "{column.name}" of relation "{relation.name}" is an identity column')


# -- identity


def add_identity(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    column = column_named(relation, command["name"])
    if not column.not_null:
        message = f'column "{column.name}" of relation "{relation.name}" must be declared NOT NULL before identity can be added'
        raise Refused("55000", message)
    if column.identity:
        raise Refused("55000", f'column "{column.name}" of relation "{relation.name}" is already an identity column')
    if column.default is not None:
        raise Refused("55000", f'column "{column.name}" of relation "{relation.name}" already has a default value')
    node = command["def"]["Constraint"]
    refuse_identity_of(column.type, context.span)
    catalog, _ = new_sequence(catalog, relation, column.number, column.name, column.type, node.get("options"), identity=True)
    changed = replace(column, identity=IDENTITY[node["generated_when"]], span=context.span)
    return put_column(catalog, table(catalog, oid), changed)


def set_identity(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    column = _identity_column(relation, command["name"])
    options = (command.get("def") or {}).get("List", {}).get("items") or []
    for each in options:
        element = each["DefElem"]
        if element["defname"] == "generated":
            letter = chr(element["arg"]["Integer"]["ival"])
            column = replace(column, identity=IDENTITY[letter], span=context.span)
    sequence = identity_sequence(catalog, relation, column.number)
    if sequence is not None and sequence.sequence is not None:
        from schemalint.replay.sequences import with_options

        state = with_options(sequence.sequence, options, catalog)
        catalog = catalog.put(replace(sequence, sequence=state))
    return put_column(catalog, relation, column)


def _identity_column(relation: Relation, name: str) -> Column:
    column = column_named(relation, name)
    if not column.identity:
        raise Refused("55000", f'column "{name}" of relation "{relation.name}" is not an identity column')
    return column


def drop_identity(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    if command.get("missing_ok") and not column_named(relation, command["name"]).identity:
        return catalog
    column = _identity_column(relation, command["name"])
    catalog = put_column(catalog, relation, replace(column, identity="", span=context.span))
    sequence = identity_sequence(catalog, relation, column.number)
    return catalog if sequence is None else catalog.remove(sequence.oid)


# -- generated columns


def drop_expression(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    column = column_named(relation, command["name"])
    if not column.generated:
        if command.get("missing_ok"):
            return catalog
        raise Refused("55000", f'column "{column.name}" of relation "{relation.name}" is not a generated column')
    return put_column(catalog, relation, replace(column, generated="", default=None, span=context.span))


def set_expression(catalog: Catalog, oid: int, command: Node, context: Context) -> Catalog:
    relation = table(catalog, oid)
    column = column_named(relation, command["name"])
    if not column.generated:
        raise Refused("55000", f'column "{column.name}" of relation "{relation.name}" is not a generated column')
    return with_generated(catalog, oid, column.number, command["def"])
