"""Extensions: the types and functions of the common ones by name, others as they are called."""

from __future__ import annotations

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Argument, Extension, Function, Node, Type, TypeKind, UserType
from schemalint.replay.context import Context, Refused
from schemalint.replay.names import replace, schema_for, vanish

TYPES = {
    "citext": ("citext",),
    "hstore": ("hstore", "ghstore"),
    "vector": ("vector", "halfvec", "sparsevec"),
    "postgis": ("geometry", "geography", "box2d", "box3d", "geometry_dump", "raster"),
    "ltree": ("ltree", "lquery", "ltxtquery"),
    "pg_trgm": ("gtrgm",),
    "cube": ("cube",),
    "isn": ("ean13", "isbn", "isbn13", "ismn", "issn", "upc"),
    "intarray": ("query_int",),
    "seg": ("seg",),
}
TEXT = Type("text")
BYTES = Type("bytea")
# name: (argument types, result, volatility)
FUNCTIONS: dict[str, dict[str, tuple[tuple[Type, ...], Type, str]]] = {
    "uuid-ossp": {
        "uuid_generate_v1": ((), Type("uuid"), "volatile"),
        "uuid_generate_v1mc": ((), Type("uuid"), "volatile"),
        "uuid_generate_v4": ((), Type("uuid"), "volatile"),
        "uuid_nil": ((), Type("uuid"), "immutable"),
    },
    "pgcrypto": {
        "crypt": ((TEXT, TEXT), TEXT, "immutable"),
        "gen_salt": ((TEXT,), TEXT, "volatile"),
        "gen_random_bytes": ((Type("int4"),), BYTES, "volatile"),
        "digest": ((TEXT, TEXT), BYTES, "immutable"),
        "hmac": ((TEXT, TEXT, TEXT), BYTES, "immutable"),
    },
    "pg_trgm": {
        "similarity": ((TEXT, TEXT), Type("float4"), "immutable"),
        "word_similarity": ((TEXT, TEXT), Type("float4"), "immutable"),
    },
    "unaccent": {"unaccent": ((TEXT,), TEXT, "stable")},
    "moddatetime": {"moddatetime": ((), Type("trigger"), "volatile")},
}


def create_extension(catalog: Catalog, node: Node, context: Context) -> Catalog:
    name = node["extname"]
    if catalog.extension(name) is not None:
        if node.get("if_not_exists"):
            return catalog
        raise Refused("42710", f'extension "{name}" already exists')
    wanted = next(
        (
            each["DefElem"]["arg"]["String"]["sval"]
            for each in node.get("options") or ()
            if each["DefElem"]["defname"] == "schema"
        ),
        None,
    )
    catalog, schema = schema_for(catalog, wanted, context)
    members: list[int] = []
    for each in TYPES.get(name, ()):
        if catalog.get(("type", schema, each)) is None:
            catalog, oid = catalog.new_oid()
            catalog = catalog.put(
                UserType(oid, schema, each, TypeKind.BASE, category="S" if each == "citext" else "U", span=context.span)
            )
            members.append(oid)
    for each, (arguments, result, volatility) in FUNCTIONS.get(name, {}).items():
        catalog, oid = catalog.new_oid()
        given = tuple(Argument(None, type_) for type_ in arguments)
        # What it does is not known, what it is called and takes is.
        function = Function(oid, schema, each, given, result, language="c", volatility=volatility, strict=True, tainted=True)
        catalog = catalog.put(function)
        members.append(oid)
    catalog, oid = catalog.new_oid()
    return catalog.put(Extension(oid, name, schema, tuple(members)))


def drop_extension(catalog: Catalog, names: list[str], cascade: bool, missing_ok: bool) -> Catalog:
    from schemalint.replay.dependencies import Part, drop

    for name in names:
        extension = catalog.extension(name)
        if extension is None:
            continue
        parts: list[Part] = []
        for oid in extension.members:
            if catalog.get(oid) is not None:
                parts.append(("type" if catalog.user_type(oid) is not None else "function", oid, 0))
        catalog = drop(catalog, parts, cascade, f"extension {name}") if parts else catalog
        catalog = catalog.remove(extension.oid)
    return catalog


def move_extension(catalog: Catalog, name: str, schema: int) -> Catalog:
    extension = catalog.extension(name)
    if extension is None:
        return catalog
    for oid in extension.members:
        member = catalog.get(oid)
        if member is not None:
            catalog = vanish(catalog.put(replace(member, schema=schema)), member)
    return catalog.put(replace(extension, schema=schema))
