"""Runs every trigger of a table on a row of its own: the firings, event by event."""

from __future__ import annotations

from collections.abc import Iterator

import immutables
import msgspec

from schemalint.catalog.catalog import Catalog
from schemalint.catalog.model import Function, Relation, RelationKind, Trigger
from schemalint.flow.path import Failure, Firing, Gap, Path
from schemalint.flow.value import Field, Null, Value, join
from schemalint.interpret import run
from schemalint.interpret.calls import search_path_of
from schemalint.interpret.firing import fires, not_yet_generated, null_row, row_of, row_value, start
from schemalint.interpret.scope import Context, RaisedError, Row
from schemalint.interpret.state import State, replace
from schemalint.interpret.views import is_replaced

EVENTS = ("insert", "update", "delete", "truncate")


def firings_of(relation: Relation, catalog: Catalog) -> tuple[Firing, ...]:
    """What each trigger of the table does with each event that sets it off."""
    found: list[Firing] = []
    for event in EVENTS:
        if relation.kind is not RelationKind.VIEW and is_replaced(relation, event):
            continue  # the rule's actions run in its place, and no row of the table is touched
        if any(event in each.events for each in relation.triggers):
            found.extend(_of_event(relation, event, catalog))
    return tuple(found)


def _of_event(relation: Relation, event: str, catalog: Catalog) -> Iterator[Firing]:
    new = row_value(relation, "new", catalog) if event in ("insert", "update") else null_row(relation)
    old = row_value(relation, "old", catalog) if event in ("update", "delete") else null_row(relation)
    ordered = sorted(relation.triggers, key=lambda each: each.name)
    before: list[Firing] = []
    modified: frozenset[int] = frozenset()
    for trigger in ordered:
        if fires(trigger, event, "before", "statement"):
            yield _fire(trigger, relation, event, new, old, catalog, ())[0]
    for trigger in ordered:
        if not fires(trigger, event, "before", "row"):
            continue
        firing, changed = _fire(trigger, relation, event, not_yet_generated(new, relation, "before"), old, catalog, ())
        if changed is not None:
            touched = _changed_columns(relation, new, changed)
            before = [msgspec.structs.replace(each, overtaken=each.overtaken | touched) for each in before]
            modified |= touched
            new = changed
        before.append(firing)
    yield from before
    new, old = not_yet_generated(new, relation, "after"), not_yet_generated(old, relation, "after")
    there: tuple[Row, ...] = ()
    for timing in ("instead of", "after"):
        for level in ("statement", "row"):
            for trigger in ordered:
                if not fires(trigger, event, timing, level):
                    continue
                firing, _ = _fire(trigger, relation, event, new, old, catalog, there)
                yield msgspec.structs.replace(firing, modified=modified) if modified else firing
                if timing == "after" and level == "row" and event == "insert":
                    there = (*there, *_surely_made(firing))


def _changed_columns(relation: Relation, before: Value, after: Value) -> frozenset[int]:
    return frozenset(
        each.number for each in relation.columns if not each.generated and before.field(each.name) != after.field(each.name)
    )


def _fire(
    trigger: Trigger, relation: Relation, event: str, new: Value, old: Value, catalog: Catalog, there: tuple[Row, ...]
) -> tuple[Firing, Value | None]:
    """A trigger's firing, and the row as a BEFORE trigger leaves it."""
    function = catalog.function(trigger.function)
    gaps: list[Gap] = []
    paths: tuple[Path, ...] = ()
    changed: Value | None = None
    if function is None or function.body is None or function.language != "plpgsql" or function.tainted:
        language = function.language if function is not None else "?"
        gaps.append(Gap(function.span if function else trigger.span, f"trigger function in language {language}"))
        paths = (Path(),)
    else:
        if trigger.level == "statement":
            new, old = null_row(relation), null_row(relation)
        context = context_of(trigger, relation, event, function, catalog, gaps)
        context = msgspec.structs.replace(context, there=(*context.there, *there))
        states = _run(trigger, relation, event, new, old, function, context)
        paths = tuple(_path(each, fired, trigger) for fired, each in states)
        changed = _row_after(states, new)
    return (
        Firing(
            trigger.oid, trigger.name, trigger.function, event, trigger.timing, paths,
            trigger.columns if event == "update" else (), gaps=tuple(gaps),
        ),
        changed,
    )  # fmt: skip


def context_of(
    trigger: Trigger, relation: Relation, event: str, function: Function, catalog: Catalog, gaps: list[Gap]
) -> Context:
    default_path = catalog.get(("setting", "default_search_path")) or catalog.search_path or ("public",)
    return Context(
        catalog=catalog,
        function=function.oid,
        search_path=search_path_of(function, default_path),
        event=event,
        source=relation.oid,
        gaps=gaps,
        pending=[],
        timing=trigger.timing,
        trigger=trigger.oid,
        stack=((trigger.oid, event),),
        there=(own_row(relation, "new"),) if event != "delete" and (trigger.timing == "after" or event == "update") else (),
        leaving=((trigger.timing, own_row(relation, "old")),) if event == "delete" else (),
        security_definer=function.security_definer,
        user=function.owner if function.security_definer else "",
        volatility=function.volatility,
        excerpt=function.body,
    )


def own_row(relation: Relation, which: str) -> Row:
    """The firing row, as its own columns."""
    return relation.oid, frozenset((each.number, Field(which, relation.oid, each.number)) for each in relation.columns)


def _surely_made(firing: Firing) -> Iterator[Row]:
    """The rows that every ordinary path of a firing inserts."""
    ordinary = [path for path in firing.paths if path.typical and path.outcome not in ("failed", "raised")]
    made = [{row_of(each) for each in path.writes if each.operation == "insert"} for path in ordinary]
    if made:
        yield from set.intersection(*made)


def _run(
    trigger: Trigger, relation: Relation, event: str, new: Value, old: Value, function: Function, context: Context
) -> list[tuple[bool, State]]:
    try:
        begun = start(trigger, relation, event, new, old, context)
    except RaisedError as raised:
        return [(True, State(immutables.Map(), failures=(raised.failure,), outcome="failed", failure=raised.failure))]
    ended: list[tuple[bool, State]] = []
    for fired, state in begun:
        if not fired:
            ended.append((False, state))
            continue
        for end in run.run_body(function, context, state.variables):
            merged = replace(end, conditions=(*state.conditions, *end.conditions), unchanged=state.unchanged | end.unchanged)
            ended.append((True, merged))
    return ended


def _path(state: State, fired: bool, trigger: Trigger) -> Path:
    outcome = state.outcome if state.outcome in ("failed", "raised") else "done"
    if not fired:
        outcome = "unfired"
    elif outcome == "done" and trigger.timing == "before" and trigger.level == "row" and state.result.null is Null.ALWAYS:
        outcome = "skipped"
    writes = () if outcome == "raised" else state.writes
    return Path(state.conditions, writes, _distinct(state.failures), outcome, state.unchanged)


def _distinct(failures: tuple[Failure, ...]) -> tuple[Failure, ...]:
    return tuple(dict.fromkeys(failures)) if len(failures) > 1 else failures


def _row_after(states: list[tuple[bool, State]], new: Value) -> Value | None:
    rows = [
        state.result if fired and state.result.row is not None else new
        for fired, state in states
        if state.outcome in ("return", "") and not (fired and state.result.null is Null.ALWAYS)
    ]
    if not rows:
        return None
    joined = rows[0]
    for each in rows[1:]:
        joined = join(joined, each)
    return msgspec.structs.replace(new, row=joined.row) if joined.row is not None else None
