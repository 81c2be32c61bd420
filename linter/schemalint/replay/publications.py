"""Publications."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Node, Publication, Published, Relation, RelationKind
from schemalint.catalog.type_names import strings
from schemalint.replay.columns import column_named
from schemalint.replay.context import Context, NotModelled, Refused
from schemalint.replay.names import relation_of, replace
from schemalint.replay.tables import option_text


def create_publication(catalog: Catalog, node: Node, context: Context) -> Catalog:
    name = node["pubname"]
    if catalog.publication(name) is not None:
        raise Refused("42710", f'publication "{name}" already exists')
    catalog, oid = catalog.new_oid()
    publication = Publication(oid, name, all_tables=bool(node.get("for_all_tables")), span=context.span)
    catalog, publication = _with_objects(catalog, publication, node.get("pubobjects") or [], context)
    return _put(catalog, _with_options(publication, node))


def _put(catalog: Catalog, publication: Publication) -> Catalog:
    """Known apart where it is of more than the tables that it names."""
    broad = catalog.get(("broad publications",)) or ()
    if (publication.all_tables or publication.schemas) and publication.oid not in broad:
        catalog = catalog.bind(("broad publications",), (*broad, publication.oid))
    return catalog.put(publication)


def alter_publication(catalog: Catalog, node: Node, context: Context) -> Catalog:
    name = node["pubname"]
    publication = catalog.publication(name)
    if publication is None:
        raise NotModelled(f'publication "{name}" is not made by any migration')
    objects = node.get("pubobjects") or []
    action = node.get("action", "AP_AddObjects")
    if action == "AP_DropObjects":
        _, named = _with_objects(catalog, replace(publication, tables=(), schemas=()), objects, context)
        gone = {each.relation for each in named.tables}
        for each in gone - {table.relation for table in publication.tables}:
            relation = catalog.relation(each)
            raise Refused("42704", f'relation "{relation.name if relation else "?"}" is not part of the publication')
        publication = replace(
            publication, tables=tuple(each for each in publication.tables if each.relation not in gone),
            schemas=tuple(each for each in publication.schemas if each not in named.schemas),
        )  # fmt: skip
    elif objects:
        if action == "AP_SetObjects":
            publication = replace(publication, tables=(), schemas=())
        catalog, publication = _with_objects(catalog, publication, objects, context)
    return _put(catalog, _with_options(publication, node))


def _with_objects(
    catalog: Catalog, publication: Publication, objects: list[Node], context: Context
) -> tuple[Catalog, Publication]:
    tables, schemas = list(publication.tables), list(publication.schemas)
    for each in objects:
        item = each["PublicationObjSpec"]
        if "pubtable" in item:
            try:
                relation = relation_of(catalog, item["pubtable"]["relation"])
            except NotModelled as unknown:
                context.gap(unknown.reason)
                continue
            if any(known.relation == relation.oid for known in tables):
                raise Refused("42710", f'relation "{relation.name}" is already member of publication "{publication.name}"')
            columns = tuple(column_named(relation, name).number for name in strings(item["pubtable"].get("columns")))
            tables.append(Published(relation.oid, columns, item["pubtable"].get("whereClause")))
            catalog = _noted(catalog.use(publication.oid, relation.oid), relation, tables[-1])
        elif (schema := catalog.get(("schema", item.get("name", "public")))) is not None:
            schemas.append(schema)
    return catalog, replace(publication, tables=tuple(tables), schemas=tuple(schemas))


def _noted(catalog: Catalog, relation: Relation, published: Published) -> Catalog:
    """Remembers under the table's name that it was published, and whether with all of its rows, and as a table of its own."""
    key = ("published", relation.schema, relation.name)
    whole, plain = catalog.get(key) or (False, False)
    partitioned = relation.kind is RelationKind.PARTITIONED_TABLE
    return catalog.bind(key, (whole or published.where is None, plain or not partitioned))


def _with_options(publication: Publication, node: Node) -> Publication:
    for each in node.get("options") or ():
        element = each["DefElem"]
        text = option_text(element)
        if element["defname"] == "publish":
            publication = replace(publication, operations=frozenset(word.strip() for word in text.split(",") if word.strip()))
        elif element["defname"] == "publish_via_partition_root":
            publication = replace(publication, via_root=text in ("true", "on", "1"))
    return publication
