"""Whether a condition holds, and what is known once it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import immutables
import msgspec

from schemalint.catalog.type_names import strings
from schemalint.flow.value import NULL_TERM, Call, Null, Term, Value, copied_field
from schemalint.interpret.scope import Scope

Node = dict[str, Any]
Variables = immutables.Map[str, Value]


def truth(value: Value) -> bool | None:
    """True or False where it is decided; None where it is open, or NULL."""
    constant = value.constant
    if constant is None or constant.text is None:
        return None
    return {"true": True, "t": True, "false": False, "f": False}.get(constant.text)


def usually_exists(term: Term) -> bool | None:
    """Whether a test for the firing row's own copy holds in ordinary times; None where it is another test."""
    if isinstance(term, Call) and term.name == "not":
        inner = usually_exists(term.arguments[0])
        return None if inner is None else not inner
    if isinstance(term, Call) and term.name == "exists" and term.detail:
        return term.detail == "True"
    return None


NEGATED = {"<>": "=", ">=": "<", "<=": ">"}
TURNED = {">": "<"}


def facts(value: Value, holds: bool) -> tuple[tuple[str, bool], ...]:
    """What a condition comes to where it is true (`holds`) or where it is not: a <> b, NOT a = b and b = a say one thing."""
    return tuple(dict.fromkeys(_facts(value.term, holds, value.null is Null.NEVER)))


def _facts(term: Term, holds: bool, decided: bool) -> Iterator[tuple[str, bool]]:
    """`decided`: it is never NULL, so that what is not true is false."""
    if isinstance(term, Call) and term.name == ("and" if holds else "or"):
        for each in term.arguments:
            yield from _facts(each, holds, decided)
    elif isinstance(term, Call) and term.name == "not" and (holds or decided):
        yield from _facts(term.arguments[0], not holds, decided)
    elif isinstance(term, Call) and term.name in NEGATED and len(term.arguments) == 2 and (holds or decided):
        yield from _facts(msgspec.structs.replace(term, name=NEGATED[term.name]), not holds, decided)
    elif isinstance(term, Call) and term.name in TURNED and len(term.arguments) == 2:
        yield repr(msgspec.structs.replace(term, name=TURNED[term.name], arguments=term.arguments[::-1])), holds
    elif isinstance(term, Call) and term.name == "=":
        yield repr(msgspec.structs.replace(term, arguments=tuple(sorted(term.arguments, key=repr)))), holds
    else:
        yield repr(term), holds


def assume_scope(node: Node, holds: bool, scope: Scope) -> Scope:
    """The scope in which the condition is known to hold, or to be false or NULL."""
    variables = assume(node, holds, immutables.Map(scope.variables))
    return msgspec.structs.replace(scope, variables=variables)


def assume(node: Node, holds: bool, variables: Variables) -> Variables:
    """The variables, given that the condition is true (`holds`), or that it is not."""
    ((kind, inner),) = node.items()
    if kind == "BoolExpr":
        return _assume_connected(inner, holds, variables)
    if kind == "NullTest":
        is_null = (inner.get("nulltesttype", "IS_NULL") == "IS_NULL") == holds
        return _narrow(inner["arg"], Null.ALWAYS if is_null else Null.NEVER, variables)
    if kind == "A_Expr" and holds:
        return _assume_operation(inner, variables)
    if kind == "A_Expr" and inner.get("kind") in ("AEXPR_DISTINCT", "AEXPR_NOT_DISTINCT"):
        return _assume_operation(
            {**inner, "kind": "AEXPR_DISTINCT" if inner["kind"] == "AEXPR_NOT_DISTINCT" else "AEXPR_NOT_DISTINCT"}, variables
        )
    return variables


def _assume_connected(inner: Node, holds: bool, variables: Variables) -> Variables:
    operator = inner.get("boolop", "AND_EXPR")
    if operator == "NOT_EXPR":
        # NOT x is true where x is false; where NOT x is not true, x is true or NULL.
        return assume(inner["args"][0], False, variables) if holds else variables
    if (operator == "AND_EXPR") == holds:
        for each in inner["args"]:
            variables = assume(each, holds, variables)
    return variables


def _assume_operation(inner: Node, variables: Variables) -> Variables:
    kind = inner.get("kind", "AEXPR_OP")
    left, right = inner.get("lexpr"), inner.get("rexpr")
    if kind == "AEXPR_DISTINCT":
        for one, other in ((left, right), (right, left)):
            if one is not None and _is_null(other):
                variables = _narrow(one, Null.NEVER, variables)
        return variables
    if kind == "AEXPR_NOT_DISTINCT":
        return variables
    # A comparison that is true has no NULL operand.
    if kind in ("AEXPR_OP", "AEXPR_IN", "AEXPR_LIKE", "AEXPR_ILIKE", "AEXPR_BETWEEN", "AEXPR_OP_ANY"):
        for each in (left, right):
            if each is not None and "ColumnRef" in each:
                variables = _narrow(each, Null.NEVER, variables)
    return variables


def _is_null(node: Node | None) -> bool:
    return node is not None and bool(node.get("A_Const", {}).get("isnull"))


def _narrow(node: Node, null: Null, variables: Variables) -> Variables:
    """A variable or a field of a record is known to be NULL, or not to be."""
    parts = strings(node.get("ColumnRef", {}).get("fields"))
    if not parts or parts[0] not in variables:
        return variables
    value = variables[parts[0]]
    if len(parts) == 1:
        return variables.set(parts[0], _with_null(value, null))
    found = value.field(parts[1])
    if found is None or len(parts) > 2:
        return variables
    return variables.set(parts[0], value.with_field(parts[1], _with_null(found, null)))


def _with_null(value: Value, null: Null) -> Value:
    if null is Null.ALWAYS:
        return msgspec.structs.replace(value, null=null, term=NULL_TERM)
    return msgspec.structs.replace(value, null=null) if value.null is not Null.ALWAYS else value


def unchanged_columns(node: Node, holds: bool, variables: Variables) -> frozenset[int] | None:
    """The source's columns that are the same in OLD and NEW where the condition is so.

    None where the whole row is.
    """
    ((kind, inner),) = node.items()
    if kind == "BoolExpr":
        operator = inner.get("boolop", "AND_EXPR")
        if operator == "NOT_EXPR":
            return unchanged_columns(inner["args"][0], not holds, variables)
        if (operator == "AND_EXPR") != holds:
            return frozenset()
        found: frozenset[int] = frozenset()
        for each in inner["args"]:
            columns = unchanged_columns(each, holds, variables)
            if columns is None:
                return None
            found |= columns
        return found
    if kind != "A_Expr":
        return frozenset()
    return _equal_sides(inner, holds, variables)


def _equal_sides(inner: Node, holds: bool, variables: Variables) -> frozenset[int] | None:
    operation = inner.get("kind", "AEXPR_OP")
    name = strings(inner.get("name"))[-1:]
    equal = (operation == "AEXPR_NOT_DISTINCT" and holds) or (operation == "AEXPR_DISTINCT" and not holds)
    different = operation == "AEXPR_OP" and name == ["<>"] and not holds  # or one of them is NULL
    equal = equal or (operation == "AEXPR_OP" and name == ["="] and holds) or different
    left, right = inner.get("lexpr"), inner.get("rexpr")
    if not equal or left is None or right is None:
        return frozenset()
    pairs = _paired(left, right, variables)
    if pairs is None:
        return None
    return frozenset(each for each in pairs if not different or _never_null(each, variables))


def _never_null(column: int, variables: Variables) -> bool:
    for _, value in variables["new"].row or ():
        field = copied_field(value.term)
        if field is not None and field.column == column:
            return value.null is Null.NEVER
    return False


def _paired(left: Node, right: Node, variables: Variables) -> list[int] | None:
    if "RowExpr" in left and "RowExpr" in right:
        found: list[int] = []
        for one, other in zip(left["RowExpr"].get("args", ()), right["RowExpr"].get("args", ()), strict=False):
            columns = _paired(one, other, variables)
            if columns is None:
                return None
            found.extend(columns)
        return found
    names = [strings(each.get("ColumnRef", {}).get("fields")) for each in (left, right)]
    if sorted(each[0] if each else "" for each in names) != ["new", "old"]:
        return []
    if all(len(each) == 1 for each in names):
        return None
    values = [variables["new" if each[0] == "new" else "old"].field(each[-1]) for each in names]
    fields = [copied_field(each.term) if each is not None else None for each in values]
    if fields[0] is not None and fields[1] is not None and fields[0].column == fields[1].column:
        return [fields[0].column]
    return []
