"""A function's variables: declared, assigned, and filled by INTO."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from schemalint.catalog.model import UNKNOWN, Type
from schemalint.catalog.type_names import strings, type_of
from schemalint.flow.path import Failure
from schemalint.flow.value import NOTHING, NULL, Constant, Null, Value
from schemalint.interpret import casts, input_syntax, run
from schemalint.interpret.scope import Context, RaisedError, Scope
from schemalint.interpret.state import FALSE, State, ended_by, replace
from schemalint.interpret.trees import parsed_expression, parsed_statement
from schemalint.parse import plpgsql_tree as tree
from schemalint.parse.libpg_query import ParseError

Fields = tuple[tuple[str, Value], ...]


def declared(block: tree.Block, state: State, context: Context) -> State:
    """The state with the block's variables in their first values."""
    for each in block.declarations:
        if isinstance(each, tree.Alias):
            of = state.variables.get(each.of[-1])
            state = replace(state, variables=state.variables.set(each.name, NOTHING if of is None else of))
        elif isinstance(each, tree.Variable):
            variable = declared_value(each.type_text.text, context)
            if each.default is not None:
                variable = stored(variable, run.value_of(each.default, state, context))
            state = replace(state, variables=state.variables.set(each.name, variable))
        else:
            state = replace(state, variables=state.variables.set(each.name, NOTHING))
    return state


def declared_value(type_text: str, context: Context) -> Value:
    """A variable that has not been assigned: NULL of its type."""
    catalog, text = context.catalog, type_text.strip()
    lowered = text.lower()
    if lowered == "record":
        return Value(Type("record"), Null.ALWAYS, Constant(None))
    if lowered.endswith("%rowtype"):
        _, node = parsed_statement("SELECT FROM " + text[: -len("%rowtype")])
        relation_name = node["fromClause"][0]["RangeVar"]
        relation = catalog.find_relation(relation_name.get("schemaname"), relation_name["relname"], context.search_path)
        if relation is None:
            return Value(UNKNOWN, Null.UNKNOWN)
        row = tuple((each.name, Value(each.type, Null.ALWAYS, Constant(None))) for each in relation.columns)
        return Value(Type(relation.oid), Null.ALWAYS, Constant(None), row, relation.oid)
    try:
        _, node = parsed_expression(
            f"NULL::{text}" if not lowered.endswith("%type") else f"1 FROM x WHERE NULL::{text[:-5]} IS NULL"
        )
    except ParseError:
        return Value(UNKNOWN, Null.UNKNOWN)
    if lowered.endswith("%type"):
        names = strings(node["whereClause"]["NullTest"]["arg"]["TypeCast"]["typeName"]["names"])
        type_ = type_of({"names": [{"String": {"sval": n}} for n in names], "pct_type": True}, catalog, context.search_path)
    else:
        type_ = type_of(node["targetList"][0]["ResTarget"]["val"]["TypeCast"]["typeName"], catalog, context.search_path)
    if type_ == UNKNOWN:
        return Value(UNKNOWN, Null.UNKNOWN)
    found = catalog.relation(type_.id) if isinstance(type_.id, int) else None
    if found is None:
        return Value(type_, Null.ALWAYS, Constant(None))
    fields = tuple((each.name, Value(each.type, Null.ALWAYS, Constant(None))) for each in found.columns)
    return Value(type_, Null.ALWAYS, Constant(None), fields, found.oid)


def assigned(state: State, parts: tuple[str, ...], value: Value, target: tree.Fragment | None, context: Context) -> State:
    """The state after a variable, or a field of a record, got a value."""
    name = parts[0]
    current = state.variables.get(name)
    if current is None and len(parts) > 1 and parts[1] in state.variables:
        parts = parts[1:]
        name, current = parts[0], state.variables[parts[0]]
    if current is None:
        return state
    if len(parts) == 1:
        _note_reading(current, value, state, target, context)
        return replace(state, variables=state.variables.set(name, stored(current, value)))
    field = current.field(parts[1])
    if field is None:
        relation = context.catalog.relation(current.relation)
        if current.row is not None and target is not None and not (relation is not None and relation.tainted):
            span = context.excerpt.span(target.start, target.end) if context.excerpt else None
            kind = "source-column" if name in ("new", "old") else "unknown-column"
            message = f'record "{name}" has no field "{parts[1]}"'
            raise RaisedError(
                Failure(
                    kind,
                    "42703",
                    message,
                    span,
                    (current.relation or 0, parts[1]),
                    relation=current.relation,
                    function=context.function,
                )
            )
        return state
    _note_reading(field, value, state, target, context)
    return replace(state, variables=state.variables.set(name, current.with_field(parts[1], stored(field, value))))


def _note_reading(variable: Value, value: Value, state: State, target: tree.Fragment | None, context: Context) -> None:
    """An assignment for which there is no cast reads the value's text (chapter "PL/pgSQL", Assignment)."""
    if variable.type.id in ("?", "record") or not input_syntax.reads_text(value, variable.type, context, explicit=False):
        return
    span = context.excerpt.span(target.start, target.end) if context.excerpt is not None and target is not None else None
    guards = tuple(each.key for each in state.conditions)
    input_syntax.note(value, variable.type, Scope(context, state.variables, lambda location: span, guards=guards), span)


def stored(variable: Value, value: Value) -> Value:
    """A value in a variable: in the variable's type, where it has one of its own."""
    if value.row is not None and variable.row is not None and variable.relation is not None:
        pairs = zip(variable.row, value.row, strict=False)
        return msgspec.structs.replace(value, row=tuple((name, v) for (name, _), (_, v) in pairs), relation=variable.relation)
    if variable.type.id in ("?", "record"):
        return value
    if value.type.id == "?":
        return msgspec.structs.replace(value, type=variable.type)
    return casts.converted(value, variable.type)


def store_row(
    state: State, targets: Iterable[tuple[str, ...]], row: Value | None, context: Context, shape: Fields | None = None
) -> State:
    """A row stored into one record variable, or column by column into several; None for no row."""
    places = list(targets)
    if len(places) == 1 and len(places[0]) == 1:
        current = state.variables.get(places[0][0])
        if current is not None and (current.type.id == "record" or current.row is not None):
            if row is None:
                row = Value(current.type, Null.ALWAYS, Constant(None), _all_null(current.row or shape), current.relation)
            kept = msgspec.structs.replace(row, type=current.type, relation=current.relation or row.relation)
            if current.relation is not None and current.row is not None and row.row is not None:
                pairs = zip(current.row, row.row, strict=False)
                kept = msgspec.structs.replace(kept, row=tuple((name, value) for (name, _), (_, value) in pairs))
            return replace(state, variables=state.variables.set(places[0][0], kept))
    for number, parts in enumerate(places):
        if row is None:
            value = msgspec.structs.replace(NULL, type=Type("unknown"))
        else:
            value = row.row[number][1] if row.row is not None and number < len(row.row) else NOTHING if row.row is None else NULL
        state = assigned(state, parts, value, None, context)
    return state


def store_nothing(into: tree.Into, state: State, context: Context, shape: Fields) -> State:
    """SELECT … INTO found no row: the targets are NULL, or with STRICT it fails (P0002)."""
    if into.strict:
        span = context.excerpt.span(into.start, into.end) if context.excerpt else None
        failure = Failure(
            "no-rows", "P0002", "query returned no rows", span, (context.source, "strict"), function=context.function
        )
        return ended_by(state, failure, context)
    return store_row(replace(state, variables=state.variables.set("found", FALSE)), into.targets, None, context, shape)


def _all_null(row: tuple[tuple[str, Value], ...] | None) -> tuple[tuple[str, Value], ...] | None:
    if row is None:
        return None
    return tuple((name, msgspec.structs.replace(value, null=Null.ALWAYS, term=Constant(None))) for name, value in row)
