"""CREATE TABLE, with LIKE, INHERITS, PARTITION OF and OF."""

from __future__ import annotations

from typing import NamedTuple

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Column, ConstraintKind, Node, Relation, RelationKind, Rows
from schemalint.replay.columns import Definition, define_column, with_generated
from schemalint.replay.constraints import add_check, add_key, add_not_null
from schemalint.replay.context import Context, Refused
from schemalint.replay.foreign_keys import add_foreign_key
from schemalint.replay.names import owner_now, range_name, relation_of, replace, schema_for, temporary_schema
from schemalint.replay.owners import with_privileges
from schemalint.text import Span

PERSISTENCE = {"p": "permanent", "u": "unlogged", "t": "temporary"}


class Constrained(NamedTuple):
    """A constraint to be added once the columns stand, and the column whose definition holds it."""

    node: Node
    span: Span
    column: str | None = None


def create_table(catalog: Catalog, node: Node, context: Context) -> Catalog:
    opened = open_relation(catalog, node["relation"], context, bool(node.get("if_not_exists")))
    if opened is None:
        return catalog
    if "partspec" in node and node["relation"].get("relpersistence") == "u":
        raise Refused("0A000", "partitioned tables cannot be unlogged")
    catalog, schema = opened
    catalog, oid = catalog.new_oid()
    kind = RelationKind.PARTITIONED_TABLE if "partspec" in node else RelationKind.TABLE
    table = Relation(
        oid, schema, node["relation"]["relname"], kind, persistence=PERSISTENCE[node["relation"].get("relpersistence", "p")],
        owner=owner_now(catalog), partition_key=node.get("partspec"), rows=Rows.NONE, options=options_of(node.get("options")),
        span=context.span,
    )  # fmt: skip
    if "inhRelations" in node or "ofTypename" in node:
        from schemalint.replay.derived_tables import begin_derived

        catalog, table = begin_derived(catalog, table, node, context)
    catalog, table, constraints, generated = _elements(catalog, table, node.get("tableElts") or (), context)
    if kind is RelationKind.PARTITIONED_TABLE:
        _refuse_partition_key(table, {number for number, _ in generated})
    catalog = catalog.put(with_privileges(catalog, table))
    for number, tree in generated:
        catalog = with_generated(catalog, oid, number, tree)
    catalog = add_constraints(catalog, oid, constraints, context, creating=True)
    if "inhRelations" in node:
        from schemalint.replay.derived_tables import finish_derived

        catalog = finish_derived(catalog, oid, context)
    for each in node.get("tableElts") or ():
        if "TableLikeClause" in each:
            from schemalint.replay.derived_tables import finish_like

            catalog = finish_like(catalog, oid, each["TableLikeClause"], context)
    return catalog


def _refuse_partition_key(table: Relation, generated: set[int]) -> None:
    assert table.partition_key is not None
    parameters = [each["PartitionElem"] for each in table.partition_key.get("partParams") or ()]
    if table.partition_key.get("strategy") == "PARTITION_STRATEGY_LIST" and len(parameters) > 1:
        raise Refused("42P17", 'cannot use "list" partition strategy with more than one column')
    for name in [each["name"] for each in parameters if "name" in each]:
        column = table.column(name)
        if column is None and not table.tainted:
            raise Refused("42703", f'column "{name}" named in partition key does not exist')
        if column is not None and column.number in generated:
            raise Refused("42P17", "cannot use generated column in partition key")


def open_relation(catalog: Catalog, node: Node, context: Context, if_not_exists: bool) -> tuple[Catalog, int] | None:
    """The schema for a new relation; None where one of its name is there already and that is all right."""
    schema_name, name = range_name(node)
    if node.get("relpersistence") == "t":
        catalog, schema = temporary_schema(catalog)
    else:
        catalog, schema = schema_for(catalog, schema_name, context)
    if catalog.get(("relation", schema, name)) is not None:
        if if_not_exists:
            return None
        raise Refused("42P07", f'relation "{name}" already exists', certain=not catalog.get(("unmodelled", name)))
    if catalog.get(("type", schema, name)) is not None:
        raise Refused("42710", f'type "{name}" already exists')
    return catalog, schema


def options_of(options: list[Node] | None) -> tuple[tuple[str, str], ...]:
    return tuple((each["DefElem"]["defname"], option_text(each["DefElem"])) for each in options or ())


def option_text(element: Node) -> str:
    """The value of a DefElem as text; a bare name means true."""
    argument = element.get("arg")
    if argument is None:
        return "true"
    kind, inner = next(iter(argument.items()))
    if kind == "String":
        text: str = inner.get("sval", "")
        return text
    if kind == "Integer":
        return str(inner.get("ival", 0))
    if kind == "Float":
        return str(inner.get("fval", ""))
    if kind == "Boolean":
        return "true" if inner.get("boolval") else "false"
    names = inner.get("names") if kind == "TypeName" else None
    return ".".join(each["String"]["sval"] for each in names) if names else ""


def _elements(
    catalog: Catalog, table: Relation, elements: list[Node] | tuple[()], context: Context
) -> tuple[Catalog, Relation, list[Constrained], list[tuple[int, Node]]]:
    """The columns of a table's element list, and what waits for all of them."""
    columns = {each.name: each for each in table.columns}
    inherited = dict(columns)
    number = table.next_number
    constraints: list[Constrained] = []
    generated: list[tuple[int, Node]] = []
    for each in elements:
        kind, node = next(iter(each.items()))
        if kind == "Constraint":
            constraints.append(Constrained(node, context.here(node)))
        elif kind == "TableLikeClause":
            from schemalint.replay.derived_tables import columns_like

            catalog, like, more = columns_like(catalog, table, number, node, context)
            for column in like:
                if column.name in inherited:
                    column = replace(column, number=inherited.pop(column.name).number)
                elif column.name in columns:
                    raise duplicate_column(column.name, context.here(node))
                columns[column.name] = column
            number += len(like)
            constraints.extend(more)
        elif kind == "ColumnDef":
            name = node["colname"]
            before = inherited.pop(name, None)
            if before is not None:
                catalog, definition = _merged_column(catalog, table, before, node, context)
            elif name in columns:
                raise duplicate_column(name, context.here(node))
            else:
                catalog, definition = define_column(catalog, table, number, node, context)
                number += 1
            columns[name] = definition.column
            constraints.extend(Constrained(*pair, name) for pair in definition.constraints)
            if definition.generated is not None:
                generated.append((definition.column.number, definition.generated))
    return catalog, replace(table, columns=tuple(columns.values()), next_number=number), constraints, generated


def duplicate_column(name: str, span: Span) -> Refused:
    return Refused("42701", f'column "{name}" specified more than once', span)


def _merged_column(catalog: Catalog, table: Relation, before: Column, node: Node, context: Context) -> tuple[Catalog, Definition]:
    """A column that the parent or type has already, with what the table says of it itself."""
    if "typeName" in node:
        catalog, own = define_column(catalog, table, before.number, node, context)
    else:
        own = define_untyped(catalog, table, before, node, context)
    column = own.column
    merged = replace(
        column, type=before.type, not_null=column.not_null or before.not_null,
        default=column.default or before.default, generated=column.generated or before.generated,
        identity=column.identity or before.identity, inherited=before.inherited and "typeName" not in node,
    )  # fmt: skip
    return catalog, Definition(merged, own.constraints, own.generated)


def define_untyped(catalog: Catalog, table: Relation, before: Column, node: Node, context: Context) -> Definition:
    typed = {**node, "typeName": {"names": [{"String": {"sval": "text"}}]}}
    _, definition = define_column(catalog, table, before.number, typed, context)
    return definition


KEYS = ("CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_EXCLUSION")
ORDER = {
    "CONSTR_NOTNULL": 0,
    "CONSTR_CHECK": 0,
    "CONSTR_PRIMARY": 1,
    "CONSTR_UNIQUE": 2,
    "CONSTR_EXCLUSION": 2,
    "CONSTR_FOREIGN": 3,
}


def add_constraints(catalog: Catalog, oid: int, constraints: list[Constrained], context: Context, creating: bool) -> Catalog:
    """The constraints of a definition, in the order in which PostgreSQL makes them: checks, keys, foreign keys."""
    if sum(each.node["contype"] == "CONSTR_PRIMARY" for each in constraints) > 1:
        raise Refused("42P16", "multiple primary keys are not allowed", constraints[-1].span)
    for each in _merged(sorted(constraints, key=_order)) if creating and len(constraints) > 1 else constraints:
        catalog = add_constraint(catalog, oid, each, context, creating)
    return catalog


def _merged(constraints: list[Constrained]) -> list[Constrained]:
    """Without keys that say the same again: PRIMARY KEY UNIQUE over the same columns is one index, under the name given."""
    kept: dict[tuple[object, ...], Constrained] = {}
    for place, each in enumerate(constraints):
        if each.node["contype"] not in KEYS:
            kept[(place,)] = each
            continue
        keys = each.node.get("keys") or [{"String": {"sval": each.column}}]
        others = (each.node.get(field) for field in ("exclusions", "including", "where_clause", "access_method"))
        flags = (bool(each.node.get(field)) for field in ("nulls_not_distinct", "deferrable", "initdeferred"))
        same = (str(keys), *map(str, others), *flags)
        first = kept.setdefault(same, each)
        if "conname" in each.node and "conname" not in first.node:
            kept[same] = first._replace(node={**first.node, "conname": each.node["conname"]})
    return list(kept.values())


def _order(constrained: Constrained) -> int:
    return ORDER.get(constrained.node["contype"], 4)


def add_constraint(catalog: Catalog, oid: int, constrained: Constrained, context: Context, creating: bool) -> Catalog:
    node, span, column = constrained
    kind = node["contype"]
    if kind == "CONSTR_NOTNULL":
        name = column if column is not None else node["keys"][0]["String"]["sval"]
        return add_not_null(
            catalog, oid, name, node.get("conname"), span,
            validated=creating or not node.get("skip_validation"), no_inherit=bool(node.get("is_no_inherit")),
        )  # fmt: skip
    if kind == "CONSTR_CHECK":
        return add_check(catalog, oid, node, span, creating, column)
    if kind == "CONSTR_FOREIGN":
        return add_foreign_key(catalog, oid, node, span, context, creating, column)
    if kind in KEYS:
        return add_key(catalog, oid, node, span, context, column)
    context.gap(f"constraint of kind {kind} is not modelled", node)
    return catalog


def not_nulls_like(catalog: Catalog, source: Relation, span: Span) -> list[Constrained]:
    """A relation's NOT NULL constraints as nodes that make the same ones elsewhere."""
    found: list[Constrained] = []
    for each in source.constraints:
        if each.kind is ConstraintKind.NOT_NULL:
            column = source.column_numbered(each.columns[0])
            if column is not None:
                node: Node = {"contype": "CONSTR_NOTNULL", "conname": each.name}
                found.append(Constrained(node, span, column.name))
    return found


def source_of(catalog: Catalog, node: Node) -> Relation:
    return relation_of(catalog, node["relation"])
