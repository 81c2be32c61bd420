"""Constraints: NOT NULL, CHECK, PRIMARY KEY, UNIQUE, EXCLUDE. Foreign keys have a module of their own."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Constraint, ConstraintKind, Index, Node, Relation, RelationKind
from schemalint.catalog.type_names import strings
from schemalint.replay.columns import column_named, own_expression
from schemalint.replay.context import Context, Refused
from schemalint.replay.indexes import define_index, find_index, index_on_partition, key_index_name, put_index
from schemalint.replay.inheritance import children_of, partitions_of
from schemalint.replay.names import constraint_name, remember_constraint, replace
from schemalint.text import Span

KEYS = {"CONSTR_PRIMARY": "pkey", "CONSTR_UNIQUE": "key", "CONSTR_EXCLUSION": "excl"}
KINDS = {
    "CONSTR_PRIMARY": ConstraintKind.PRIMARY_KEY,
    "CONSTR_UNIQUE": ConstraintKind.UNIQUE,
    "CONSTR_EXCLUSION": ConstraintKind.EXCLUSION,
}


def table(catalog: Catalog, oid: int) -> Relation:
    relation = catalog.relation(oid)
    assert relation is not None
    return relation


def put_constraint(catalog: Catalog, oid: int, constraint: Constraint) -> Catalog:
    relation = table(catalog, oid)
    catalog = catalog.put(replace(relation, constraints=(*relation.constraints, constraint)))
    return remember_constraint(catalog, relation.schema, constraint.name, oid)


def constraint_named(relation: Relation, name: str) -> Constraint | None:
    return next((each for each in relation.constraints if each.name == name), None)


def refuse_duplicate(relation: Relation, name: str, span: Span | None) -> None:
    if constraint_named(relation, name) is not None:
        raise Refused("42710", f'constraint "{name}" for relation "{relation.name}" already exists', span)


# -- NOT NULL


def not_null_of(relation: Relation, number: int) -> Constraint | None:
    for each in relation.constraints:
        if each.kind is ConstraintKind.NOT_NULL and each.columns == (number,):
            return each
    return None


def add_not_null(
    catalog: Catalog,
    oid: int,
    column: str,
    name: str | None,
    span: Span | None,
    *,
    validated: bool = True,
    no_inherit: bool = False,
    inherited: bool = False,
) -> Catalog:
    relation = table(catalog, oid)
    found = column_named(relation, column, span)
    existing = not_null_of(relation, found.number)
    if existing is not None:
        return _again_not_null(catalog, relation, existing, None if inherited else name, span, validated)
    if name is not None:
        refuse_duplicate(relation, name, span)
    chosen = name or constraint_name(catalog, relation.schema, relation.name, column, "not_null")
    catalog, new = catalog.new_oid()
    constraint = Constraint(
        new, chosen, ConstraintKind.NOT_NULL, (found.number,), validated=validated, no_inherit=no_inherit, inherited=inherited,
        span=span,
    )  # fmt: skip
    if not found.not_null:
        columns = tuple([replace(c, not_null=True) if c.number == found.number else c for c in relation.columns])
        relation = replace(relation, columns=columns)
    catalog = catalog.put(replace(relation, constraints=(*relation.constraints, constraint)))
    catalog = remember_constraint(catalog, relation.schema, chosen, oid)
    if not no_inherit:
        for child in children_of(catalog, relation):
            if child.column(column) is not None:
                catalog = add_not_null(
                    catalog, child.oid, column, chosen_for(child, chosen), span, validated=validated, inherited=True
                )
    return catalog


def chosen_for(child: Relation, name: str) -> str | None:
    """The parent's name for a constraint of the child, unless the child uses it otherwise."""
    return None if constraint_named(child, name) is not None else name


def _again_not_null(
    catalog: Catalog, relation: Relation, existing: Constraint, name: str | None, span: Span | None, validated: bool
) -> Catalog:
    if name is not None and existing.name != name:
        message = f'cannot create not-null constraint "{name}" on column "{{}}" of table "{relation.name}"'
        column = relation.column_numbered(existing.columns[0])
        raise Refused("55000", message.format(column.name if column else "?"), span)
    if validated and not existing.validated:
        return put_changed(catalog, relation, replace(existing, validated=True))
    return catalog


def put_changed(catalog: Catalog, relation: Relation, constraint: Constraint) -> Catalog:
    constraints = tuple(constraint if each.oid == constraint.oid else each for each in relation.constraints)
    return catalog.put(replace(relation, constraints=constraints))


# -- CHECK


def add_check(catalog: Catalog, oid: int, node: Node, span: Span, creating: bool, column: str | None = None) -> Catalog:
    relation = table(catalog, oid)
    catalog, expression = own_expression(catalog, node["raw_expr"], span, relation)
    name = node.get("conname")
    if name is not None:
        refuse_duplicate(relation, name, span)
    else:
        single = relation.column_numbered(expression.columns[0]) if len(expression.columns) == 1 else None
        name = constraint_name(catalog, relation.schema, relation.name, single.name if single else None, "check")
    enforced = node.get("is_enforced", True) if "initially_valid" in node or "is_enforced" in node else False
    validated = enforced and (creating or not node.get("skip_validation"))
    catalog, new = catalog.new_oid()
    constraint = Constraint(
        new, name, ConstraintKind.CHECK, expression.columns, expression=expression, validated=validated, enforced=enforced,
        no_inherit=bool(node.get("is_no_inherit")), span=span,
    )  # fmt: skip
    catalog = put_constraint(catalog, oid, constraint)
    if not constraint.no_inherit:
        for child in children_of(catalog, relation):
            catalog = inherit_check(catalog, child, constraint)
    return catalog


def inherit_check(catalog: Catalog, child: Relation, constraint: Constraint) -> Catalog:
    """A parent's CHECK on a child that has none of its name, and on the child's children."""
    if constraint_named(child, constraint.name) is not None:
        return catalog
    assert constraint.expression is not None
    catalog, expression = own_expression(catalog, constraint.expression.node, constraint.span, child)
    catalog, new = catalog.new_oid()
    clone = replace(constraint, oid=new, columns=expression.columns, expression=expression, inherited=True)
    catalog = put_constraint(catalog, child.oid, clone)
    for grandchild in children_of(catalog, child):
        catalog = inherit_check(catalog, grandchild, clone)
    return catalog


# -- keys and exclusions


def add_key(catalog: Catalog, oid: int, node: Node, span: Span, context: Context, column: str | None = None) -> Catalog:
    relation = table(catalog, oid)
    kind = KINDS[node["contype"]]
    primary = kind is ConstraintKind.PRIMARY_KEY
    if primary and relation.primary_key is not None:
        raise Refused("42P16", f'multiple primary keys for table "{relation.name}" are not allowed', span)
    if "indexname" in node:
        return _key_using_index(catalog, relation, node, span, kind)
    columns = [column] if column is not None else strings(node.get("keys"))
    for each in columns:
        if relation.column(each) is None and not relation.tainted:
            raise Refused("42703", f'column "{each}" named in key does not exist', span)
        if columns.count(each) > 1:
            noun = "primary key" if primary else "unique"
            raise Refused("42701", f'column "{each}" appears twice in {noun} constraint', span)
    catalog, index = _key_index(catalog, relation, node, columns, span)
    _refuse_beside_partition_key(relation, node, index, span)
    for each in columns if primary else ():
        catalog = add_not_null(catalog, oid, each, None, span, no_inherit=False)
    catalog = put_index(catalog, oid, index)
    catalog, new = catalog.new_oid()
    constraint = Constraint(
        new, index.name, kind, tuple(n for n in index.columns if n), index=index.oid, span=span,
        deferrable=bool(node.get("deferrable")), initially_deferred=bool(node.get("initdeferred")),
    )  # fmt: skip
    catalog = put_constraint(catalog, oid, constraint)
    if relation.kind is RelationKind.PARTITIONED_TABLE:
        for partition in partitions_of(catalog, relation):
            catalog = key_on_partition(catalog, oid, partition, constraint)
    return catalog


def _refuse_beside_partition_key(relation: Relation, node: Node, index: Index, span: Span) -> None:
    """A key of a partitioned table must hold every column by which it is partitioned."""
    if relation.partition_key is None or relation.tainted:
        return
    word = {"CONSTR_PRIMARY": "PRIMARY KEY", "CONSTR_UNIQUE": "UNIQUE", "CONSTR_EXCLUSION": "EXCLUDE"}[node["contype"]]
    for each in relation.partition_key.get("partParams") or ():
        name = each["PartitionElem"].get("name")
        if name is None:
            raise Refused("0A000", f"unsupported {word} constraint with partition key definition", span)
        column = relation.column(name)
        if column is not None and column.number not in index.columns:
            noun = "exclusion" if word == "EXCLUDE" else "unique"
            message = f"{noun} constraint on partitioned table must include all partitioning columns"
            raise Refused("0A000", message, span)


def _key_index(catalog: Catalog, relation: Relation, node: Node, columns: list[str], span: Span) -> tuple[Catalog, Index]:
    label = KEYS[node["contype"]]
    name = node.get("conname")
    if name is not None and catalog.get(("relation", relation.schema, name)) is not None:
        raise Refused("42P07", f'relation "{name}" already exists', span)
    if name is not None:
        refuse_duplicate(relation, name, span)
    if label == "excl":
        elements = [each["List"]["items"][0] for each in node["exclusions"]]
    else:
        elements = [{"IndexElem": {"name": each}} for each in columns]
    shown = [each["IndexElem"].get("name") or "expr" for each in elements] + strings(node.get("including"))
    statement = {
        "idxname": name or key_index_name(catalog, relation, shown, label),
        "indexParams": elements,
        "indexIncludingParams": [{"IndexElem": {"name": each}} for each in strings(node.get("including"))],
        "unique": label != "excl",
        "nulls_not_distinct": node.get("nulls_not_distinct"),
        "accessMethod": node.get("access_method"),
        "options": node.get("options"),
    }
    if "where_clause" in node:
        statement["whereClause"] = node["where_clause"]
    catalog, index = define_index(catalog, relation, statement, span)
    return catalog, replace(index, primary=label == "pkey", immediate=not node.get("deferrable"))


def _key_using_index(catalog: Catalog, relation: Relation, node: Node, span: Span, kind: ConstraintKind) -> Catalog:
    """ADD CONSTRAINT … USING INDEX: the index takes the constraint's name."""
    found = find_index(catalog, catalog.schema_name(relation.schema), node["indexname"])
    if found is None or found[0].oid != relation.oid:
        raise Refused("42704", f'index "{node["indexname"]}" does not exist', span)
    index = found[1]
    if any(each.index == index.oid for each in relation.constraints):
        raise Refused("55000", f'index "{index.name}" is already associated with a constraint', span)
    if not index.unique:
        raise Refused("42809", f'"{index.name}" is not a unique index', span)
    if index.predicate is not None:
        raise Refused("42809", f'"{index.name}" is a partial index', span)
    if index.expressions:
        raise Refused("42809", f'index "{index.name}" contains expressions', span)
    primary = kind is ConstraintKind.PRIMARY_KEY
    name = node.get("conname") or index.name
    refuse_duplicate(relation, name, span)
    for number in index.columns if primary else ():
        column = relation.column_numbered(number)
        if column is not None:
            catalog = add_not_null(catalog, relation.oid, column.name, None, span)
    changed = replace(index, name=name, primary=primary, immediate=not node.get("deferrable"))
    relation = table(catalog, relation.oid)
    catalog = catalog.put(replace(relation, indexes=tuple(changed if i.oid == index.oid else i for i in relation.indexes)))
    catalog = catalog.put(replace(catalog.get(index.oid), name=name))
    catalog, new = catalog.new_oid()
    constraint = Constraint(
        new, name, kind, index.columns, index=index.oid, span=span,
        deferrable=bool(node.get("deferrable")), initially_deferred=bool(node.get("initdeferred")),
    )  # fmt: skip
    return put_constraint(catalog, relation.oid, constraint)


def key_on_partition(catalog: Catalog, parent: int, partition: Relation, constraint: Constraint) -> Catalog:
    """A partitioned table's key on one of its partitions."""
    above = table(catalog, parent)
    index = next(each for each in above.indexes if each.oid == constraint.index)
    if constraint.kind is ConstraintKind.PRIMARY_KEY:
        for name in [c.name for c in above.columns if c.number in constraint.columns]:
            catalog = add_not_null(catalog, partition.oid, name, None, constraint.span, inherited=True)
    own = next(
        (c for c in partition.constraints if c.kind is constraint.kind and _names(partition, c) == _names(above, constraint)),
        None,
    )
    if own is not None:
        changed = tuple(replace(i, parent=index.oid) if i.oid == own.index else i for i in partition.indexes)
        catalog = catalog.put(replace(table(catalog, partition.oid), indexes=changed))
        return put_changed(catalog, table(catalog, partition.oid), replace(own, parent=constraint.oid))
    catalog, clone = index_on_partition(catalog, above, table(catalog, partition.oid), index)
    catalog, new = catalog.new_oid()
    below = replace(
        constraint, oid=new, name=clone.name, columns=tuple(n for n in clone.columns if n), index=clone.oid, inherited=True,
        parent=constraint.oid,
    )  # fmt: skip
    catalog = put_constraint(catalog, partition.oid, below)
    for each in partitions_of(catalog, partition):
        catalog = key_on_partition(catalog, partition.oid, each, below)
    return catalog


def _names(relation: Relation, constraint: Constraint) -> list[str]:
    found = (relation.column_numbered(each) for each in constraint.columns)
    return [each.name for each in found if each is not None]
