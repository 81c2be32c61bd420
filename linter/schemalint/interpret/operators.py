"""Operators, IN, BETWEEN, IS DISTINCT FROM and the connectives, over abstract values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from schemalint.catalog.model import UNKNOWN, Type
from schemalint.catalog.resolve import Resolved, Unresolved, resolve_operator
from schemalint.catalog.type_names import UserTypesOf, element_of, strings
from schemalint.flow.value import NULL, Call, Constant, Null, Opaque, Value, boolean
from schemalint.interpret import conditions, expression, functions
from schemalint.interpret.fold import compare, fold
from schemalint.interpret.scope import Scope, fail

Node = dict[str, Any]

NULLABLE_OPERATORS = frozenset({"->", "->>", "#>", "#>>", "@?", "@@", "?"})


def type_id(value: Value) -> str | int | None:
    """The type as resolution takes it: None where it is not known."""
    return None if value.type.id == "?" else value.type.id


def operation(node: Node, scope: Scope) -> Value:
    kind = node.get("kind", "AEXPR_OP")
    special = OPERATIONS.get(kind)
    if special is not None:
        return special(node, scope)
    name = strings(node["name"])[-1]
    right = expression.evaluate(node["rexpr"], scope)
    left = expression.evaluate(node["lexpr"], scope) if "lexpr" in node else None
    return operate(name, left, right, scope, node)


def operate(name: str, left: Value | None, right: Value, scope: Scope, node: Node) -> Value:
    """An operator applied, after PostgreSQL's choice among the operators of that name."""
    if name in ("=", "<>") and left is not None and left.row is not None and right.row is not None:
        return _compare_rows(name, left, right)
    resolved = _resolved_operator(name, None if left is None else left.type.id, right.type.id, scope)
    result: Type = UNKNOWN
    if isinstance(resolved, Unresolved):
        if resolved.reason != "unknown" and not _user_operator(name, scope):
            subject = ("operator", name, str(left.type.id if left is not None else ""), str(right.type.id))
            message = functions.with_type_names(resolved.message, scope.catalog)
            raise fail(scope, "operator", resolved.sqlstate, message, node.get("location"), subject)
    elif resolved.result is not None:
        result = Type(resolved.result)
    operands = (right,) if left is None else (left, right)
    null = Null.NEVER
    for each in operands:
        null = null.strict(each.null)
    if name in NULLABLE_OPERATORS and null is Null.NEVER:
        null = Null.MAYBE
    folded = fold(name, operands)
    if folded is not None:
        return folded if folded.type.id == result.id or result == UNKNOWN else msgspec.structs.replace(folded, type=result)
    if null is Null.ALWAYS:
        return Value(result, null, Constant(None))
    return Value(result, null, Call(name, tuple(each.term for each in operands)))


def _resolved_operator(name: str, left: str | int | None, right: str | int, scope: Scope) -> Resolved | Unresolved:
    if isinstance(left, int) or isinstance(right, int):
        return resolve_operator(name, left, right, UserTypesOf(scope.catalog))
    return _own_operator(name, left, right)


@lru_cache(maxsize=4096)
def _own_operator(name: str, left: str | None, right: str) -> Resolved | Unresolved:
    """PostgreSQL's own operator over its own types: the same in every catalog."""
    return resolve_operator(name, left, right)


def _user_operator(name: str, scope: Scope) -> bool:
    return bool(scope.catalog.get(("operators", name)))


def _compare_rows(name: str, left: Value, right: Value) -> Value:
    return Value(Type("bool"), Null.MAYBE, Call(name, (left.term, right.term)))


def _distinct(node: Node, scope: Scope) -> Value:
    left, right = expression.evaluate(node["lexpr"], scope), expression.evaluate(node["rexpr"], scope)
    wanted = node["kind"] == "AEXPR_DISTINCT"
    if left.row is None and right.row is None:
        operate("=", left, right, scope, node)
    truth = _distinct_truth(left, right)
    if truth is not None:
        return boolean(truth == wanted)
    return Value(
        Type("bool"), Null.NEVER, Call("is distinct from" if wanted else "is not distinct from", (left.term, right.term))
    )


def _distinct_truth(left: Value, right: Value) -> bool | None:
    if left.null is Null.ALWAYS and right.null is Null.ALWAYS:
        return False
    if Null.ALWAYS in (left.null, right.null):
        other = right if left.null is Null.ALWAYS else left
        return True if other.null is Null.NEVER else None
    order = compare(left.constant, right.constant)
    return None if order is None else order != 0


def _any_or_all(node: Node, scope: Scope) -> Value:
    left, right = expression.evaluate(node["lexpr"], scope), expression.evaluate(node["rexpr"], scope)
    element = element_of(right.type)
    name = strings(node["name"])[-1]
    if element is not None:
        operate(name, msgspec.structs.replace(left, term=Opaque()), Value(element), scope, node)
    null = left.null.strict(right.null)
    word = "any" if node["kind"] == "AEXPR_OP_ANY" else "all"
    return Value(Type("bool"), null if null is not Null.NEVER else Null.MAYBE, Call(f"{name} {word}", (left.term, right.term)))


def _in(node: Node, scope: Scope) -> Value:
    left = expression.evaluate(node["lexpr"], scope)
    options = [expression.evaluate(each, scope) for each in node["rexpr"]["List"]["items"]]
    negated = strings(node["name"])[-1] == "<>"
    results = [operate("=", left, each, scope, node) for each in options]
    value = either(results)
    return negate(value) if negated else value


def _nullif(node: Node, scope: Scope) -> Value:
    left, right = expression.evaluate(node["lexpr"], scope), expression.evaluate(node["rexpr"], scope)
    equal = operate("=", left, right, scope, node)
    truth = conditions.truth(equal)
    if truth is True:
        return msgspec.structs.replace(NULL, type=left.type)
    if truth is False:
        return left
    null = Null.MAYBE if left.null is Null.NEVER else left.null
    return Value(left.type, null, Call("nullif", (left.term, right.term)))


def _between(node: Node, scope: Scope) -> Value:
    left = expression.evaluate(node["lexpr"], scope)
    low, high = (expression.evaluate(each, scope) for each in node["rexpr"]["List"]["items"])
    inside = both([operate(">=", left, low, scope, node), operate("<=", left, high, scope, node)])
    return negate(inside) if "NOT" in node["kind"] else inside


def _like(node: Node, scope: Scope) -> Value:
    left, right = expression.evaluate(node["lexpr"], scope), expression.evaluate(node["rexpr"], scope)
    return operate(strings(node["name"])[-1], left, right, scope, node)


OPERATIONS: dict[str, Callable[[Node, Scope], Value]] = {
    "AEXPR_DISTINCT": _distinct,
    "AEXPR_NOT_DISTINCT": _distinct,
    "AEXPR_OP_ANY": _any_or_all,
    "AEXPR_OP_ALL": _any_or_all,
    "AEXPR_IN": _in,
    "AEXPR_NULLIF": _nullif,
    "AEXPR_BETWEEN": _between,
    "AEXPR_NOT_BETWEEN": _between,
    "AEXPR_BETWEEN_SYM": _between,
    "AEXPR_NOT_BETWEEN_SYM": _between,
    "AEXPR_LIKE": _like,
    "AEXPR_ILIKE": _like,
    "AEXPR_SIMILAR": _like,
}


def negate(value: Value) -> Value:
    truth = conditions.truth(value)
    if truth is not None:
        return boolean(not truth)
    if value.null is Null.ALWAYS:
        return boolean(None)
    return Value(Type("bool"), value.null, Call("not", (value.term,)))


def both(values: Sequence[Value]) -> Value:
    """AND."""
    truths = [conditions.truth(each) for each in values]
    if False in truths:
        return boolean(False)
    left = [each for each, truth in zip(values, truths, strict=True) if truth is None]
    if not left:
        return boolean(True)
    return _connect("and", left)


def either(values: Sequence[Value]) -> Value:
    """OR."""
    truths = [conditions.truth(each) for each in values]
    if True in truths:
        return boolean(True)
    left = [each for each, truth in zip(values, truths, strict=True) if truth is None]
    if not left:
        return boolean(False)
    return _connect("or", left)


def _connect(word: str, values: list[Value]) -> Value:
    if all(each.null is Null.ALWAYS for each in values):
        return boolean(None)
    null = Null.NEVER
    for each in values:
        null = null.strict(Null.MAYBE if each.null is Null.ALWAYS else each.null)
    term = values[0].term if len(values) == 1 else Call(word, tuple(each.term for each in values))
    return Value(Type("bool"), null, term)
