"""Type names, as libpg_query's TypeName nodes spell them, looked up in a catalog."""

from __future__ import annotations

from typing import Any

from schemalint.catalog import facts
from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import UNKNOWN, Relation, Type, TypeKind, UserType

KIND_LETTERS = {TypeKind.ENUM: "e", TypeKind.DOMAIN: "d", TypeKind.COMPOSITE: "c", TypeKind.RANGE: "r", TypeKind.BASE: "b"}


def strings(nodes: list[Any] | None) -> list[str]:
    """The parts of a name: [{"String": {"sval": …}}, …]."""
    return [each["String"].get("sval", "") for each in nodes or () if "String" in each]


def modifiers_of(node: dict[str, Any]) -> tuple[int, ...]:
    found = []
    for each in node.get("typmods") or ():
        constant = each.get("A_Const")
        if constant is None or "ival" not in constant:
            return ()
        found.append(constant["ival"].get("ival", 0))
    return tuple(found)


def type_of(node: dict[str, Any], catalog: Catalog, path: tuple[str, ...] | None = None) -> Type:
    """The type that a TypeName node means; UNKNOWN where there is none of that name."""
    names = strings(node.get("names"))
    if not names:
        return UNKNOWN
    own = node.get("pct_type")
    found = _column_type(names, catalog, path) if own else named_type(names, catalog, path, modifiers_of(node))
    return array_of(found) if node.get("arrayBounds") and found != UNKNOWN else found


def named_type(names: list[str], catalog: Catalog, path: tuple[str, ...] | None = None, modifiers: tuple[int, ...] = ()) -> Type:
    schema, name = (names[-2] if len(names) > 1 else None), names[-1]
    if schema in (None, "pg_catalog") and facts.type_named(name) is not None:
        return Type(name, modifiers)
    user = catalog.find_type(schema, name, path)
    return UNKNOWN if user is None else Type(user.oid, modifiers)


def array_of(type_: Type) -> Type:
    """The array type over an element type; arrays of arrays are one type."""
    if isinstance(type_.id, int):
        return Type(-abs(type_.id), type_.modifiers)
    return type_ if type_.id.startswith("_") else Type("_" + type_.id, type_.modifiers)


def element_of(type_: Type) -> Type | None:
    if isinstance(type_.id, int):
        return Type(-type_.id, type_.modifiers) if type_.id < 0 else None
    if type_.id.startswith("_"):
        return Type(type_.id[1:], type_.modifiers)
    return None


def _column_type(names: list[str], catalog: Catalog, path: tuple[str, ...] | None) -> Type:
    """table.column%TYPE"""
    if len(names) < 2:
        return UNKNOWN
    relation = catalog.find_relation(names[-3] if len(names) > 2 else None, names[-2], path)
    column = relation.column(names[-1]) if relation is not None else None
    return UNKNOWN if column is None else column.type


class UserTypesOf:
    """A catalog's user-defined types, as type resolution asks for them."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def kind(self, type: int) -> str:
        found = self._catalog.get(abs(type))
        if type < 0:
            return "a"
        if isinstance(found, UserType):
            return KIND_LETTERS[found.kind]
        return "c" if isinstance(found, Relation) else "b"

    def base(self, type: int) -> str | int:
        found = self._catalog.get(abs(type))
        if type > 0 and isinstance(found, UserType) and found.kind is TypeKind.DOMAIN and found.base is not None:
            return found.base.id
        return type

    def element(self, type: int) -> str | int | None:
        return -type if type < 0 else None

    def casts(self, source: str | int, target: str | int) -> str | None:
        found = self._catalog.get(("cast", source, target))
        return found if isinstance(found, str) else None
