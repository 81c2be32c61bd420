"""Foreign keys."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import UNKNOWN, Constraint, ConstraintKind, Node, Relation, RelationKind, Type
from schemalint.catalog.type_names import strings
from schemalint.replay.columns import no_column
from schemalint.replay.constraints import constraint_named, put_constraint, refuse_duplicate, table
from schemalint.replay.context import Context, NotModelled, Refused
from schemalint.replay.inheritance import partitions_of
from schemalint.replay.names import columns_addition, constraint_name, range_name, relation_of, replace, shown
from schemalint.text import Span

ACTIONS = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
INTEGERS = frozenset({"int2", "int4", "int8"})
TEXTS = frozenset({"text", "varchar", "bpchar", "name"})
DATES = frozenset({"date", "timestamp", "timestamptz"})
ALONE = frozenset({"uuid", "bool", "bytea", "inet", "time", "interval"})


def add_foreign_key(
    catalog: Catalog, oid: int, node: Node, span: Span, context: Context, creating: bool, column: str | None = None
) -> Catalog:
    relation = table(catalog, oid)
    names = [column] if column is not None else strings(node.get("fk_attrs"))
    for each in names:
        if relation.column(each) is None:
            if relation.tainted:
                raise no_column(relation, each, span)
            raise Refused("42703", f'column "{each}" referenced in foreign key constraint does not exist', span)
    columns = tuple([c.number for name in names for c in relation.columns if c.name == name])
    name = node.get("conname")
    if name is not None:
        refuse_duplicate(relation, name, span)
    else:
        name = constraint_name(catalog, relation.schema, relation.name, columns_addition(names), "fkey")
    target, referenced, index = _target(catalog, relation, node, columns, name, span, context)
    enforced = bool(node.get("is_enforced"))
    catalog, new = catalog.new_oid()
    constraint = Constraint(
        oid=new, name=name, kind=ConstraintKind.FOREIGN_KEY, columns=columns, index=index,
        references=target.oid if target is not None else None, referenced_columns=referenced,
        on_update=ACTIONS[node.get("fk_upd_action") or "a"], on_delete=ACTIONS[node.get("fk_del_action") or "a"],
        delete_columns=tuple([c.number for n in strings(node.get("fk_del_set_cols")) for c in relation.columns if c.name == n]),
        match_full=node.get("fk_matchtype") == "f", validated=enforced and (creating or not node.get("skip_validation")),
        enforced=enforced, deferrable=bool(node.get("deferrable")), initially_deferred=bool(node.get("initdeferred")), span=span,
    )  # fmt: skip
    if target is not None and target.oid != oid:
        catalog = catalog.use(oid, target.oid)
    catalog = put_constraint(catalog, oid, constraint)
    if relation.kind is RelationKind.PARTITIONED_TABLE:
        for partition in partitions_of(catalog, relation):
            catalog = foreign_key_on_partition(catalog, relation, partition, constraint)
    return catalog


def _target(
    catalog: Catalog, relation: Relation, node: Node, columns: tuple[int, ...], name: str, span: Span, context: Context
) -> tuple[Relation | None, tuple[int, ...], int | None]:
    """The referenced table, its columns, and the index that keeps them unique."""
    try:
        target = relation_of(catalog, node["pktable"])
    except NotModelled:
        context.gap(f'relation "{shown(*range_name(node["pktable"]))}" is not made by any migration', node["pktable"])
        return None, (), None
    if target.kind not in (RelationKind.TABLE, RelationKind.PARTITIONED_TABLE):
        raise Refused("42809", f'referenced relation "{target.name}" is not a table', span)
    names = strings(node.get("pk_attrs"))
    if names:
        missing = [each for each in names if target.column(each) is None]
        if missing:
            if target.tainted:
                return target, (), None
            raise Refused("42703", f'column "{missing[0]}" referenced in foreign key constraint does not exist', span)
        referenced = tuple([c.number for each in names for c in target.columns if c.name == each])
    else:
        key = target.primary_key
        if key is None:
            if target.tainted:
                return target, (), None
            raise Refused("42704", f'there is no primary key for referenced table "{target.name}"', span)
        referenced = key.columns
    if len(referenced) != len(columns):
        raise Refused("42830", "number of referencing and referenced columns for foreign key disagree", span)
    index = _unique_index(target, referenced)
    if index is None and not target.tainted:
        raise Refused("42830", f'there is no unique constraint matching given keys for referenced table "{target.name}"', span)
    _check_types(catalog, relation, columns, target, referenced, name, span)
    return target, referenced, index


def _unique_index(target: Relation, columns: tuple[int, ...]) -> int | None:
    """The unique index over exactly these columns, the primary key's first; a deferrable one does not count."""
    wanted = set(columns)
    for each in sorted(target.indexes, key=lambda index: not index.primary):
        if each.unique and each.immediate and each.predicate is None and not each.expressions and set(each.columns) == wanted:
            return each.oid
    return None


def _check_types(
    catalog: Catalog,
    relation: Relation,
    columns: tuple[int, ...],
    target: Relation,
    referenced: tuple[int, ...],
    name: str,
    span: Span,
) -> None:
    for own, other in zip(columns, referenced, strict=True):
        first, second = relation.column_numbered(own), target.column_numbered(other)
        if first is None or second is None:
            continue
        if not comparable(catalog.domain_base(first.type), catalog.domain_base(second.type)):
            raise Refused("42804", f'foreign key constraint "{name}" cannot be implemented', span)


def comparable(own: Type, key: Type) -> bool:
    """Whether a foreign key of the first type can refer to a key of the second; True where that is not known."""
    if own.id == key.id or UNKNOWN.id in (own.id, key.id):
        return True
    if isinstance(own.id, int) or isinstance(key.id, int):
        # An enum has no equality with anything else; of other types too little is known.
        return not (isinstance(own.id, int) and isinstance(key.id, int)) and not ({own.id, key.id} & (INTEGERS | ALONE))
    if own.id in INTEGERS:
        return key.id not in TEXTS | ALONE | DATES
    families = (INTEGERS | {"numeric", "float4", "float8"}, TEXTS, DATES, *({each} for each in ALONE))
    home = next((each for each in families if own.id in each), None)
    other = next((each for each in families if key.id in each), None)
    if home is None or other is None:
        return True
    return home == other and not (own.id in ("numeric", "float4", "float8") and key.id in INTEGERS)


def foreign_key_on_partition(catalog: Catalog, parent: Relation, partition: Relation, constraint: Constraint) -> Catalog:
    partition = table(catalog, partition.oid)
    mapping = {c.number: p.number for c in parent.columns for p in partition.columns if c.name == p.name}
    columns = tuple(mapping[each] for each in constraint.columns)
    for own in partition.constraints:
        same = own.kind is ConstraintKind.FOREIGN_KEY and own.columns == columns and own.references == constraint.references
        if same and own.referenced_columns == constraint.referenced_columns and own.parent is None:
            changed = tuple(replace(c, parent=constraint.oid) if c is own else c for c in partition.constraints)
            return catalog.put(replace(partition, constraints=changed))
    name = constraint.name
    if constraint_named(partition, name) is not None:
        shown_columns = columns_addition(c.name for n in columns for c in partition.columns if c.number == n)
        name = constraint_name(catalog, partition.schema, partition.name, shown_columns, "fkey")
    catalog, new = catalog.new_oid()
    clone = replace(
        constraint, oid=new, name=name, columns=columns, delete_columns=tuple(mapping[c] for c in constraint.delete_columns),
        inherited=True, parent=constraint.oid,
    )  # fmt: skip
    if clone.references is not None:
        catalog = catalog.use(partition.oid, clone.references)
    catalog = put_constraint(catalog, partition.oid, clone)
    for each in partitions_of(catalog, partition):
        catalog = foreign_key_on_partition(catalog, partition, each, clone)
    return catalog
