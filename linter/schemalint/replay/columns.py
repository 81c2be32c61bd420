"""Columns: what a ColumnDef makes, serials and identity included."""

from __future__ import annotations

from typing import NamedTuple

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import UNKNOWN, Column, Expression, Node, Reference, Relation, RelationKind, SequenceState, Type
from schemalint.catalog.type_names import strings
from schemalint.replay.context import Context, NotModelled, Refused
from schemalint.replay.names import relation_name, replace, type_named, use_all, use_type
from schemalint.replay.owners import with_privileges
from schemalint.replay.reading import Scope, expression_in, table_of
from schemalint.text import Span

SERIALS = {
    "smallserial": "int2",
    "serial2": "int2",
    "serial": "int4",
    "serial4": "int4",
    "bigserial": "int8",
    "serial8": "int8",
}
IDENTITY = {"a": "always", "d": "by default"}
GENERATED = {"s": "stored", "v": "virtual"}
VALUES = {"CONSTR_DEFAULT": "default", "CONSTR_IDENTITY": "identity", "CONSTR_GENERATED": "generation expression"}
PLURALS = {
    "CONSTR_DEFAULT": "default values",
    "CONSTR_IDENTITY": "identity specifications",
    "CONSTR_GENERATED": "generation clauses",
}
# What stands behind a constraint in a ColumnDef's list and belongs to it.
ATTRIBUTES = {
    "CONSTR_ATTR_DEFERRABLE": {"deferrable": True},
    "CONSTR_ATTR_NOT_DEFERRABLE": {"deferrable": False},
    "CONSTR_ATTR_DEFERRED": {"deferrable": True, "initdeferred": True},
    "CONSTR_ATTR_IMMEDIATE": {},
    "CONSTR_ATTR_ENFORCED": {"is_enforced": True},
    "CONSTR_ATTR_NOT_ENFORCED": {"is_enforced": False},
}


class Definition(NamedTuple):
    """A new column, and the nodes of its list that need the finished table: constraints, a generated column's expression."""

    column: Column
    constraints: list[tuple[Node, Span]]
    generated: Node | None


def column_constraints(node: Node, end: int, context: Context) -> list[tuple[Node, Span]]:
    """The constraints of a ColumnDef, each with the attributes behind it, and where it stands."""
    found: list[tuple[Node, Span]] = []
    nodes = [each["Constraint"] for each in node.get("constraints") or ()]
    starts = [context.offset(each) for each in nodes]
    for place, each in enumerate(nodes):
        stop = context.trimmed(starts[place], starts[place + 1]) if place + 1 < len(nodes) else end
        attributes = ATTRIBUTES.get(each["contype"])
        if attributes is None:
            found.append((each, Span(context.source, starts[place], stop)))
        elif found:
            last, span = found[-1]
            found[-1] = ({**last, **attributes}, Span(span.source, span.start, stop))
    return found


def define_column(
    catalog: Catalog, table: Relation, number: int, node: Node, context: Context, span: Span | None = None
) -> tuple[Catalog, Definition]:
    span = span or context.here(node)
    name = node["colname"]
    catalog, type_, default, sequence_not_null = _type_of_column(catalog, table, number, node, context)
    not_null, identity, generated, expression = sequence_not_null, "", "", None
    constraints: list[tuple[Node, Span]] = []
    given = ["CONSTR_DEFAULT"] if sequence_not_null else []
    if sequence_not_null:
        constraints.append(({"contype": "CONSTR_NOTNULL"}, span))
    for each, place in column_constraints(node, span.end, context) if "constraints" in node else ():
        kind = each["contype"]
        if kind in VALUES:
            refuse_second_value(kind, given, name, table, place)
            given.append(kind)
        if kind == "CONSTR_DEFAULT":
            default, catalog = default_expression(catalog, each["raw_expr"], place, table, name, type_)
        elif kind == "CONSTR_IDENTITY":
            identity = IDENTITY[each["generated_when"]]
            refuse_identity_of(type_, place)
            catalog, _ = new_sequence(catalog, table, number, name, type_, each.get("options"), identity=True)
            constraints.append(({"contype": "CONSTR_NOTNULL"}, place))
            not_null = True
        elif kind == "CONSTR_GENERATED":
            generated, expression = GENERATED[each.get("generated_kind", "s")], each["raw_expr"]
        elif kind == "CONSTR_NOTNULL":
            not_null = True
            constraints = [c for c in constraints if c[0]["contype"] != kind or "conname" in c[0]]
            constraints.append((each, place))
        elif kind != "CONSTR_NULL":
            constraints.append((each, place))
    column = Column(number, name, type_, not_null, default, identity, generated, collation_of(node), span=span)
    return catalog, Definition(column, constraints, expression)


def refuse_second_value(kind: str, given: list[str], name: str, table: Relation, span: Span) -> None:
    """A column gets its values in one way: by default, from its identity, or generated."""
    if not given:
        return
    words = sorted({VALUES[kind], VALUES[given[0]]}, key=list(VALUES.values()).index)
    both = f"multiple {PLURALS[kind]} specified" if len(words) == 1 else f"both {words[0]} and {words[1]} specified"
    raise Refused("42601", f'{both} for column "{name}" of table "{table.name}"', span)


def collation_of(definition: Node) -> str | None:
    """The collation that a column definition asks for; None for its type's own."""
    name = (strings((definition.get("collClause") or {}).get("collname")) or ["default"])[-1]
    return None if name == "default" else name


def refuse_identity_of(type_: Type, span: Span | None) -> None:
    if type_.id not in ("int2", "int4", "int8", UNKNOWN.id):
        raise Refused("22023", "identity column type must be smallint, integer, or bigint", span)


def _type_of_column(
    catalog: Catalog, table: Relation, number: int, node: Node, context: Context
) -> tuple[Catalog, Type, Expression | None, bool]:
    type_node = node["typeName"]
    if (serial := serial_of(type_node)) is not None:
        type_ = Type(SERIALS[serial])
        catalog, sequence = new_sequence(catalog, table, number, node["colname"], type_, None)
        return catalog, type_, next_value(catalog, sequence), True
    type_ = type_named(catalog, type_node, context)
    return use_type(catalog, table.oid, type_), type_, None, False


def serial_of(node: Node) -> str | None:
    """The name in a TypeName that stands for an integer with a sequence; types of composite types have none."""
    names = node.get("names") or []
    name = names[0]["String"]["sval"] if len(names) == 1 else None
    return name if name in SERIALS else None


def next_value(catalog: Catalog, sequence: Relation) -> Expression:
    """nextval('…'::regclass), as serial and bigserial set it."""
    text = catalog.qualified_name(sequence)
    literal = {"A_Const": {"sval": {"sval": text}}}
    cast = {"TypeCast": {"arg": literal, "typeName": {"names": [{"String": {"sval": "regclass"}}]}}}
    call = {"FuncCall": {"funcname": [{"String": {"sval": "nextval"}}], "args": [cast]}}
    return Expression(call, None, references=(Reference(sequence.oid),))


def new_sequence(
    catalog: Catalog, table: Relation, number: int, column: str, type_: Type, options: list[Node] | None, identity: bool = False
) -> tuple[Catalog, Relation]:
    """The sequence of a serial or identity column."""
    schema, name = table.schema, None
    for each in options or ():
        if each["DefElem"]["defname"] == "sequence_name":
            name = strings(each["DefElem"]["arg"]["List"]["items"])[-1]
    name = name or relation_name(catalog, schema, table.name, column, "seq")
    catalog, oid = catalog.new_oid()
    state = SequenceState(type_, table.oid, number, identity)
    if options:
        from schemalint.replay.sequences import new_state

        state = new_state(state, options, catalog)
    sequence = Relation(
        oid, schema, name, RelationKind.SEQUENCE, persistence=table.persistence, owner=table.owner, sequence=state
    )
    catalog = catalog.put(with_privileges(catalog, sequence)).use(oid, table.oid)
    return (catalog if identity else catalog.use(table.oid, oid)), sequence


def default_expression(
    catalog: Catalog, node: Node, span: Span | None, table: Relation, column: str, type_: Type
) -> tuple[Expression | None, Catalog]:
    """A DEFAULT; none where it is the constant NULL."""
    from schemalint.replay.literals import refuse_unfit

    if "A_Const" in node:
        refuse_unfit(catalog, column, type_, node, span)
        none = node["A_Const"].get("isnull") and is_plain_null(catalog, type_)
        return (None if none else Expression(node, span)), catalog
    expression, reader = expression_in(catalog, node, span)
    if reader.missing:
        raise Refused("0A000", "cannot use column reference in DEFAULT expression", span)
    refuse_unfit(catalog, column, type_, node, span, reader=reader)
    return expression, use_all(catalog, table.oid, used_by(expression))


def is_plain_null(catalog: Catalog, type_: Type) -> bool:
    """Whether NULL stays a constant as a default of the type, so that PostgreSQL keeps none. A length, or a domain, is a call."""
    return not type_.modifiers and catalog.domain_base(type_) == type_


def used_by(expression: Expression) -> list[int]:
    return [*expression.functions, *(each.oid for each in expression.references)]


def own_expression(catalog: Catalog, node: Node, span: Span | None, relation: Relation) -> tuple[Catalog, Expression]:
    """An expression over a relation's own columns: CHECK, generated column, index, predicate."""
    expression, reader = expression_in(catalog, node, span, (table_of(relation, catalog),), relation.oid)
    if reader.missing and not relation.tainted:
        raise Refused("42703", f'column "{reader.missing[0][1]}" does not exist')
    if not relation.tainted:
        from schemalint.replay.operators import refuse_unknown_operators

        refuse_unknown_operators(catalog, node, Scope((table_of(relation, catalog),)), span)
    used = used_by(expression)
    return (use_all(catalog, relation.oid, used) if used else catalog), expression


def with_generated(catalog: Catalog, oid: int, number: int, node: Node) -> Catalog:
    relation = catalog.relation(oid)
    assert relation is not None
    column = relation.column_numbered(number)
    assert column is not None
    from schemalint.replay.literals import refuse_unfit
    from schemalint.replay.volatility import refuse_mutable

    catalog, expression = own_expression(catalog, node, column.span, relation)
    scope = Scope((table_of(relation, catalog),))
    refuse_unfit(catalog, column.name, column.type, node, column.span, scope)
    refuse_mutable(catalog, node, scope, "generation expression is not immutable", column.span)
    return put_column(catalog, relation, replace(column, default=expression))


def put_column(catalog: Catalog, relation: Relation, column: Column) -> Catalog:
    columns = tuple([column if each.number == column.number else each for each in relation.columns])
    return catalog.put(replace(relation, columns=columns))


def column_named(relation: Relation, name: str, span: Span | None = None) -> Column:
    """The column of that name; a refusal where there is none."""
    column = relation.column(name)
    if column is None:
        raise no_column(relation, name, span)
    return column


def no_column(relation: Relation, name: str, span: Span | None = None) -> Exception:
    if relation.tainted:
        return NotModelled(f'column "{name}" of relation "{relation.name}" is not known', relation.name)
    return Refused("42703", f'column "{name}" of relation "{relation.name}" does not exist', span)


def partition_columns(relation: Relation) -> list[str]:
    """The columns by which a table is partitioned, as far as no expression stands for them."""
    parameters = (relation.partition_key or {}).get("partParams") or ()
    return [each["PartitionElem"]["name"] for each in parameters if "name" in each["PartitionElem"]]
