"""Operators in the expressions of a definition: one that PostgreSQL does not have refuses the statement (42883)."""

from __future__ import annotations

from typing import Any

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import UNKNOWN, Node, Type
from schemalint.catalog.resolve import Unresolved, resolve_operator
from schemalint.catalog.type_names import UserTypesOf, strings
from schemalint.catalog.type_printing import format_type
from schemalint.replay.context import Refused
from schemalint.replay.reading import Reader, Scope
from schemalint.text import Span

SURE = ("ColumnRef", "TypeCast")  # operands whose type is known for sure


def refuse_unknown_operators(catalog: Catalog, node: Any, scope: Scope, span: Span | None) -> None:
    if isinstance(node, list):
        for each in node:
            refuse_unknown_operators(catalog, each, scope, span)
    elif isinstance(node, dict):
        for kind, inner in node.items():
            if kind == "A_Expr" and inner.get("kind", "AEXPR_OP") == "AEXPR_OP":
                _refuse(catalog, inner, scope, span)
            if kind != "SubLink":
                refuse_unknown_operators(catalog, inner, scope, span)


def _refuse(catalog: Catalog, node: Node, scope: Scope, span: Span | None) -> None:
    name = strings(node["name"])[-1]
    if catalog.get(("operators", name)) or "lexpr" not in node:
        return
    left, right = (_type(catalog, node[side], scope) for side in ("lexpr", "rexpr"))
    if UNKNOWN in (left, right):
        return
    found = resolve_operator(name, left.id, right.id, UserTypesOf(catalog))
    if isinstance(found, Unresolved) and found.reason == "missing":
        sides = " ".join((_shown(catalog, left), name, _shown(catalog, right)))
        raise Refused("42883", f"operator does not exist: {sides}", span)


def _type(catalog: Catalog, node: Node, scope: Scope) -> Type:
    constant = node.get("A_Const")
    if constant is not None:
        if "sval" in constant or constant.get("isnull"):
            return Type("unknown")
        return Reader(catalog).type_of(node, scope)
    return Reader(catalog).type_of(node, scope) if any(kind in node for kind in SURE) else UNKNOWN


def _shown(catalog: Catalog, type_: Type) -> str:
    return "unknown" if type_.id == "unknown" else format_type(Type(type_.id), catalog)
