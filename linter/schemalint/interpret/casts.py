"""Casts: those that are written, and those that an assignment makes by itself."""

from __future__ import annotations

from typing import Any

import msgspec

from schemalint.catalog.model import UNKNOWN, Type, UserType
from schemalint.catalog.resolve import coercion
from schemalint.catalog.type_names import UserTypesOf, type_of
from schemalint.flow.value import Call, Constant, Opaque, Value
from schemalint.interpret import expression, functions, input_syntax, operators
from schemalint.interpret.scope import Scope, fail

Node = dict[str, Any]


def cast(value: Value, target: Type, scope: Scope, location: int | None) -> Value:
    """An explicit cast."""
    if target == UNKNOWN:
        return Value(UNKNOWN, value.null, Opaque("cast"))
    source = operators.type_id(value)
    if source is not None and coercion(source, target.id, UserTypesOf(scope.catalog)) is None and value.row is None:
        names = functions.type_name(value.type, scope.catalog), functions.type_name(target, scope.catalog)
        raise fail(
            scope, "cast", "42846", f"cannot cast type {names[0]} to {names[1]}", location, ("cast", str(source), str(target.id))
        )
    check_label(value, target, scope, location)
    if input_syntax.reads_text(value, target, scope.context, explicit=True):
        input_syntax.note(value, target, scope, scope.locate(location or 0))
    return converted(value, target, explicit=True)


def converted(value: Value, target: Type, explicit: bool = False) -> Value:
    """A value after a cast that exists. Only an explicit one cuts a string to length."""
    if value.type == target:
        return value
    if isinstance(value.term, Constant):
        return Value(target, value.null, Constant(value.term.text, target.id))
    if value.type.id == target.id and (not target.modifiers or target.modifiers == value.type.modifiers):
        return msgspec.structs.replace(value, type=target)
    detail = f"{target.id}{list(target.modifiers) if target.modifiers else ''}"
    return Value(target, value.null, Call("::" if explicit else ":=", (value.term,), detail), value.row, value.relation)


def check_label(value: Value, target: Type, scope: Scope, location: int | None) -> None:
    """A constant must be a label of the enum that it is cast to (22P02)."""
    base = scope.catalog.domain_base(target)
    enum = scope.catalog.get(base.id) if isinstance(base.id, int) else None
    if not isinstance(enum, UserType) or enum.kind != "enum" or not isinstance(value.term, Constant) or value.term.text is None:
        return
    if value.type.id in ("unknown", "text", "varchar") and value.term.text not in enum.labels:
        message = f'invalid input value for enum {enum.name}: "{value.term.text}"'
        raise fail(scope, "enum-label", "22P02", message, location, (enum.oid, value.term.text), reason="label")


def type_cast(node: Node, scope: Scope) -> Value:
    target = type_of(node["typeName"], scope.catalog, scope.path)
    value = expression.evaluate(node["arg"], scope)
    if target == UNKNOWN:
        functions.missing_type(node["typeName"], scope)
    return cast(value, target, scope, node.get("location"))
