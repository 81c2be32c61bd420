"""Operators in the expressions of a definition: one that PostgreSQL does not have refuses the statement (42883)."""

from __future__ import annotations

from functools import cache
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
    stack = [node]
    while stack:
        each = stack.pop()
        if type(each) is list:
            stack.extend(each)
        elif type(each) is dict:
            operation = each.get("A_Expr")
            if operation is not None and operation.get("kind", "AEXPR_OP") == "AEXPR_OP":
                _refuse(catalog, operation, scope, span)
            stack.extend([inner for kind, inner in each.items() if kind != "SubLink" and type(inner) in (dict, list)])


def _refuse(catalog: Catalog, node: Node, scope: Scope, span: Span | None) -> None:
    name = strings(node["name"])[-1]
    if "lexpr" not in node or catalog.get(("operators", name)):
        return
    left, right = (_type(catalog, node[side], scope) for side in ("lexpr", "rexpr"))
    if UNKNOWN.id not in (left.id, right.id) and _is_missing(name, left.id, right.id, catalog):
        sides = " ".join((_shown(catalog, left), name, _shown(catalog, right)))
        raise Refused("42883", f"operator does not exist: {sides}", span)


def _is_missing(name: str, left: str | int, right: str | int, catalog: Catalog) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return _is_missing_between(name, left, right)
    found = resolve_operator(name, left, right, UserTypesOf(catalog))
    return isinstance(found, Unresolved) and found.reason == "missing"


@cache
def _is_missing_between(name: str, left: str, right: str) -> bool:
    found = resolve_operator(name, left, right)
    return isinstance(found, Unresolved) and found.reason == "missing"


def _type(catalog: Catalog, node: Node, scope: Scope) -> Type:
    constant = node.get("A_Const")
    if constant is not None:
        if "sval" in constant or constant.get("isnull"):
            return Type("unknown")
        return Reader(catalog).type_of(node, scope)
    return Reader(catalog).type_of(node, scope) if any(kind in node for kind in SURE) else UNKNOWN


def _shown(catalog: Catalog, type_: Type) -> str:
    return "unknown" if type_.id == "unknown" else format_type(Type(type_.id), catalog)
