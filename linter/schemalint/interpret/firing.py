"""Triggers that a row sets off: the source's own, and those of the tables that a trigger writes to."""

from __future__ import annotations

from typing import Any

import immutables
import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Column, Relation, RelationKind, Trigger, Type
from schemalint.flow.path import Assignment, Condition, Failure, Write
from schemalint.flow.value import NOTHING, NULL_TERM, Call, Constant, Field, Looked, Null, Opaque, Value, constant
from schemalint.interpret import calls, conditions, expression, names, run
from schemalint.interpret.scope import Context, Effect, Row, Scope
from schemalint.interpret.state import State, replace

Node = dict[str, Any]
DEEPEST = 5  # triggers within each other


class Fired(msgspec.Struct, frozen=True):
    """One way that a row's triggers can go: what they did, and the row as they leave it."""

    effect: Effect
    write: Write
    skipped: bool = False


def fires(trigger: Trigger, event: str, timing: str, level: str = "row") -> bool:
    """Whether an ordinary session's write sets the trigger off."""
    return trigger.timing == timing and trigger.level == level and event in trigger.events and trigger.enabled in ("O", "A")


def fire_on(relation: Relation, write: Write, timing: str, scope: Scope) -> list[Fired]:
    """What the row triggers of a write's target do, in the order of their names."""
    event = _event(write, timing, scope)
    ways = [Fired(Effect(), write)]
    if event is None:
        return ways
    for trigger in sorted(relation.triggers, key=lambda each: each.name):
        if fires(trigger, event, timing) and _touches(trigger, event, write):
            ways = [
                each if way.effect.ended or way.skipped else _then(way, each)
                for way in ways
                for each in ([way] if way.effect.ended or way.skipped else _fire(trigger, relation, event, way.write, scope))
            ]
    return ways


def _then(first: Fired, second: Fired) -> Fired:
    effect = Effect(
        (*first.effect.conditions, *second.effect.conditions),
        (*first.effect.writes, *second.effect.writes),
        (*first.effect.failures, *second.effect.failures),
        second.effect.ended,
    )
    return Fired(effect, second.write, second.skipped)


def _touches(trigger: Trigger, event: str, write: Write) -> bool:
    if event != "update" or not trigger.columns:
        return True
    assigned = write.conflict.assignments if write.conflict is not None else write.assignments
    return any(each.column in trigger.columns for each in assigned)


def _event(write: Write, timing: str, scope: Scope) -> str | None:
    """The event that the target's triggers see: an upsert of a row that is there is an UPDATE."""
    if write.operation != "insert" or write.conflict is None or timing != "after":
        return write.operation
    key = frozenset((each, write.value_of(each).term) for each in write.conflict.columns)
    if scope.context.event == "insert" and not scope.context.is_there(write.target, key):
        return "insert"
    return "update" if write.conflict.update and not write.conflict.filtered else None


def _fire(trigger: Trigger, relation: Relation, event: str, write: Write, scope: Scope) -> list[Fired]:
    context = scope.context
    function = context.catalog.function(trigger.function)
    untouched = Fired(Effect(), write)
    if function is None:
        return [untouched]
    call = (trigger.oid, event)
    # Where the function asks how deep it is, only the second time tells whether it goes on.
    again = function.body is not None and "pg_trigger_depth" in function.body.text.lower()
    if context.stack.count(call) > (1 if again else 0):
        return [_recursion(trigger, relation, write, scope)]
    if len(context.stack) >= DEEPEST:
        return [untouched]
    if function.body is None or function.language != "plpgsql" or function.tainted:
        context.gap(function.span, f"trigger function {function.name} in language {function.language}")
        return [untouched]
    row = row_of(write)
    inner = msgspec.structs.replace(
        calls.inner_context(context, function, call),
        depth=context.depth + 1,
        pending=[],
        there=(*context.there, row) if write.operation == "insert" and trigger.timing == "after" else context.there,
        leaving=(*context.leaving, (trigger.timing, row)) if write.operation == "delete" else context.leaving,
    )
    new, old = rows_of_write(relation, event, write)
    states = start(trigger, relation, event, new, old, inner)
    found = []
    for fired, state in states:
        if not fired:
            found.append(Fired(_effect(state), write))
            continue
        for end in run.run_body(function, inner, state.variables):
            full = replace(end, conditions=(*state.conditions, *end.conditions))
            found.append(_ended(full, trigger, relation, write, new))
    return found


def _effect(state: State) -> Effect:
    ended = state.outcome if state.outcome in ("failed", "raised") else ""
    return Effect(state.conditions, state.writes, state.failures, ended)


def _ended(state: State, trigger: Trigger, relation: Relation, write: Write, new: Value) -> Fired:
    effect = _effect(state)
    if effect.ended or trigger.timing == "after":
        return Fired(effect, write)
    if state.result.null is Null.ALWAYS:
        return Fired(effect, write, skipped=True)
    if trigger.timing == "instead of" or write.operation == "delete" or state.result.row is None:
        return Fired(effect, write)
    return Fired(effect, _with_row(write, relation, new, state.result))


def _with_row(write: Write, relation: Relation, before: Value, after: Value) -> Write:
    """The write with the row that a BEFORE trigger returned."""
    given = {each.column: each for each in write.assignments}
    assignments = []
    for column in relation.columns:
        old, value = before.field(column.name), after.field(column.name) or NOTHING
        mine = given.get(column.number)
        if old == value and mine is not None:
            assignments.append(mine)
        elif old != value:
            assignments.append(Assignment(column.number, column.name, value, mine.span if mine else None))
    return msgspec.structs.replace(write, assignments=tuple(assignments))


def _recursion(trigger: Trigger, relation: Relation, write: Write, scope: Scope) -> Fired:
    failure = Failure(
        "recursion", "54001", "stack depth limit exceeded", write.span, (scope.context.source, trigger.oid, "recursion"),
        relation=relation.oid, function=scope.context.function, reason=trigger.name,
    )  # fmt: skip
    return Fired(Effect(failures=(failure,), ended="failed"), write)


# -- rows


def row_value(relation: Relation, which: str, catalog: Catalog) -> Value:
    """NEW or OLD of a table's own trigger."""
    fields = []
    open_ = Null.UNKNOWN if relation.kind is RelationKind.VIEW else Null.MAYBE
    for column in relation.columns:
        null = Null.NEVER if names.never_null(relation, column, catalog) else open_
        fields.append((column.name, Value(column.type, null, Field(which, relation.oid, column.number))))
    return Value(Type(relation.oid), Null.NEVER, Opaque(which), tuple(fields), relation.oid)


def not_yet_generated(row: Value, relation: Relation, timing: str) -> Value:
    """NEW or OLD as a trigger sees it: stored generated columns are computed after BEFORE triggers, virtual ones on reading.

    Chapter "Generated Columns"; both are NULL until then.
    """
    for each in relation.columns:
        if row.row is not None and (each.generated == "virtual" or (each.generated and timing == "before")):
            row = msgspec.structs.replace(row.with_field(each.name, _not_computed(each, row)), null=row.null)
    return row


def _not_computed(column: Column, row: Value) -> Value:
    value = row.field(column.name)
    return Value(column.type, Null.ALWAYS, value.term if value is not None else NULL_TERM)


def null_row(relation: Relation) -> Value:
    """NEW in a DELETE, OLD in an INSERT: a row of NULLs."""
    fields = tuple((each.name, Value(each.type, Null.ALWAYS, NULL_TERM)) for each in relation.columns)
    return Value(Type(relation.oid), Null.ALWAYS, NULL_TERM, fields, relation.oid)


def row_of(write: Write) -> Row:
    """The row that a write makes, or that it finds."""
    if write.operation == "insert":
        return write.target, frozenset((each.column, each.value.term) for each in write.assignments)
    return write.target, frozenset((column, value.term) for column, value in write.matches)


def rows_of_write(relation: Relation, event: str, write: Write) -> tuple[Value, Value]:
    """NEW and OLD as the triggers of a write's target see them."""
    found = {column: value.term for column, value in write.matches}
    if write.conflict is not None:  # the row that an upsert meets has the arbiter's columns in common with it
        found = {each: write.value_of(each).term for each in write.conflict.columns}
    there = tuple(
        (
            each.name,
            Value(
                each.type,
                Null.NEVER if each.not_null or each.number in found else Null.MAYBE,
                found.get(each.number, Looked(relation.oid, each.number, _by(write))),
            ),
        )
        for each in relation.columns
    )
    old = Value(Type(relation.oid), Null.NEVER, Opaque("old"), there, relation.oid)
    if event == "delete":
        return null_row(relation), old
    given = {each.column: each.value for each in write.assignments}
    if write.operation == "insert" and event == "update" and write.conflict is not None:
        given = {each.column: each.value for each in write.conflict.assignments}
    if event == "insert":
        fields = tuple((each.name, given.get(each.number, NOTHING)) for each in relation.columns)
        return Value(Type(relation.oid), Null.NEVER, Opaque("new"), fields, relation.oid), null_row(relation)
    fields = tuple((name, given.get(column.number, value)) for (name, value), column in zip(there, relation.columns, strict=True))
    return Value(Type(relation.oid), Null.NEVER, Opaque("new"), fields, relation.oid), old


def _by(write: Write) -> tuple[tuple[int, Any], ...]:
    return tuple((number, value.term) for number, value in write.matches)


# -- a trigger's start


def start(trigger: Trigger, relation: Relation, event: str, new: Value, old: Value, context: Context) -> list[tuple[bool, State]]:
    """The states in which a trigger's function begins, and those in which its WHEN keeps it from running."""
    state = State(start_variables(trigger, relation, event, new, old, context.catalog))
    if trigger.when is None:
        return [(True, state)]
    outside = msgspec.structs.replace(context, depth=context.depth - 1, excerpt=None)
    scope = Scope(outside, state.variables, lambda location: trigger.when.span if trigger.when else None)
    value = expression.evaluate(trigger.when.node, scope)
    truth = conditions.truth(value)
    if truth is not None or value.null is Null.ALWAYS:
        return [(bool(truth), state)]
    ways = []
    span = trigger.when.span
    for holds in (True, False):
        text = " ".join(span.text.split()) if span is not None else "WHEN"
        condition = Condition(text, repr(value.term), holds, span=span, parts=conditions.facts(value, holds))
        same = conditions.unchanged_columns(trigger.when.node, holds, state.variables)
        every = frozenset(range(1, 2000)) if same is None else same
        variables = conditions.assume(trigger.when.node, holds, state.variables)
        ways.append((holds, replace(state, variables=variables, conditions=(condition,), unchanged=every)))
    return ways


def start_variables(
    trigger: Trigger, relation: Relation, event: str, new: Value, old: Value, catalog: Catalog
) -> immutables.Map[str, Value]:
    """NEW, OLD and the TG_ variables (chapter "Trigger Functions")."""
    arguments = Value(Type("_text"), Null.NEVER, Call("tg_argv", tuple(Constant(each, "text") for each in trigger.arguments)))
    variables = {
        "new": new,
        "old": old,
        "tg_op": constant(event.upper(), "text"),
        "tg_name": constant(trigger.name, "name"),
        "tg_when": constant(trigger.timing.upper(), "text"),
        "tg_level": constant(trigger.level.upper(), "text"),
        "tg_table_name": constant(relation.name, "name"),
        "tg_relname": constant(relation.name, "name"),
        "tg_table_schema": constant(catalog.schema_name(relation.schema), "name"),
        "tg_nargs": constant(str(len(trigger.arguments)), "int4"),
        "tg_argv": arguments,
        "tg_relid": Value(Type("oid"), Null.NEVER, Opaque("tg_relid")),
    }
    if trigger.level == "statement":
        for name, row in (
            (trigger.new_table, row_value(relation, "new", catalog)),
            (trigger.old_table, row_value(relation, "old", catalog)),
        ):
            if name is not None:
                variables[f"table {name}"] = row
    return immutables.Map(variables)
