"""Objects that are known by kind and name only, and DROP, RENAME and SET SCHEMA of what has no family of its own."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Function, Node, Opaque, Reference
from schemalint.catalog.type_names import strings, type_of
from schemalint.replay.context import Context, NotModelled, Refused
from schemalint.replay.dependencies import drop
from schemalint.replay.functions import function_of
from schemalint.replay.names import existing_schema, list_name, plain_path, replace, vanish
from schemalint.replay.triggers import trigger_function

CONTEXTS = {"COERCION_IMPLICIT": "i", "COERCION_ASSIGNMENT": "a", "COERCION_EXPLICIT": "e"}


def create_event_trigger(catalog: Catalog, node: Node, context: Context) -> Catalog:
    name = node["trigname"]
    if catalog.opaque("event trigger", 0, name) is not None:
        raise Refused("42710", f'event trigger "{name}" already exists')
    schema, function_name = list_name(node["funcname"])
    found = [each for each in catalog.find_functions(schema, function_name, plain_path(catalog)) if not each.input_types]
    function: Function | None = found[0] if found else None
    if function is None:
        catalog, function = trigger_function(catalog, node, context)
    catalog, oid = catalog.new_oid()
    opaque = Opaque(oid, "event trigger", name, references=(Reference(function.oid),), span=context.span)
    return catalog.put(opaque).use(oid, function.oid)


def create_cast(catalog: Catalog, node: Node, context: Context) -> Catalog:
    source, target = (type_of(node[key], catalog, plain_path(catalog)) for key in ("sourcetype", "targettype"))
    catalog = catalog.bind(("cast", source.id, target.id), CONTEXTS[node["context"]])
    catalog, oid = catalog.new_oid()
    references: tuple[Reference, ...] = ()
    if "func" in node:
        function = function_of(catalog, node["func"])
        references = (Reference(function.oid),)
        catalog = catalog.use(oid, function.oid)
    return catalog.put(Opaque(oid, "cast", f"{source.id} as {target.id}", references=references, span=context.span))


def create_opaque(catalog: Catalog, node: Node, context: Context) -> Catalog:
    """A foreign server, a language, an access method … : its name, if it has one in the usual place."""
    name = next((node[key] for key in ("servername", "fdwname", "plname", "amname", "conname", "subname") if key in node), None)
    if name is None:
        return catalog
    catalog, oid = catalog.new_oid()
    return catalog.put(Opaque(oid, context.place.kind, name, span=context.span))


WORDS = {"OBJECT_EVENT_TRIGGER": "event trigger"}


def drop_opaque(catalog: Catalog, node: Node, context: Context) -> Catalog:
    kind = node["removeType"]
    cascade = node.get("behavior") == "DROP_CASCADE"
    if kind == "OBJECT_EXTENSION":
        from schemalint.replay.extensions import drop_extension

        return drop_extension(catalog, strings(node["objects"]), cascade, bool(node.get("missing_ok")))
    if kind == "OBJECT_PUBLICATION":
        for name in strings(node["objects"]):
            publication = catalog.publication(name)
            catalog = catalog.remove(publication.oid) if publication is not None else catalog
        return catalog
    if kind == "OBJECT_CAST":
        for each in node["objects"]:
            source, target = (type_of(item["TypeName"], catalog, plain_path(catalog)) for item in each["List"]["items"])
            catalog = catalog.unbind(("cast", source.id, target.id))
        return catalog
    word = WORDS.get(kind, kind.removeprefix("OBJECT_").lower())
    for each in node["objects"]:
        opaque = _named(catalog, word, each)
        if opaque is not None:
            catalog = drop(catalog, [("opaque", opaque.oid, 0)], cascade)
    return catalog


def _named(catalog: Catalog, word: str, item: Node) -> Opaque | None:
    if "String" in item:
        return catalog.opaque(word, 0, item["String"]["sval"])
    names = item.get("List", {}).get("items") or item.get("ObjectWithArgs", {}).get("objname")
    if not names:
        return None
    schema_name, name = list_name(names)
    for each in (schema_name,) if schema_name is not None else plain_path(catalog):
        schema = catalog.get(("schema", each))
        if schema is not None and (found := catalog.opaque(word, schema, name)) is not None:
            return found
    return None


def rename_opaque(catalog: Catalog, node: Node, context: Context) -> Catalog:
    kind = node["renameType"]
    if kind == "OBJECT_PUBLICATION":
        publication = catalog.publication(node["object"]["String"]["sval"])
        return catalog if publication is None else catalog.put(replace(publication, name=node["newname"]))
    if kind == "OBJECT_ROLE":
        role = catalog.role(node["subname"])
        return catalog if role is None else catalog.put(replace(role, name=node["newname"]))
    word = WORDS.get(kind, kind.removeprefix("OBJECT_").lower())
    opaque = _named(catalog, word, node["object"]) if "object" in node else None
    if opaque is None:
        raise NotModelled(f"RENAME of {word} is not modelled")
    return vanish(catalog.put(replace(opaque, name=node["newname"])), opaque)


def move_opaque(catalog: Catalog, node: Node, context: Context) -> Catalog:
    catalog, schema = existing_schema(catalog, node["newschema"], context)
    if node["objectType"] == "OBJECT_EXTENSION":
        from schemalint.replay.extensions import move_extension

        return move_extension(catalog, node["object"]["String"]["sval"], schema)
    word = WORDS.get(node["objectType"], node["objectType"].removeprefix("OBJECT_").lower())
    opaque = _named(catalog, word, node["object"])
    return catalog if opaque is None else vanish(catalog.put(replace(opaque, schema=schema)), opaque)
