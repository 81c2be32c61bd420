"""CREATE TYPE, CREATE DOMAIN, and what alters them."""

from __future__ import annotations

from collections.abc import Callable

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import (
    Constraint,
    ConstraintKind,
    Expression,
    Node,
    Opaque,
    Relation,
    RelationKind,
    Type,
    TypeKind,
    UserType,
)
from schemalint.catalog.type_names import strings, type_of
from schemalint.replay.columns import define_column, is_plain_null, serial_of, used_by
from schemalint.replay.context import Context, Refused
from schemalint.replay.names import (
    constraint_name,
    list_name,
    missing,
    owner_now,
    plain_path,
    remember_constraint,
    replace,
    schema_for,
    type_named,
    use_all,
    use_type,
)
from schemalint.replay.reading import Output, Table, expression_in
from schemalint.replay.transactions import FRESH, MADE
from schemalint.text import Span


def _open(catalog: Catalog, names: list[Node], context: Context) -> tuple[Catalog, int, str]:
    schema_name, name = list_name(names)
    catalog, schema = schema_for(catalog, schema_name, context)
    if catalog.get(("type", schema, name)) is not None:
        raise Refused("42710", f'type "{name}" already exists', certain=not catalog.get(("unmodelled", name)))
    return catalog, schema, name


def create_enum(catalog: Catalog, node: Node, context: Context) -> Catalog:
    catalog, schema, name = _open(catalog, node["typeName"], context)
    catalog, oid = catalog.new_oid()
    catalog = catalog.bind(MADE, (*(catalog.get(MADE) or ()), oid))
    labels = tuple(strings(node.get("vals")))
    return catalog.put(
        UserType(oid, schema, name, TypeKind.ENUM, labels, category="E", owner=owner_now(catalog), span=context.span)
    )


def alter_enum(catalog: Catalog, node: Node, context: Context) -> Catalog:
    type_ = user_type_of(catalog, node["typeName"])
    if type_.kind is not TypeKind.ENUM:
        raise Refused("42809", f'"{type_.name}" is not an enum')
    new = node["newVal"]
    if "oldVal" in node:
        if node["oldVal"] not in type_.labels:
            raise Refused("22023", f'"{node["oldVal"]}" is not an existing enum label')
        if new in type_.labels:
            raise Refused("42710", f'enum label "{new}" already exists')
        return catalog.put(replace(type_, labels=tuple(new if each == node["oldVal"] else each for each in type_.labels)))
    if new in type_.labels:
        if node.get("skipIfNewValExists"):
            return catalog
        raise Refused("42710", f'enum label "{new}" already exists')
    place = len(type_.labels)
    if "newValNeighbor" in node:
        if node["newValNeighbor"] not in type_.labels:
            raise Refused("22023", f'"{node["newValNeighbor"]}" is not an existing enum label')
        place = type_.labels.index(node["newValNeighbor"]) + (1 if node.get("newValIsAfter") else 0)
    labels = (*type_.labels[:place], new, *type_.labels[place:])
    if type_.oid in (catalog.get(MADE) or ()):
        return catalog.put(replace(type_, labels=labels))
    catalog = catalog.bind(FRESH, (*(catalog.get(FRESH) or ()), type_.oid))
    return catalog.put(replace(type_, labels=labels, fresh_labels=(*type_.fresh_labels, new)))


def user_type_of(catalog: Catalog, names: list[Node]) -> UserType:
    schema, name = list_name(names)
    found = catalog.find_type(schema, name, plain_path(catalog))
    if found is None:
        raise missing(catalog, "type", schema, name, "42704", "type")
    if not isinstance(found, UserType):
        raise Refused("42809", f'"{name}" is not a domain or enum')
    return found


def create_composite(catalog: Catalog, node: Node, context: Context) -> Catalog:
    name = node["typevar"]["relname"]
    catalog, schema = schema_for(catalog, node["typevar"].get("schemaname"), context)
    if catalog.get(("type", schema, name)) is not None:
        raise Refused("42710", f'type "{name}" already exists')
    if catalog.get(("relation", schema, name)) is not None:
        raise Refused("42P07", f'relation "{name}" already exists')
    catalog, oid = catalog.new_oid()
    relation = Relation(oid, schema, name, RelationKind.COMPOSITE_TYPE, owner=owner_now(catalog), span=context.span)
    columns = []
    for place, each in enumerate(node.get("coldeflist") or ()):
        column = each["ColumnDef"]
        if (serial := serial_of(column["typeName"])) is not None:
            raise Refused("42704", f'type "{serial}" does not exist', context.here(column))
        catalog, definition = define_column(catalog, relation, place + 1, column, context)
        columns.append(definition.column)
    return catalog.put(replace(relation, columns=tuple(columns), next_number=len(columns) + 1))


def create_range(catalog: Catalog, node: Node, context: Context) -> Catalog:
    catalog, schema, name = _open(catalog, node["typeName"], context)
    subtype = next((e["DefElem"]["arg"]["TypeName"] for e in node["params"] if e["DefElem"]["defname"] == "subtype"), None)
    base = type_named(catalog, subtype, context) if subtype is not None else None
    catalog, oid = catalog.new_oid()
    catalog = catalog.put(
        UserType(oid, schema, name, TypeKind.RANGE, base=base, category="R", owner=owner_now(catalog), span=context.span)
    )
    catalog, other = catalog.new_oid()
    multirange = name.replace("range", "multirange") if "range" in name else f"{name}_multirange"
    catalog = catalog.put(UserType(other, schema, multirange, TypeKind.BASE, category="R")).use(other, oid)
    return use_type(catalog, oid, base) if base is not None else catalog


def define_object(catalog: Catalog, node: Node, context: Context) -> Catalog:
    """CREATE AGGREGATE, OPERATOR, base TYPE, COLLATION, TEXT SEARCH …: known by name only."""
    kind = node["kind"].removeprefix("OBJECT_").lower()
    schema_name, name = list_name(node["defnames"])
    catalog, schema = schema_for(catalog, schema_name, context)
    if kind == "aggregate":
        return _aggregate(catalog, node, schema, name, context)
    catalog, oid = catalog.new_oid()
    if kind == "type":
        if catalog.get(("type", schema, name)) is not None and node.get("definition"):
            return catalog
        return catalog.put(UserType(oid, schema, name, TypeKind.BASE, span=context.span))
    return catalog.put(Opaque(oid, kind, name, schema, span=context.span))


def _aggregate(catalog: Catalog, node: Node, schema: int, name: str, context: Context) -> Catalog:
    from schemalint.catalog.model import UNKNOWN, Argument, Function

    parameters = (node.get("args") or [{}])[0].get("List", {}).get("items") or ()
    arguments = tuple(Argument(None, type_named(catalog, each["FunctionParameter"]["argType"], context)) for each in parameters)
    state = next(
        (e["DefElem"]["arg"].get("TypeName") for e in node.get("definition") or () if e["DefElem"]["defname"] == "stype"), None
    )
    final = any(e["DefElem"]["defname"] == "finalfunc" for e in node.get("definition") or ())
    result = UNKNOWN if state is None or final else type_of(state, catalog, plain_path(catalog))
    catalog, oid = catalog.new_oid()
    return catalog.put(
        Function(
            oid,
            schema,
            name,
            arguments,
            result,
            kind="aggregate",
            volatility="immutable",
            language="internal",
            owner=owner_now(catalog),
            span=context.span,
        )
    )


# -- domains


def create_domain(catalog: Catalog, node: Node, context: Context) -> Catalog:
    catalog, schema, name = _open(catalog, node["domainname"], context)
    base = type_named(catalog, node["typeName"], context)
    catalog, oid = catalog.new_oid()
    domain = UserType(oid, schema, name, TypeKind.DOMAIN, base=base, owner=owner_now(catalog), span=context.span)
    for each in node.get("constraints") or ():
        constraint = each["Constraint"]
        kind = constraint["contype"]
        if kind == "CONSTR_DEFAULT":
            default, catalog = _default(catalog, domain, constraint["raw_expr"], context.here(constraint))
            domain = replace(domain, default=default)
        elif kind in ("CONSTR_CHECK", "CONSTR_NOTNULL"):
            catalog, domain = _with_constraint(catalog, domain, constraint, context)
    return use_type(catalog.put(domain), oid, base)


def _with_constraint(catalog: Catalog, domain: UserType, node: Node, context: Context) -> tuple[Catalog, UserType]:
    name = node.get("conname")
    if name is not None and any(each.name == name for each in domain.checks):
        raise Refused("42710", f'constraint "{name}" for domain "{domain.name}" already exists')
    span = context.here(node)
    not_null = node["contype"] == "CONSTR_NOTNULL"
    label = "not_null" if not_null else "check"
    others = {each.name for each in domain.checks}
    name = name or constraint_name(catalog, domain.schema, domain.name, None, label, others)
    catalog, oid = catalog.new_oid()
    expression: Expression | None = None
    if not not_null:
        table = Table("", (Output("value", domain.base or Type("?")),))
        expression, _ = expression_in(catalog, node["raw_expr"], span, (table,))
        catalog = use_all(catalog, domain.oid, used_by(expression))
    kind = ConstraintKind.NOT_NULL if not_null else ConstraintKind.CHECK
    constraint = Constraint(oid, name, kind, expression=expression, validated=not node.get("skip_validation"), span=span)
    if not_null:
        return catalog, replace(domain, not_null=True)
    catalog = remember_constraint(catalog, domain.schema, name, domain.oid)
    return catalog, replace(domain, checks=(*domain.checks, constraint))


def alter_domain(catalog: Catalog, node: Node, context: Context) -> Catalog:
    domain = user_type_of(catalog, node["typeName"])
    if domain.kind is not TypeKind.DOMAIN:
        raise Refused("42809", f'"{domain.name}" is not a domain')
    return DOMAIN_CHANGES[node["subtype"]](catalog, domain, node, context)


def _domain_default(catalog: Catalog, domain: UserType, node: Node, context: Context) -> Catalog:
    if "def" not in node:
        return catalog.put(replace(domain, default=None))
    default, catalog = _default(catalog, domain, node["def"], context.span)
    return catalog.put(replace(domain, default=default))


def _default(catalog: Catalog, domain: UserType, node: Node, span: Span) -> tuple[Expression | None, Catalog]:
    """A domain's DEFAULT; none where it is the constant NULL."""
    if node.get("A_Const", {}).get("isnull") and domain.base is not None and is_plain_null(catalog, domain.base):
        return None, catalog
    default, _ = expression_in(catalog, node, span)
    return default, use_all(catalog, domain.oid, used_by(default))


def _domain_add(catalog: Catalog, domain: UserType, node: Node, context: Context) -> Catalog:
    catalog, changed = _with_constraint(catalog, domain, node["def"]["Constraint"], context)
    return catalog.put(replace(changed, span=context.span))


def _domain_drop(catalog: Catalog, domain: UserType, node: Node, context: Context) -> Catalog:
    if all(each.name != node["name"] for each in domain.checks):
        if node.get("missing_ok"):
            return catalog
        raise Refused("42704", f'constraint "{node["name"]}" of domain "{domain.name}" does not exist')
    return catalog.put(replace(domain, checks=tuple(each for each in domain.checks if each.name != node["name"])))


def _domain_validate(catalog: Catalog, domain: UserType, node: Node, context: Context) -> Catalog:
    return catalog.put(
        replace(domain, checks=tuple(replace(c, validated=c.validated or c.name == node["name"]) for c in domain.checks))
    )


DOMAIN_CHANGES: dict[str, Callable[[Catalog, UserType, Node, Context], Catalog]] = {
    "T": _domain_default,
    "N": lambda catalog, domain, node, context: catalog.put(replace(domain, not_null=False)),
    "O": lambda catalog, domain, node, context: catalog.put(replace(domain, not_null=True, span=context.span)),
    "C": _domain_add,
    "X": _domain_drop,
    "V": _domain_validate,
}
