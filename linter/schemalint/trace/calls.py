"""Functions that applications call: the errors that every call meets, or some do, in one state of the schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from re import IGNORECASE, escape
from re import compile as pattern

import immutables
import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Function
from schemalint.flow.path import Failure, Gap
from schemalint.flow.value import Null, Opaque, Value
from schemalint.interpret import calls, query, returning, run
from schemalint.interpret.scope import Context, RaisedError, Scope
from schemalint.interpret.state import State
from schemalint.interpret.trees import locator
from schemalint.parse import plpgsql_tree as tree
from schemalint.parse.libpg_query import ParseError
from schemalint.parse.statements import parse_one

# What a call meets whatever its arguments are: something is not there, or not of the type that it had.
SQLSTATES = frozenset({"42703", "42P01", "42883", "42804", "42P13", "42704", "3F000"})


def newly_broken(before: Catalog, after: Catalog, end: Catalog, tables: Iterable[str]) -> Iterator[tuple[Function, Failure]]:
    """The functions that read these tables, and whose calls a statement breaks: to the end of its transaction."""
    if before is after:
        return
    names = pattern(r"\b(?:" + "|".join(sorted(map(escape, tables))) + r")\b", IGNORECASE)
    for function in sorted(after.objects(Function), key=lambda each: each.oid):
        if function.result.id in ("trigger", "event_trigger") or function.body is None or not names.search(function.body.text):
            continue
        at_last = end.function(function.oid)
        if before.function(function.oid) is not function or at_last is not function:
            continue  # it is made anew
        new = {each.subject: each for each in failures_of_calls(function, after)}
        if new:
            old = {each.subject for each in failures_of_calls(function, before)}
            last = {each.subject for each in failures_of_calls(function, end)}
            yield from ((function, each) for subject, each in new.items() if subject not in old and subject in last)


def failures_of_calls(function: Function, catalog: Catalog) -> list[Failure]:
    """The errors of SQLSTATES that calls meet: certain where every ordinary way through the body ends in it."""
    if function.body is None or function.tainted or function.language not in ("sql", "plpgsql"):
        return []
    context = _context(function, catalog)
    parameters = tuple(
        Value(each.type, Null.MAYBE, Opaque(each.name or ""))
        for each in function.arguments
        if each.mode in ("in", "inout", "variadic")
    )
    if function.language == "sql":
        return list(_of_sql(function, context, parameters))
    inputs = [each for each in function.arguments if each.mode in ("in", "inout", "variadic")]
    variables = {each.name: value for each, value in zip(inputs, parameters, strict=True) if each.name}
    outputs = [each for each in function.arguments if each.mode in ("out", "table") and each.name]
    variables |= {each.name: Value(each.type, Null.MAYBE, Opaque(each.name)) for each in outputs if each.name}
    named = immutables.Map(variables)
    return _gathered(run.run_body(function, context, named, parameters))


def _context(function: Function, catalog: Catalog) -> Context:
    gaps: list[Gap] = []
    default_path = catalog.get(("setting", "default_search_path")) or catalog.search_path or ("public",)
    return Context(
        catalog=catalog, function=function.oid, search_path=calls.search_path_of(function, default_path), event="call", source=0,
        gaps=gaps, pending=[], stack=((function.oid, "call"),), security_definer=function.security_definer,
        user=function.owner if function.security_definer else "", volatility=function.volatility, excerpt=function.body,
    )  # fmt: skip


def _gathered(states: list[State]) -> list[Failure]:
    """The failures, each once; certain where no ordinary path is without it."""
    found: dict[tuple[int | str, ...], Failure] = {}
    ordinary = [each for each in states if each.outcome != "raised" and all(c.typical for c in each.conditions)]
    for state in states:
        for each in state.failures:
            if each.sqlstate in SQLSTATES and not each.caught:
                found.setdefault(each.subject, each)
    certain = {s for s in found if ordinary and all(any(f.subject == s for f in state.failures) for state in ordinary)}
    return [f if s in certain else msgspec.structs.replace(f, certainty="conditional") for s, f in found.items()]


def _of_sql(function: Function, context: Context, parameters: tuple[Value, ...]) -> Iterator[Failure]:
    """A function in language sql is planned in whole at each first call of a session."""
    body = function.body
    assert body is not None
    try:
        statements = parse_one(body.text)
    except ParseError:
        return
    inputs = [each for each in function.arguments if each.mode in ("in", "inout", "variadic")]
    variables = {each.name: value for each, value in zip(inputs, parameters, strict=True) if each.name is not None}
    context = msgspec.structs.replace(context, variable_conflict="use_column")
    scope = Scope(context, variables, locator(body, tree.Fragment(body.text, 0, len(body.text)), 0), parameters=parameters)
    result = None
    for kind, node in statements:
        try:
            result = query.select({kind: node}, scope) if kind == "SelectStmt" else None
        except RaisedError as raised:
            if raised.failure.sqlstate in SQLSTATES:
                yield raised.failure
            return
    if result is not None and (detail := returning.misfit(result, function, context.catalog, exact=False)) is not None:
        shown = context.catalog.relation(function.result.id if isinstance(function.result.id, int) else None)
        message = f"return type mismatch in function declared to return {shown.name if shown is not None else 'record'}"
        yield returning.misfit_failure(function, detail, "42P13", message, body.span(0, len(body.text)))
