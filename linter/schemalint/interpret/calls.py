"""The project's own functions, called in expressions: their bodies are run."""

from __future__ import annotations

from typing import Any

import immutables
import msgspec

from schemalint.catalog.model import UNKNOWN, Function
from schemalint.flow.value import NOTHING, NULL, Call, Constant, Null, Opaque, Value, join
from schemalint.interpret import casts, expression, permissions, query, run, writing
from schemalint.interpret.scope import Context, Effect, Scope
from schemalint.interpret.state import State, Variables
from schemalint.interpret.trees import locator
from schemalint.parse import plpgsql_tree as tree
from schemalint.parse.libpg_query import ParseError
from schemalint.parse.statements import parse_one

Node = dict[str, Any]

MOST_CALLS = 6  # functions and triggers within each other


def call_function(function: Function, arguments: list[Value], scope: Scope, node: Node) -> Value:
    """What a call of one of the project's functions yields; what it does is left in `context.pending`."""
    permissions.note_call(function, node, scope)
    result = function.result
    if function.strict and any(each.null is Null.ALWAYS for each in arguments):
        return Value(result, Null.ALWAYS, Constant(None))
    stack = scope.context.stack
    opaque = Value(result, Null.UNKNOWN, Call(function.name, tuple(each.term for each in arguments), str(function.oid)))
    if len(stack) >= MOST_CALLS or sum(1 for oid, _ in stack if oid == function.oid) > 1:
        return opaque
    if function.body is None or function.language not in ("sql", "plpgsql") or function.tainted:
        if function.atomic is None:
            scope.context.gap(scope.span(node), f"function {function.name} in language {function.language}")
        return opaque
    inputs = [each for each in function.arguments if each.mode in ("in", "inout", "variadic")]
    given = list(arguments)
    for each in inputs[len(given) :]:
        bare = msgspec.structs.replace(scope, variables={}, tables=(), outer=None)
        given.append(expression.evaluate(each.default.node, bare) if each.default is not None else NOTHING)
    context = inner_context(scope.context, function, (function.oid, scope.context.event))
    parameters = tuple(casts.converted(v, a.type) if a.type != UNKNOWN else v for v, a in zip(given, inputs, strict=False))
    variables: Variables = immutables.Map(
        {each.name: value for each, value in zip(inputs, parameters, strict=False) if each.name}
    )
    if function.language == "sql":
        return _call_sql(function, context, variables, parameters, scope, opaque)
    outputs = {each.name: Value(each.type, Null.ALWAYS, Constant(None)) for each in function.arguments if each.mode == "out"}
    named = {name: value for name, value in outputs.items() if name}
    states = run.run_body(function, context, variables.update(named), parameters)
    return _gathered(function, states, scope, opaque)


def inner_context(context: Context, function: Function, call: tuple[int, str]) -> Context:
    """The context of a function that the one at hand calls, or whose trigger it fires."""
    return msgspec.structs.replace(
        context,
        function=function.oid,
        search_path=search_path_of(function, context.search_path),
        stack=(*context.stack, call),
        security_definer=function.security_definer or context.security_definer,
        user=function.owner if function.security_definer else context.user,
        volatility=function.volatility,
        excerpt=function.body,
        variable_conflict="error",
    )


def search_path_of(function: Function, outer: tuple[str, ...]) -> tuple[str, ...]:
    """The schemas that a function's names are looked up in: its own SET search_path, or its caller's."""
    for name, value in function.settings:
        if name == "search_path":
            return tuple(part.strip().strip("\"'") for part in value.split(",") if part.strip().strip("\"'"))
    return outer


def _call_sql(
    function: Function, context: Context, variables: Variables, parameters: tuple[Value, ...], scope: Scope, opaque: Value
) -> Value:
    """A function in language sql: its statements in order, the last one's first row."""
    body = function.body
    assert body is not None
    try:
        statements = parse_one(body.text)
    except ParseError:
        return opaque
    whole = tree.Fragment(body.text, 0, len(body.text))
    result = query.Result()
    context = msgspec.structs.replace(context, variable_conflict="use_column")
    for kind, node in statements:
        inner = Scope(context, variables, locator(body, whole, 0), parameters=parameters)
        if kind == "SelectStmt":
            result = query.select({kind: node}, inner)
        elif kind in writing.STATEMENTS:
            effects = writing.execute(kind, node, inner)
            context.pending.append(effects)
            columns = effects[0].columns if effects else ()
            result = query.Result(columns, "one")
    if function.result.id == "void" or not result.columns:
        return msgspec.structs.replace(opaque, null=Null.ALWAYS if function.result.id == "void" else Null.UNKNOWN)
    if len(result.columns) > 1 or scope.catalog.relation(function.result.id if isinstance(function.result.id, int) else None):
        return Value(function.result, Null.UNKNOWN, Opaque(function.name), result.columns)
    value = result.columns[0][1]
    if result.rows not in ("one",):
        value = join(value, msgspec.structs.replace(NULL, type=value.type))
    return casts.converted(value, function.result)


def _gathered(function: Function, states: list[State], scope: Scope, opaque: Value) -> Value:
    """The results of all paths as one value, and what they did as alternatives."""
    effects = tuple(
        Effect(s.conditions, s.writes, s.failures, s.outcome if s.outcome in ("failed", "raised") else "") for s in states
    )
    if any(each.writes or each.failures or each.ended for each in effects):
        scope.context.pending.append(effects)
    results = [each.result for each in states if each.outcome not in ("failed", "raised")]
    if not results or function.result.id in ("void", "record") or function.returns_set:
        return opaque
    result = results[0]
    for each in results[1:]:
        result = join(result, each)
    return casts.converted(result, function.result) if result is not NOTHING else opaque
