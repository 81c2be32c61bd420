"""Extensions: the types and functions of the common ones by name, others as they are called."""

from __future__ import annotations

from collections.abc import Mapping

from schemalint.catalog import facts
from schemalint.catalog.catalog import Catalog
from schemalint.catalog.facts import FunctionFact
from schemalint.catalog.model import Argument, Expression, Extension, Function, Node, Type, TypeKind, UserType
from schemalint.replay.context import Context, Refused
from schemalint.replay.names import replace, schema_for, vanish

# Of extensions that come from elsewhere; those of PostgreSQL's own distribution stand in catalog/extensions.json.
OTHERS = {"postgis": ("geometry", "geography", "box2d", "box3d", "geometry_dump"), "postgis_raster": ("raster",)}


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
    catalog, members = _members(catalog, name, schema, context)
    catalog, oid = catalog.new_oid()
    return catalog.put(Extension(oid, name, schema, tuple(members)))


def _members(catalog: Catalog, name: str, schema: int, context: Context) -> tuple[Catalog, list[int]]:
    """The types and functions that come with an extension; what the functions do is not known."""
    fact = facts.extension(name)
    types = fact.types if fact is not None else tuple((each, "U", "b", None) for each in OTHERS.get(name, ()))
    own: dict[str, int] = {}
    for type_name, category, letter, base in types:
        if catalog.get(("type", schema, type_name)) is not None:
            continue
        catalog, oid = catalog.new_oid()
        below = _type(base, own) if base is not None else None
        kind = TypeKind.DOMAIN if letter == "d" and below is not None else TypeKind.BASE
        catalog = catalog.put(UserType(oid, schema, type_name, kind, base=below, category=category, span=context.span))
        own[type_name] = oid
    members = list(own.values())
    for each in fact.functions if fact is not None else ():
        catalog, oid = catalog.new_oid()
        catalog = catalog.put(_function(oid, schema, each, own))
        members.append(oid)
    if fact is not None:
        for operator in fact.operators:
            catalog = catalog.bind(("operators", operator), True)
        for source, target, when in fact.casts:
            catalog = catalog.bind(("cast", _type(source, own).id, _type(target, own).id), when)
    return catalog, members


def _type(name: str, own: Mapping[str, int]) -> Type:
    """A type by pg_type.typname: the extension's own, an array of one, or PostgreSQL's."""
    if name in own:
        return Type(own[name])
    element = own.get(name.removeprefix("_")) if name.startswith("_") else None
    return Type(name if element is None else -element)


VOLATILITY = {"i": "immutable", "s": "stable", "v": "volatile"}
KINDS = {"f": "function", "p": "procedure", "a": "aggregate", "w": "window"}


def _function(oid: int, schema: int, fact: FunctionFact, own: Mapping[str, int]) -> Function:
    types = [_type(str(each), own) for each in fact.arguments]
    names = fact.argument_names or (None,) * len(types)
    modes = ["variadic" if fact.variadic and place == len(types) - 1 else "in" for place in range(len(types))]
    arguments = [Argument(*each) for each in zip(names, types, modes, strict=True)]
    first_default = len(arguments) - fact.defaults
    arguments = [replace(each, default=UNSEEN) if place >= first_default else each for place, each in enumerate(arguments)]
    return Function(
        oid, schema, fact.name, tuple(arguments), _type(str(fact.result), own), language="c", strict=fact.strict,
        volatility=VOLATILITY[fact.volatility], kind=KINDS[fact.kind], returns_set=fact.returns_set, tainted=True,
    )  # fmt: skip


UNSEEN = Expression({"A_Const": {"isnull": True}}, None)  # stands for a default that is only known to be there


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
