"""PL/pgSQL bodies, run over abstract values.

Where a condition is open, both ways are taken: the result is a list of states, one for each path. When there are
too many, those that have done the same so far are joined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from schemalint.catalog.model import Function, Type
from schemalint.flow.path import Condition, Failure, Handler
from schemalint.flow.value import NOTHING, NULL, Null, Opaque, Value, constant, join
from schemalint.interpret import branches, conditions, dynamic, functions, lookups, query, returning, writing
from schemalint.interpret.catching import catches, is_caught
from schemalint.interpret.scope import Context, Effect, RaisedError, Scope
from schemalint.interpret.state import FALSE, TRUE, State, Variables, after_effect, ended_by, joined, replace, with_pending
from schemalint.interpret.trees import parsed_body, parsed_expression, parsed_statement, scope_at
from schemalint.interpret.variables import assigned, declared, store_nothing, store_row
from schemalint.parse import plpgsql_tree as tree
from schemalint.parse.libpg_query import ParseError
from schemalint.parse.plpgsql import BodySyntaxError
from schemalint.parse.statements import parse_one
from schemalint.text import Span

Node = dict[str, Any]
QUEUES = {"RefreshMatViewStmt": "REFRESH MATERIALIZED VIEW", "LockStmt": "LOCK TABLE"}


def run_body(function: Function, context: Context, variables: Variables, parameters: tuple[Value, ...] = ()) -> list[State]:
    """All paths through a PL/pgSQL function's body."""
    assert function.body is not None
    block = parsed_body(function.body.text)
    if isinstance(block, BodySyntaxError):
        span = function.body.span(block.start, block.end)
        failure = Failure(
            "function-syntax", "42601", block.message, span, (function.oid, "syntax"), function=function.oid, reason=function.name
        )
        return [State(variables, failures=(failure,), outcome="failed", failure=failure)]
    if block.options.variable_conflict is not None:
        context = msgspec.structs.replace(context, variable_conflict=block.options.variable_conflict)
    variables = variables.set("found", FALSE)
    for number, value in enumerate(parameters, 1):
        variables = variables.set(f"${number}", value)
    return [_returned(each, function, context) for each in run_block(block, State(variables), context)]


def _returned(state: State, function: Function, context: Context) -> State:
    """A path that reaches the end without RETURN fails (2F005), unless the function has OUT arguments or yields nothing."""
    outputs = [each for each in function.arguments if each.mode in ("out", "inout") and each.name]
    if state.outcome == "" and len(outputs) == 1:
        return replace(state, result=state.variables[outputs[0].name or ""])
    plain = function.result.id not in ("void",) and not outputs and not function.returns_set and function.kind == "function"
    if state.outcome == "" and plain:
        span = None if function.body is None else function.body.span(0, len(function.body.text.strip()) and 1)
        failure = Failure(
            "no-return",
            "2F005",
            "control reached end of trigger procedure without RETURN"
            if function.result.id == "trigger"
            else "control reached end of function without RETURN",
            span,
            (context.source, function.oid, "return"),
            function=function.oid,
        )
        return ended_by(state, failure, context)
    return state


def run_statements(statements: Iterable[tree.Statement], states: list[State], context: Context) -> list[State]:
    for statement in statements:
        going: list[State] = []
        for state in states:
            if state.outcome:
                going.append(state)
            else:
                going.extend(run_statement(statement, state, context))
        states = joined(going)
    return states


def run_statement(statement: tree.Statement, state: State, context: Context) -> list[State]:
    handler = STATEMENTS.get(type(statement))
    if handler is None:
        return [state]
    context.pending.clear()
    try:
        states = handler(statement, state, context)
    except RaisedError as raised:
        return [ended_by(state, raised.failure, context)]
    except ParseError as error:
        span = context.excerpt.span(statement.start, statement.end) if context.excerpt else None
        failure = Failure(
            "function-syntax", "42601", str(error.args[0]), span, (context.function, "syntax"), function=context.function
        )
        return [ended_by(state, failure, context)]
    return with_pending(states, context)


def value_of(fragment: tree.Fragment, state: State, context: Context) -> Value:
    """The value of an expression in the body."""
    _, node = parsed_expression(fragment.text)
    scope = scope_at(fragment, state, context)
    if "fromClause" not in node and len(node.get("targetList") or ()) == 1 and "whereClause" not in node:
        columns = list(query.expand_target(node["targetList"][0]["ResTarget"], scope))
        return columns[0][1] if len(columns) == 1 else Value(Type("record"), Null.NEVER, Opaque("row"), tuple(columns))
    result = query.select({"SelectStmt": node}, scope)
    value = result.columns[0][1] if result.columns else NOTHING
    return value if result.rows == "one" else join(value, msgspec.structs.replace(NULL, type=value.type))


def _assign(statement: tree.Assign, state: State, context: Context) -> list[State]:
    value = value_of(statement.value, state, context)
    if statement.subscripted:
        return [assigned(state, statement.target_parts, NOTHING, statement.target, context)]
    return [assigned(state, statement.target_parts, value, statement.target, context)]


def _return(statement: tree.Return, state: State, context: Context) -> list[State]:
    if statement.value is None:
        return [replace(state, outcome="return")]
    return [replace(state, outcome="return", result=value_of(statement.value, state, context))]


def _return_query(statement: tree.ReturnQuery, state: State, context: Context) -> list[State]:
    """RETURN QUERY: what it gives has to be of the function's own shape (42804)."""
    if statement.query is None:
        return [state]
    result = select_fragment(statement.query, state, context)
    function = context.catalog.function(context.function)
    if function is not None and (detail := returning.misfit(result, function, context.catalog, exact=True)) is not None:
        span = context.excerpt.span(statement.start, statement.end) if context.excerpt else None
        message = "structure of query does not match function result type"
        raise RaisedError(returning.misfit_failure(function, detail, "42804", message, span))
    return _found(result, state)


def _return_next(statement: tree.ReturnNext, state: State, context: Context) -> list[State]:
    if statement.value is not None:
        value_of(statement.value, state, context)
    return [state]


def _raise(statement: tree.Raise, state: State, context: Context) -> list[State]:
    for each in statement.arguments:
        value_of(each, state, context)
    if statement.level not in ("exception", "") and statement.level is not None:
        return [state]
    span = context.excerpt.span(statement.start, statement.end) if context.excerpt else None
    sqlstate = dynamic.raised_state(statement)
    message = statement.format or statement.condition or "re-raised"
    failure = Failure(
        "raised" if context.depth > 1 else "validated",
        sqlstate,
        message,
        span,
        (context.source, context.function, "raise", message),
        function=context.function,
        caught=is_caught(sqlstate, context.caught),
    )
    return [replace(state, outcome="raised", failures=(*state.failures, failure), failure=failure)]


def _perform(statement: tree.Perform, state: State, context: Context) -> list[State]:
    result = select_fragment(statement.query, state, context)
    return _found(result, state)


def _found(result: query.Result, state: State) -> list[State]:
    """FOUND after a query, on the path where it found a row and on the one where it did not."""
    if result.rows in ("one", "none"):
        return [replace(state, variables=state.variables.set("found", TRUE if result.rows == "one" else FALSE))]
    condition = Condition(result.text or "the query finds a row", result.key, True, result.typical or result.rows == "many")
    states = []
    for holds in (True, False):
        typical = condition.typical == holds or result.rows == "many"
        taken = msgspec.structs.replace(condition, holds=holds, typical=typical)
        variables = state.variables.set("found", TRUE if holds else FALSE)
        states.append(replace(state, conditions=(*state.conditions, taken), variables=variables))
    return states


def select_fragment(fragment: tree.Fragment, state: State, context: Context) -> query.Result:
    text = fragment.text
    lead = 0
    if not text.lstrip().lower().startswith(("select", "with", "values", "(", "insert", "update", "delete", "table")):
        text, lead = "SELECT " + text, len("SELECT ")
    kind, node = parsed_statement(text)
    return query.select({kind: node}, scope_at(fragment, state, context, lead))


def _sql(statement: tree.Sql, state: State, context: Context) -> list[State]:
    kind, node = parsed_statement(statement.query.text)
    scope = scope_at(statement.query, state, context, 0)
    return run_sql(kind, node, statement.into, scope, state, context)


def run_sql(kind: str, node: Node, into: tree.Into | None, scope: Scope, state: State, context: Context) -> list[State]:
    """An SQL statement, static or built at run time."""
    if kind in writing.STATEMENTS:
        states = []
        for effect in writing.execute(kind, node, scope):
            after = after_effect(state, effect)
            if into is not None and into.strict and not after.outcome:
                after = _strictly_one(after, effect, into, context)
            found = TRUE if effect.rows != "none" else FALSE
            after = replace(after, variables=after.variables.set("found", found))
            if into is not None and not after.outcome:
                row = Value(Type("record"), Null.NEVER, Opaque("row"), effect.columns)
                after = store_row(after, into.targets, row if effect.rows != "none" else None, context)
            states.append(after)
        return states
    if kind == "SelectStmt":
        result = query.select({kind: node}, scope)
        return _selected_into(result, into, state, context)
    if kind == "CallStmt":
        functions.call(node["funccall"], scope)
        return [state]
    if kind in QUEUES:
        place, word = scope.locate(-1), QUEUES[kind]
        queue = Failure(
            "queue", "55P03", "canceling statement due to lock timeout", place, (context.function, kind), "conditional",
            reason=f"{word} holds its lock until COMMIT", function=context.function,
        )  # fmt: skip
        return [replace(state, failures=(*state.failures, queue))]
    if kind in ("NotifyStmt", "VariableSetStmt", "TruncateStmt"):
        return [state]
    context.gap(scope.locate(-1), f"a {kind} in a function")
    return [state]


def _strictly_one(state: State, effect: Effect, into: tree.Into, context: Context) -> State:
    """RETURNING … INTO STRICT fails where nothing comes back: no row was touched, or DO NOTHING met one (P0002)."""
    passes_over = any(w.conflict is not None and not w.conflict.update and w.depth == context.depth for w in effect.writes[-1:])
    if effect.rows != "none" and not passes_over:
        return state
    span = context.excerpt.span(into.start, into.end) if context.excerpt else None
    failure = Failure(
        "no-rows", "P0002", "query returned no rows", span, (context.source, "strict"),
        "certain" if effect.rows == "none" else "conditional", function=context.function,
    )  # fmt: skip
    if effect.rows == "none":
        return ended_by(state, failure, context)
    failure = msgspec.structs.replace(failure, caught=is_caught("P0002", context.caught))
    return replace(state, failures=(*state.failures, failure))


def _selected_into(result: query.Result, into: tree.Into | None, state: State, context: Context) -> list[State]:
    if into is None:
        return [state]
    row = Value(Type("record"), Null.NEVER, Opaque("row"), result.columns if result.known else None)
    if result.rows == "none":
        return [store_nothing(into, state, context, result.columns)]
    found = store_row(replace(state, variables=state.variables.set("found", TRUE)), into.targets, row, context)
    if into.strict and result.rows == "many" and result.known:
        span = context.excerpt.span(into.start, into.end) if context.excerpt else None
        scope = Scope(context, state.variables, lambda location: span)
        lookups.note_many("P0003", "query returned more than one row", result, scope, span)
    if result.rows == "one":
        return [found]
    text = result.text or "the query finds a row"
    usual = result.typical
    condition = Condition(text, f"found {result.key}", True, usual)
    missed = msgspec.structs.replace(condition, holds=False, typical=not usual, lookup=result.lookup)
    return [
        replace(found, conditions=(*found.conditions, condition)),
        store_nothing(into, replace(state, conditions=(*state.conditions, missed)), context, result.columns),
    ]


def _execute(statement: tree.Execute, state: State, context: Context) -> list[State]:
    using = tuple(value_of(each, state, context) for each in statement.using)
    text = dynamic.text_of(value_of(statement.query, state, context))
    span = context.excerpt.span(statement.start, statement.end) if context.excerpt else None
    if text is None:
        context.gap(span, "EXECUTE of a text that is not known")
        state = _unquoted(state, statement, span, context)
        targets = statement.into.targets if statement.into is not None else ()
        for parts in targets:
            state = assigned(state, parts, NOTHING, None, context)
            if len(parts) == 1 and parts[0] in state.variables:
                state = replace(state, variables=state.variables.set(parts[0], NOTHING))
        return [state]
    scope = Scope(context, {}, lambda location: span, parameters=using)
    states = [state]
    for kind, node in parse_one(text):
        states = [after for each in states for after in run_sql(kind, node, statement.into, scope, each, context)]
    return [replace(each, variables=each.variables.set("found", state.variables["found"])) for each in states]


def _unquoted(state: State, statement: tree.Execute, span: Span | None, context: Context) -> State:
    """A statement into which a text of the row is put as it is: a quote in it is a syntax error, or worse (42601)."""
    field = dynamic.unquoted_text(value_of(statement.query, state, context).term, context.catalog)
    if field is None:
        return state
    failure = Failure(
        "unquoted", "42601", 'syntax error at or near "s"', span, (context.function, "unquoted", field.column), "conditional",
        column=field.column, function=context.function, caught=is_caught("42601", context.caught),
        witness=((field.column, "'it''s'"),) if field.relation == context.source else (),
    )  # fmt: skip
    return replace(state, failures=(*state.failures, failure))


def _diagnostics(statement: tree.GetDiagnostics, state: State, context: Context) -> list[State]:
    for each in statement.items:
        if each.item.lower() == "row_count":
            truth = conditions.truth(state.variables.get("found", NOTHING))
            value = NOTHING if truth is None else constant("1" if truth else "0", "int8")
        else:
            value = Value(Type("text"), Null.NEVER, Opaque(each.item))
        state = assigned(state, each.target, value, None, context)
    return [state]


def _fetch(statement: tree.Fetch, state: State, context: Context) -> list[State]:
    for parts in statement.targets:
        if len(parts) == 1 and parts[0] in state.variables:
            state = replace(state, variables=state.variables.set(parts[0], NOTHING))
    return [replace(state, variables=state.variables.set("found", Value(Type("bool"), Null.NEVER, Opaque("found"))))]


def run_block(block: tree.Block, state: State, context: Context) -> list[State]:
    inside = context
    if block.handlers:
        handler = Handler(tuple(name for each in block.handlers for name in each.conditions))
        inside = msgspec.structs.replace(context, caught=(*context.caught, handler))
    before = state.variables
    try:
        state = declared(block, state, context)
    except RaisedError as raised:
        return [ended_by(state, raised.failure, context)]  # the block's own handlers are for what stands behind BEGIN
    states = run_statements(block.body, [state], inside)
    after: list[State] = []
    for each in states:
        handler_ = _handler_for(block, each)
        if handler_ is None:
            after.append(each)
        else:
            after.extend(run_statements(handler_.body, [_handled(state, each)], _meeting(each, context)))
        if handler_ is None and block.handlers and not each.outcome.startswith(("failed", "raised")):
            after.extend(_failing_later(block, state, each, context))
    label = block.label
    closed = [replace(s, outcome="") if label and s.outcome == f"exit {label}" else s for s in after]
    return [replace(s, variables=_outer_variables(block, before, s.variables)) for s in closed]


def _handler_for(block: tree.Block, state: State) -> tree.Handler | None:
    if state.outcome not in ("failed", "raised") or state.failure is None:
        return None
    for each in block.handlers:
        if catches(each.conditions, state.failure.sqlstate):
            return each
    return None


def _handled(entry: State, failed: State) -> State:
    """The state in which a handler begins: what the block wrote is undone, its variables are not."""
    failures = tuple(msgspec.structs.replace(f, caught=True) if f not in entry.failures else f for f in failed.failures)
    extra = {
        "sqlerrm": Value(Type("text"), Null.NEVER, Opaque("message")),
        "sqlstate": constant(failed.failure.sqlstate if failed.failure else "", "text"),
    }
    return State(failed.variables.update(extra), failed.conditions, entry.writes, failures, failed.unchanged)


def _meeting(failed: State, context: Context) -> Context:
    """The context of a handler: a row that an INSERT has met in a unique index is surely there."""
    failure = failed.failure
    relation = context.catalog.relation(failure.relation) if failure is not None and failure.sqlstate == "23505" else None
    if failure is None or relation is None:
        return context
    index = next((each for each in relation.indexes if each.oid == failure.subject[1]), None)
    write = next((w for w in reversed(failed.writes) if w.target == relation.oid and w.operation == "insert"), None)
    if index is None or write is None or 0 in index.columns or index.predicate is not None:
        return context
    row = relation.oid, frozenset((each, write.value_of(each).term) for each in index.columns)
    return msgspec.structs.replace(context, there=(*context.there, row))


def _failing_later(block: tree.Block, entry: State, state: State, context: Context) -> list[State]:
    """The path on which one of the failures that only some rows meet is caught here."""
    found: list[State] = []
    for each in state.failures:
        if each.certainty == "certain" or each in entry.failures or each.deferred:
            continue
        for handler in block.handlers:
            if catches(handler.conditions, each.sqlstate):
                condition = Condition(each.message, f"failure {each.subject}", True, False, each.span)
                failed = replace(state, outcome="failed", failure=each, conditions=(*state.conditions, condition))
                found.extend(run_statements(handler.body, [_handled(entry, failed)], _meeting(failed, context)))
                break
    return found


def _outer_variables(block: tree.Block, before: Variables, after: Variables) -> Variables:
    for each in block.declarations:
        after = (
            after.set(each.name, before[each.name])
            if each.name in before
            else after.delete(each.name)
            if each.name in after
            else after
        )
    return after


def _nested(statement: tree.Block, state: State, context: Context) -> list[State]:
    return run_block(statement, state, context)


STATEMENTS: dict[type, Callable[[Any, State, Context], list[State]]] = {
    tree.Block: _nested,
    tree.Assign: _assign,
    tree.If: branches.if_,
    tree.Case: branches.case,
    tree.Loop: branches.plain_loop,
    tree.While: branches.while_,
    tree.ForRange: branches.for_range,
    tree.ForQuery: branches.for_query,
    tree.ForExecute: branches.for_unknown,
    tree.ForCursor: branches.for_unknown,
    tree.Foreach: branches.for_unknown,
    tree.Exit: branches.exit_,
    tree.Return: _return,
    tree.ReturnNext: _return_next,
    tree.ReturnQuery: _return_query,
    tree.Raise: _raise,
    tree.Perform: _perform,
    tree.Execute: _execute,
    tree.Sql: _sql,
    tree.GetDiagnostics: _diagnostics,
    tree.Fetch: _fetch,
}
