"""One path while it runs, and how paths go on, end, and are joined."""

from __future__ import annotations

from typing import Any

import immutables
import msgspec

from schemalint.flow.path import Condition, Failure, Write
from schemalint.flow.value import NOTHING, Value, boolean, join
from schemalint.interpret.catching import is_caught
from schemalint.interpret.scope import Context, Effect

Variables = immutables.Map[str, Value]

MOST_PATHS = 32  # past it, paths that have done the same are joined
TRUE, FALSE = boolean(True), boolean(False)


class State(msgspec.Struct, frozen=True):
    """One path while it runs."""

    variables: Variables
    conditions: tuple[Condition, ...] = ()
    writes: tuple[Write, ...] = ()
    failures: tuple[Failure, ...] = ()
    unchanged: frozenset[int] = frozenset()
    outcome: str = ""  # "" goes on; "return", "raised", "failed", "exit label", "continue label"
    result: Value = NOTHING
    failure: Failure | None = None  # what ended it


def replace(state: State, **changes: Any) -> State:
    return msgspec.structs.replace(state, **changes)


def with_pending(states: list[State], context: Context) -> list[State]:
    """The states after what functions called on the way did."""
    pending = list(context.pending)
    context.pending.clear()
    for alternatives in pending:
        states = [
            after_effect(state, effect) if state.outcome in ("", "return") else state
            for state in states
            for effect in (alternatives if state.outcome in ("", "return") else alternatives[:1])
        ]
    return states


def after_effect(state: State, effect: Effect) -> State:
    ending = next((each for each in reversed(effect.failures) if each.certainty == "certain"), None) if effect.ended else None
    return replace(
        state,
        conditions=(*state.conditions, *effect.conditions),
        writes=(*state.writes, *effect.writes),
        failures=(*state.failures, *effect.failures),
        outcome=effect.ended or state.outcome,
        failure=ending or state.failure,
    )


def ended_by(state: State, failure: Failure, context: Context) -> State:
    failure = msgspec.structs.replace(failure, caught=is_caught(failure.sqlstate, context.caught))
    return replace(state, failures=(*state.failures, failure), outcome="failed", failure=failure)


def joined(states: list[State]) -> list[State]:
    """The states, or where there are too many, one for all that have done the same."""
    if len(states) <= MOST_PATHS:
        return states
    groups: dict[tuple[Any, ...], State] = {}
    for state in states:
        spans = tuple((each.operation, each.span.start) for each in state.writes)
        key = (state.outcome, spans, tuple(each.subject for each in state.failures), all(c.typical for c in state.conditions))
        groups[key] = state if key not in groups else _join_states(groups[key], state)
    return list(groups.values())


def _join_states(first: State, second: State) -> State:
    variables = first.variables
    for name, value in second.variables.items():
        mine = variables.get(name)
        if mine is not None and mine != value:
            variables = variables.set(name, join(mine, value))
    shared = tuple(each for each in first.conditions if each in second.conditions)
    return replace(first, variables=variables, conditions=shared, unchanged=first.unchanged & second.unchanged)
