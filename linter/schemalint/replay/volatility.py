"""Expressions that must always have the same value for the same row: of indexes, their predicates, generated columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemalint.catalog import facts
from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import UNKNOWN, Node, Type, TypeKind, UserType
from schemalint.catalog.resolve import Resolved, resolve_function, resolve_operator
from schemalint.catalog.type_names import UserTypesOf, strings, type_of
from schemalint.replay.context import Refused
from schemalint.replay.reading import Reader, Scope
from schemalint.text import Span


def refuse_mutable(catalog: Catalog, node: Any, scope: Scope, message: str, span: Span | None) -> None:
    """Refuses an expression with a function, operator or conversion that is certainly not IMMUTABLE (42P17)."""
    if isinstance(node, list):
        for each in node:
            refuse_mutable(catalog, each, scope, message, span)
    elif isinstance(node, dict):
        for kind, inner in node.items():
            check = CHECKS.get(kind)
            if check is not None and check(catalog, inner, scope):
                raise Refused("42P17", message, span)
            refuse_mutable(catalog, inner, scope, message, span)


def _call(catalog: Catalog, node: Node, scope: Scope) -> bool:
    reader, names = Reader(catalog), strings(node.get("funcname"))
    own = catalog.find_functions(names[-2] if len(names) > 1 else None, names[-1], reader.path)
    if own:
        return all(not each.tainted and each.volatility != "immutable" for each in own)
    types = [_operand(catalog, each, scope) for each in node.get("args") or ()]
    resolved = resolve_function(facts.functions_named(names[-1]), names[-1], types, user=UserTypesOf(catalog))
    return isinstance(resolved, Resolved) and resolved.function is not None and resolved.volatility != "i"


def _operation(catalog: Catalog, node: Node, scope: Scope) -> bool:
    name = strings(node.get("name"))[-1]
    if node.get("kind", "AEXPR_OP") != "AEXPR_OP" or "lexpr" not in node or catalog.get(("operators", name)):
        return False
    left, right = (_operand(catalog, node[side], scope) for side in ("lexpr", "rexpr"))
    if left is None or right is None:
        return False
    resolved = resolve_operator(name, left, right, UserTypesOf(catalog))
    return isinstance(resolved, Resolved) and resolved.volatility != "i"


def _conversion(catalog: Catalog, node: Node, scope: Scope) -> bool:
    if "A_Const" in node["arg"]:
        return False  # converted once, as the definition is read
    reader = Reader(catalog)
    source, target = (
        catalog.domain_base(reader.type_of(node["arg"], scope)),
        catalog.domain_base(type_of(node["typeName"], catalog)),
    )
    if UNKNOWN.id in (source.id, target.id) or source.id == target.id:
        return False
    cast = facts.cast(source.id, target.id) if isinstance(source.id, str) and isinstance(target.id, str) else None
    if cast is not None and cast.method != "i":
        return cast.volatility != "i"
    return "s" in (_volatility(catalog, source, "printing"), _volatility(catalog, target, "reading"))


def _volatility(catalog: Catalog, type_: Type, way: str) -> str:
    """Of a type's input or output function, as far as it is known."""
    if isinstance(type_.id, int):
        own = catalog.get(type_.id)
        return "s" if isinstance(own, UserType) and own.kind is TypeKind.ENUM else "?"
    fact = facts.type_named(type_.id)
    return "?" if fact is None or fact.element is not None else str(getattr(fact, way))


def _operand(catalog: Catalog, node: Node, scope: Scope) -> str | int | None:
    """A type as resolution takes it."""
    constant = node.get("A_Const")
    if constant is not None and ("sval" in constant or constant.get("isnull")):
        return "unknown"
    found = Reader(catalog).type_of(node, scope)
    return None if found == UNKNOWN else found.id


CHECKS: dict[str, Callable[[Catalog, Node, Scope], bool]] = {
    "FuncCall": _call,
    "A_Expr": _operation,
    "TypeCast": _conversion,
    "SQLValueFunction": lambda catalog, node, scope: True,
}
