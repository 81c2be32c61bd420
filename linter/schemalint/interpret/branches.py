"""IF, CASE and loops: where a path parts."""

from __future__ import annotations

from typing import Any

import msgspec

from schemalint.catalog.model import UNKNOWN, Type
from schemalint.catalog.type_names import element_of
from schemalint.flow.path import Condition, Failure
from schemalint.flow.value import NOTHING, Call, Null, Opaque, Value, subterms
from schemalint.interpret import bounds, conditions, operators, run
from schemalint.interpret.scope import Context
from schemalint.interpret.state import FALSE, TRUE, State, ended_by, replace, with_pending
from schemalint.interpret.trees import parsed_expression, scope_at
from schemalint.interpret.variables import store_row
from schemalint.parse import plpgsql_tree as tree


def split(fragment: tree.Fragment, state: State, context: Context) -> list[tuple[bool, State]]:
    """The states in which a condition holds, and in which it does not."""
    value = run.value_of(fragment, state, context)
    truth = conditions.truth(value)
    if truth is not None or value.null is Null.ALWAYS:
        return [(bool(truth), state)]
    _, parsed = parsed_expression(fragment.text)
    node = parsed["targetList"][0]["ResTarget"]["val"]
    usual = _usual_truth(fragment, value, state, context)
    span = context.excerpt.span(fragment.start, fragment.end) if context.excerpt else None
    result = []
    for holds in (True, False):
        text, typical = " ".join(fragment.text.split()), usual is None or usual == holds
        condition = Condition(text, repr(value.term), holds, typical, span, parts=conditions.facts(value, holds))
        known = _known_condition(condition, state)
        if known is not None and known != holds:
            continue
        same = conditions.unchanged_columns(node, holds, state.variables)
        every = frozenset(range(1, 2000)) if same is None else same
        variables = conditions.assume(node, holds, state.variables)
        if fragment.text.strip().lower() in ("found", "not found"):
            variables = variables.set("found", TRUE if holds == (fragment.text.strip().lower() == "found") else FALSE)
        conditions_ = state.conditions if known is not None else (*state.conditions, condition)
        result.append((holds, replace(state, variables=variables, conditions=conditions_, unchanged=state.unchanged | every)))
    return result


def _known_condition(condition: Condition, state: State) -> bool | None:
    for each in state.conditions:
        if each.key == condition.key and "Opaque" not in each.key and "volatile=True" not in each.key:
            return each.holds
    return None


def _usual_truth(fragment: tree.Fragment, value: Value, state: State, context: Context) -> bool | None:
    """How a condition goes in ordinary times: on the row's own copy, or on settings that no session has set."""
    found = conditions.usually_exists(value.term)
    if found is not None:
        return found
    if not any(isinstance(each, Call) and each.name == "current_setting" for each in subterms(value.term)):
        return None
    unset = msgspec.structs.replace(context, unset_settings=True, pending=[], gaps=[])
    usual = run.value_of(fragment, state, unset)
    truth = conditions.truth(usual)
    return False if truth is None and usual.null is Null.ALWAYS else truth


def if_(statement: tree.If, state: State, context: Context) -> list[State]:
    done: list[State] = []
    waiting = [state]
    for branch in statement.branches:
        rest: list[State] = []
        for each in waiting:
            for holds, after in split(branch.condition, each, context):
                ready = with_pending([after], context)
                if holds:
                    done.extend(run.run_statements(branch.body, ready, context))
                else:
                    rest.extend(ready)
        waiting = rest
    done.extend(run.run_statements(statement.otherwise or (), waiting, context))
    return done


def case(statement: tree.Case, state: State, context: Context) -> list[State]:
    subject = run.value_of(statement.subject, state, context) if statement.subject is not None else None
    done: list[State] = []
    waiting = [state]
    for branch in statement.branches:
        for fragment in branch.values:
            rest: list[State] = []
            for each in waiting:
                options = split(fragment, each, context) if subject is None else _matched(subject, fragment, each, context)
                for holds, after in options:
                    if holds:
                        done.extend(run.run_statements(branch.body, [after], context))
                    else:
                        rest.append(after)
            waiting = rest
    if subject is not None and _covered(subject, statement, state, context):
        return done
    if statement.otherwise is not None:
        return done + run.run_statements(statement.otherwise, waiting, context)
    span = context.excerpt.span(statement.start, statement.end) if context.excerpt else None
    failure = Failure("case", "20000", "case not found", span, (context.function, "case"), function=context.function)
    return done + [ended_by(each, failure, context) for each in waiting]


def _covered(subject: Value, statement: tree.Case, state: State, context: Context) -> bool:
    """Whether the branches name every value that the subject can have; NULL meets none of them."""
    values = [run.value_of(each, state, context).constant for branch in statement.branches for each in branch.values]
    scope = scope_at(statement.subject, state, context) if statement.subject is not None else None
    choices = bounds.known_of(subject.term, scope).choices if scope is not None else None
    named = {each.text for each in values if each is not None}
    return choices is not None and choices <= named and subject.null is Null.NEVER


def _matched(subject: Value, fragment: tree.Fragment, state: State, context: Context) -> list[tuple[bool, State]]:
    value = operators.operate("=", subject, run.value_of(fragment, state, context), scope_at(fragment, state, context), {})
    truth = conditions.truth(value)
    if truth is not None:
        return [(truth, state)]
    span = context.excerpt.span(fragment.start, fragment.end) if context.excerpt else None
    return [
        (holds, replace(state, conditions=(*state.conditions, Condition(fragment.text, repr(value.term), holds, span=span))))
        for holds in (True, False)
    ]


def _loop(statement: tree.Looping, state: State, context: Context, body: tree.Body, times: str) -> list[State]:
    """A loop's body: not at all, or once, as an example of all its turns. `times`: "some", "one", "maybe"."""
    label = statement.label or ""
    skipped = [state] if times == "maybe" else []
    states = run.run_statements(body, [state], context)
    after = []
    for each in states:
        word, _, name = each.outcome.partition(" ")
        if word in ("exit", "continue") and name in ("", label):
            after.append(replace(each, outcome=""))
        else:
            after.append(each)
    return skipped + after


def plain_loop(statement: tree.Loop, state: State, context: Context) -> list[State]:
    return _loop(statement, state, context, statement.body, "one")


def while_(statement: tree.While, state: State, context: Context) -> list[State]:
    done = []
    for holds, after in split(statement.condition, state, context):
        done.extend(_loop(statement, after, context, statement.body, "one") if holds else [after])
    return done


def for_range(statement: tree.ForRange, state: State, context: Context) -> list[State]:
    run.value_of(statement.lower, state, context)
    run.value_of(statement.upper, state, context)
    inside = replace(state, variables=state.variables.set(statement.variable, Value(Type("int4"), Null.NEVER, Opaque("counter"))))
    return _loop(statement, inside, context, statement.body, "one")


def for_query(statement: tree.ForQuery, state: State, context: Context) -> list[State]:
    result = run.select_fragment(statement.query, state, context)
    if result.rows == "none":
        return [state]
    row = Value(Type("record"), Null.NEVER, Opaque("row"), result.columns if result.known else None)
    inside = store_row(state, statement.targets, row, context)
    skipped: list[State] = []
    if result.rows != "one":
        condition = Condition(result.text or "the query finds a row", f"loop {result.key}", True, result.typical)
        inside = replace(inside, conditions=(*inside.conditions, condition))
        without = msgspec.structs.replace(condition, holds=False, typical=False)
        skipped = [replace(state, conditions=(*state.conditions, without), variables=state.variables.set("found", FALSE))]
    inside = replace(inside, variables=inside.variables.set("found", TRUE))
    return skipped + _loop(statement, inside, context, statement.body, "one")


def for_unknown(statement: Any, state: State, context: Context) -> list[State]:
    """FOR over EXECUTE, a cursor or an array: the variable may be anything."""
    targets = getattr(statement, "targets", None) or ((getattr(statement, "variable", ""),),)
    inside = state
    element = NOTHING
    if isinstance(statement, tree.Foreach):
        array = run.value_of(statement.array, state, context)
        element = Value(element_of(array.type) or UNKNOWN, Null.UNKNOWN, Opaque("element"))
    for parts in targets:
        current = inside.variables.get(parts[0])
        if current is None or len(parts) > 1:
            continue
        inside = replace(inside, variables=inside.variables.set(parts[0], element))
    return _loop(statement, inside, context, statement.body, "maybe")


def exit_(statement: tree.Exit, state: State, context: Context) -> list[State]:
    outcome = ("continue " if statement.is_continue else "exit ") + (statement.label or "")
    if statement.when is None:
        return [replace(state, outcome=outcome)]
    return [replace(s, outcome=outcome) if holds else s for holds, s in split(statement.when, state, context)]
