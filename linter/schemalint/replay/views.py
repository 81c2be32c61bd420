"""Views, materialized views, and tables made from queries."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import UNKNOWN, Column, Node, Reference, Relation, RelationKind, Rows, ViewQuery
from schemalint.catalog.type_names import strings
from schemalint.replay.context import Context, Refused
from schemalint.replay.names import (
    TEMPORARY,
    certainly_missing,
    owner_now,
    plain_path,
    range_name,
    replace,
    schema_for,
    shown,
    use_all,
    use_type,
)
from schemalint.replay.owners import with_privileges
from schemalint.replay.reading import NOWHERE, Output, Reader, rewritten
from schemalint.replay.tables import PERSISTENCE, open_relation, option_text, options_of

CHECK_OPTIONS = {"LOCAL_CHECK_OPTION": "local", "CASCADED_CHECK_OPTION": "cascaded"}
TRUE = ("true", "on", "1", "yes")


def create_view(catalog: Catalog, node: Node, context: Context) -> Catalog:
    schema_name, name = range_name(node["view"])
    query, outputs, reader = read_query(catalog, node["query"], context)
    options = options_of(node.get("options"))
    invoker = any(
        each["DefElem"]["defname"] == "security_invoker" and option_text(each["DefElem"]) in TRUE
        for each in node.get("options") or ()
    )
    query = replace(query, check_option=CHECK_OPTIONS.get(node.get("withCheckOption", ""), ""), security_invoker=invoker)
    if query.resolved and len(node.get("aliases") or ()) > len(outputs):
        raise Refused("42601", "CREATE VIEW specifies more column names than columns")
    columns = _columns(outputs, strings(node.get("aliases")), context, name)
    target = node["view"]
    if schema_name is None and _reads_temporary(catalog, reader):
        target, schema_name = {**target, "relpersistence": "t"}, TEMPORARY
    existing = None
    if node.get("replace"):
        catalog, schema = schema_for(catalog, schema_name, context)
        existing = catalog.relation(catalog.get(("relation", schema, name)))
    if existing is not None:
        view = _replaced(existing, columns, query, options, context)
    else:
        opened = open_relation(catalog, target, context, False)
        assert opened is not None
        catalog, schema = opened
        catalog, oid = catalog.new_oid()
        persistence = PERSISTENCE[target.get("relpersistence", "p")]
        view = Relation(
            oid, schema, name, RelationKind.VIEW, columns, len(columns) + 1, persistence=persistence, owner=owner_now(catalog),
            query=query, options=options, tainted=not query.resolved, span=context.span,
        )  # fmt: skip
        view = with_privileges(catalog, view)
    return _used(catalog.put(view), view, reader)


def _reads_temporary(catalog: Catalog, reader: Reader) -> bool:
    """Whether a query is about a relation that goes with the session: then its view goes too."""
    relations = (catalog.relation(each.oid) for each in reader.references)
    return any(each is not None and each.persistence == "temporary" for each in relations)


def _used(catalog: Catalog, relation: Relation, reader: Reader) -> Catalog:
    for each in relation.columns:
        catalog = use_type(catalog, relation.oid, each.type)
    return use_all(catalog, relation.oid, {*(each.oid for each in reader.references), *reader.functions})


def _replaced(
    existing: Relation, columns: tuple[Column, ...], query: ViewQuery, options: tuple[tuple[str, str], ...], context: Context
) -> Relation:
    """CREATE OR REPLACE VIEW: the columns that were stay what they are, more may follow."""
    if existing.kind is not RelationKind.VIEW:
        raise Refused("42809", f'"{existing.name}" is not a view')
    known = query.resolved and not existing.tainted
    if known and len(columns) < len(existing.columns):
        raise Refused("42P16", "cannot drop columns from view")
    for old, new in zip(existing.columns, columns, strict=False):
        if not known:
            break
        if old.name != new.name:
            raise Refused("42P16", f'cannot change name of view column "{old.name}" to "{new.name}"')
        if UNKNOWN not in (old.type, new.type) and old.type.id != new.type.id:
            raise Refused("42P16", f'cannot change data type of view column "{old.name}"', certain=False)
    defaults = {each.name: each.default for each in existing.columns if each.default is not None}
    if defaults:
        columns = tuple([replace(each, default=defaults.get(each.name)) for each in columns])
    return replace(
        existing,
        columns=columns,
        next_number=len(columns) + 1,
        query=query,
        options=options,
        tainted=not query.resolved,
        span=context.span,
    )


def read_query(catalog: Catalog, tree: Node, context: Context) -> tuple[ViewQuery, tuple[Output, ...], Reader]:
    """A query's tree as it is kept, its columns, and what it reads."""
    node = tree.get("SelectStmt")
    reader = Reader(catalog)
    if node is None:
        return ViewQuery({}, (), resolved=False), (), reader
    outputs = reader.select(node, NOWHERE)
    for each in reader.absent:
        schema, name = range_name(each)
        if certainly_missing(catalog, "relation", schema, name):
            raise Refused("42P01", f'relation "{shown(schema, name)}" does not exist', context.here(each))
        context.gap(f'relation "{shown(schema, name)}" is not made by any migration', each)
    if reader.missing and reader.resolved:
        missing, name = reader.missing[0]
        raise Refused(
            "42703", f"column {name} does not exist" if "." in name else f'column "{name}" does not exist', context.here(missing)
        )
    references = (*reader.references, *(Reference(each) for each in reader.functions))
    kept = _qualified(catalog, _expanded(node, reader, outputs), reader)
    return ViewQuery(kept, references, reader.resolved, plain_path(catalog)), outputs, reader


def _expanded(node: Node, reader: Reader, outputs: tuple[Output, ...]) -> Node:
    """The query with its `*` written out: columns that its tables get later are not in it."""
    targets = node.get("targetList")
    if not targets or not reader.resolved or not any(_is_star(each) for each in targets):
        return node
    if len(targets) != 1 or "fromClause" not in node or len(node["fromClause"]) != 1 or "RangeVar" not in node["fromClause"][0]:
        return node
    source = node["fromClause"][0]["RangeVar"]
    name = (source.get("alias") or {}).get("aliasname") or source["relname"]
    written = [
        {"ResTarget": {"val": {"ColumnRef": {"fields": [{"String": {"sval": name}}, {"String": {"sval": each.name}}]}}}}
        for each in outputs
    ]
    return {**node, "targetList": written}


def _is_star(target: Node) -> bool:
    fields = target["ResTarget"]["val"].get("ColumnRef", {}).get("fields") or [{}]
    return "A_Star" in fields[-1]


def _qualified(catalog: Catalog, node: Node, reader: Reader) -> Node:
    """With the schema of every relation written out, so that a later search_path changes nothing."""
    changes: dict[int, Node] = {}
    for tree, reference in reader.nodes:
        if "relname" in tree and "schemaname" not in tree:
            relation = catalog.relation(reference.oid)
            if relation is not None:
                changes[id(tree)] = {**tree, "schemaname": catalog.schema_name(relation.schema)}
    result: Node = rewritten(node, changes) if changes else node
    return result


def _columns(outputs: tuple[Output, ...], names: list[str], context: Context, view: str) -> tuple[Column, ...]:
    shown_names = [names[place] if place < len(names) else each.name for place, each in enumerate(outputs)]
    for place, name in enumerate(shown_names):
        if name in shown_names[:place]:
            raise Refused("42701", f'column "{name}" specified more than once')
    return tuple([Column(place + 1, shown_names[place], each.type, span=context.span) for place, each in enumerate(outputs)])


# -- CREATE MATERIALIZED VIEW, CREATE TABLE AS, SELECT INTO


def create_table_as(catalog: Catalog, node: Node, context: Context) -> Catalog:
    into = node["into"]
    materialized = node.get("objtype") == "OBJECT_MATVIEW"
    opened = open_relation(catalog, into["rel"], context, bool(node.get("if_not_exists")))
    if opened is None:
        return catalog
    catalog, schema = opened
    query, outputs, reader = read_query(catalog, node["query"], context)
    columns = _columns(outputs, strings(into.get("colNames")), context, into["rel"]["relname"])
    if query.resolved and len(into.get("colNames") or ()) > len(outputs):
        raise Refused("42601", "too many column names were specified")
    catalog, oid = catalog.new_oid()
    table = Relation(
        oid, schema, into["rel"]["relname"], RelationKind.MATERIALIZED_VIEW if materialized else RelationKind.TABLE, columns,
        len(columns) + 1, persistence=PERSISTENCE[into["rel"].get("relpersistence", "p")], owner=owner_now(catalog),
        rows=Rows.NONE if into.get("skipData") or materialized else Rows.POSSIBLE, query=query if materialized else None,
        tainted=not query.resolved, span=context.span,
    )  # fmt: skip
    catalog = catalog.put(with_privileges(catalog, table))
    if materialized:
        return _used(catalog, table, reader)
    for each in columns:
        catalog = use_type(catalog, oid, each.type)
    return catalog


def select_into(catalog: Catalog, node: Node, context: Context) -> Catalog:
    query = {key: value for key, value in node.items() if key != "intoClause"}
    return create_table_as(catalog, {"into": node["intoClause"], "query": {"SelectStmt": query}}, context)
