"""Indexes: CREATE INDEX, and those behind keys and exclusions."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Expression, Index, IndexName, Node, Relation, RelationKind
from schemalint.catalog.type_names import strings
from schemalint.replay.columns import own_expression
from schemalint.replay.context import Context, Refused
from schemalint.replay.inheritance import partitions_of
from schemalint.replay.names import columns_addition, find_named, relation_name, relation_of, replace
from schemalint.replay.output_names import output_name
from schemalint.replay.reading import Scope, table_of
from schemalint.text import Span

ORDERINGS = {
    "SORTBY_ASC": "asc",
    "SORTBY_DESC": "desc",
    "SORTBY_NULLS_FIRST": "nulls first",
    "SORTBY_NULLS_LAST": "nulls last",
}
INDEXED = (RelationKind.TABLE, RelationKind.PARTITIONED_TABLE, RelationKind.MATERIALIZED_VIEW, RelationKind.FOREIGN_TABLE)


BUILT_IN = frozenset({"btree", "hash", "gin", "gist", "spgist", "brin"})


def create_index(catalog: Catalog, node: Node, context: Context) -> Catalog:
    relation = relation_of(catalog, node["relation"])
    if relation.kind not in INDEXED:
        raise Refused("42809", f'cannot create index on relation "{relation.name}"')
    if node.get("concurrent"):
        if context.block:
            raise Refused("25001", "CREATE INDEX CONCURRENTLY cannot run inside a transaction block")
        if relation.kind is RelationKind.PARTITIONED_TABLE:
            raise Refused("0A000", f'cannot create index on partitioned table "{relation.name}" concurrently')
    name = node.get("idxname")
    if name is not None and catalog.get(("relation", relation.schema, name)) is not None:
        if node.get("if_not_exists"):
            return catalog
        raise Refused("42P07", f'relation "{name}" already exists')
    catalog, index = define_index(catalog, relation, node, context.span)
    catalog = put_index(catalog, relation.oid, index)
    if relation.kind is RelationKind.PARTITIONED_TABLE and node["relation"].get("inh"):
        catalog = clone_index(catalog, relation, index)
    return catalog


def _refuse_unable(node: Node) -> None:
    """What an access method cannot do, as far as PostgreSQL's own go (pg_indexam_has_property)."""
    method = node.get("accessMethod") or "btree"
    if method in BUILT_IN and method != "btree":
        if node.get("unique"):
            raise Refused("0A000", f'access method "{method}" does not support unique indexes')
        ordered = any({"ordering", "nulls_ordering"} & _ordering(each) for each in node["indexParams"])
        if ordered and method != "btree":
            raise Refused("0A000", f'access method "{method}" does not support ASC/DESC options')
        if len(node["indexParams"]) > 1 and method in ("hash", "spgist"):
            raise Refused("0A000", f'access method "{method}" does not support multicolumn indexes')
        if node.get("indexIncludingParams") and method in ("hash", "gin", "brin"):
            raise Refused("0A000", f'access method "{method}" does not support included columns')


def _refuse_mutable(catalog: Catalog, tree: Node, relation: Relation, word: str, span: Span | None) -> None:
    if not relation.tainted:
        from schemalint.replay.volatility import refuse_mutable

        scope = Scope((table_of(relation, catalog),))
        refuse_mutable(catalog, tree, scope, f"functions in index {word} must be marked IMMUTABLE", span)


def _ordering(element: Node) -> set[str]:
    """What an index column says of its order."""
    inner = element["IndexElem"]
    given = {"ordering": "SORTBY_DEFAULT", "nulls_ordering": "SORTBY_NULLS_DEFAULT"}
    return {key for key, default in given.items() if inner.get(key, default) != default}


def define_index(catalog: Catalog, relation: Relation, node: Node, span: Span | None) -> tuple[Catalog, Index]:
    """The index that an IndexStmt describes."""
    _refuse_unable(node)
    columns: list[int] = []
    expressions: list[Expression] = []
    orderings: list[str] = []
    classes: list[str] = []
    collations: list[str] = []
    for each in node["indexParams"]:
        element = each["IndexElem"]
        tree, plain = _element_tree(element)
        if tree is None:
            columns.append(_column(relation, plain))
        else:
            catalog, expression = own_expression(catalog, tree, span, relation)
            _refuse_mutable(catalog, tree, relation, "expression", span)
            columns.append(0)
            expressions.append(expression)
        words = (ORDERINGS.get(element.get(key, ""), "") for key in ("ordering", "nulls_ordering"))
        orderings.append(" ".join(word for word in words if word and word != "asc"))
        classes.append((strings(element.get("opclass")) or [""])[-1])
        collations.append((strings(element.get("collation")) or [""])[-1])
    included = tuple([_column(relation, each["IndexElem"]["name"]) for each in node.get("indexIncludingParams") or ()])
    predicate = None
    if "whereClause" in node:
        catalog, predicate = own_expression(catalog, node["whereClause"], span, relation)
        _refuse_mutable(catalog, node["whereClause"], relation, "predicate", span)
    name = node.get("idxname") or index_name(catalog, relation, node)
    catalog, oid = catalog.new_oid()
    index = Index(
        oid=oid, name=name, columns=tuple(columns), expressions=tuple(expressions), included=included,
        unique=bool(node.get("unique")), nulls_not_distinct=bool(node.get("nulls_not_distinct")), predicate=predicate,
        method=node.get("accessMethod") or "btree", operator_classes=tuple(classes), collations=tuple(collations),
        orderings=tuple(orderings), options={"options": node["options"]} if node.get("options") else None, span=span,
    )  # fmt: skip
    return catalog, index


def _element_tree(element: Node) -> tuple[Node | None, str]:
    """An index element's expression, or its column; a column in parentheses is a column."""
    if "expr" not in element:
        return None, element["name"]
    reference = element["expr"].get("ColumnRef")
    names = strings(reference.get("fields")) if reference else []
    return (None, names[0]) if len(names) == 1 else (element["expr"], "")


def _column(relation: Relation, name: str) -> int:
    column = relation.column(name)
    if column is None:
        if relation.tainted:
            return -1
        raise Refused("42703", f'column "{name}" does not exist')
    return column.number


def index_name(catalog: Catalog, relation: Relation, node: Node) -> str:
    """ChooseIndexName for CREATE INDEX: the columns' names, and what an expression would be called."""
    names: list[str] = []
    for each in (*node["indexParams"], *(node.get("indexIncludingParams") or ())):
        element = each["IndexElem"]
        base = element.get("name") or output_name(element.get("expr") or {}, "expr")
        names.append("expr" if base == "?column?" else base)
    names = told_apart(names)
    return relation_name(catalog, relation.schema, relation.name, columns_addition(names), "idx")


def told_apart(names: list[str]) -> list[str]:
    """ChooseIndexColumnNames: a name that is taken gets a number."""
    found: list[str] = []
    for base in names:
        name, number = base, 0
        while name in found:
            number += 1
            name = f"{base}{number}"
        found.append(name)
    return found


def key_index_name(catalog: Catalog, relation: Relation, columns: list[str], label: str) -> str:
    """ChooseIndexName for a constraint: t_pkey, t_a_b_key, t_a_excl."""
    second = None if label == "pkey" else columns_addition(told_apart(columns))
    return relation_name(catalog, relation.schema, relation.name, second, label, constraint=True)


def put_index(catalog: Catalog, oid: int, index: Index) -> Catalog:
    relation = catalog.relation(oid)
    assert relation is not None
    catalog = catalog.put(replace(relation, indexes=(*relation.indexes, index)))
    return catalog.put(IndexName(index.oid, relation.schema, index.name, oid))


def clone_index(catalog: Catalog, parent: Relation, index: Index) -> Catalog:
    """The index on each partition, under a name of its own."""
    for partition in partitions_of(catalog, parent):
        catalog, _ = index_on_partition(catalog, parent, partition, index)
    return catalog


def index_on_partition(catalog: Catalog, parent: Relation, partition: Relation, index: Index) -> tuple[Catalog, Index]:
    """The partition's own index for one of its parent's: one that it has already, or a new one."""
    mapping = {c.number: p.number for c in parent.columns for p in partition.columns if c.name == p.name}
    columns = tuple(mapping.get(each, 0) for each in index.columns)
    for each in partition.indexes:
        if each.parent is None and _same_index(each, index, columns):
            owned = replace(each, parent=index.oid)
            indexes = tuple(owned if old is each else old for old in partition.indexes)
            return catalog.put(replace(partition, indexes=indexes)), owned
    names = [
        c.name for number in (*columns, *(mapping[i] for i in index.included)) for c in partition.columns if c.number == number
    ]
    names = names or [output_name(each.node, "expr") for each in index.expressions]
    if index.primary:
        name = key_index_name(catalog, partition, [], "pkey")
    elif any(each.index == index.oid for each in parent.constraints):
        name = key_index_name(catalog, partition, names, "key")
    else:
        name = relation_name(catalog, partition.schema, partition.name, columns_addition(names), "idx")
    catalog, oid = catalog.new_oid()
    included = tuple(mapping[each] for each in index.included)
    clone = replace(index, oid=oid, name=name, columns=columns, included=included, parent=index.oid)
    catalog = put_index(catalog, partition.oid, clone)
    current = catalog.relation(partition.oid)
    if current is not None and current.kind is RelationKind.PARTITIONED_TABLE:
        catalog = clone_index(catalog, current, clone)
    return catalog, clone


def _same_index(candidate: Index, index: Index, columns: tuple[int, ...]) -> bool:
    return (
        candidate.columns == columns
        and candidate.unique == index.unique
        and candidate.method == index.method
        and len(candidate.expressions) == len(index.expressions)
        and (candidate.predicate is None) == (index.predicate is None)
        and candidate.primary == index.primary
    )


def find_index(catalog: Catalog, schema: str | None, name: str) -> tuple[Relation, Index] | None:
    """An index by name, with its relation."""
    found = find_named(catalog, schema, name)
    if not isinstance(found, IndexName):
        return None
    relation = catalog.relation(found.relation)
    if relation is None:
        return None
    return next(((relation, each) for each in relation.indexes if each.oid == found.oid), None)
