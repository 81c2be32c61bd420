from schemalint.catalog.model import Constraint
from schemalint.rule import Certainty, Place, State, Sync, Violation, Violations, invariant, witness_of


@invariant("23503", "23001", "23502", "0A000")
def parent_delete_blocked(state: State) -> Violations:
    """Copies in the target keep rows elsewhere from being deleted.

    ## Why
    The sync puts rows into the target and nothing takes them away, while a foreign key of the target says NO ACTION or
    RESTRICT to a parent whose deletes the source follows (or allows). From then on DELETE on that parent fails, and
    TRUNCATE of a table that a foreign key refers to does too. A foreign key with ON DELETE SET NULL on a column that must
    not be NULL fails in the same way.

    ## Way out
    ON DELETE CASCADE on the target's foreign key, as the source has it, or a trigger that carries deletes to the target.

    ## Not reported
    Foreign keys that cascade, which take the copy along; parents that the source's own foreign key protects as well, whose
    delete is refused with or without the sync; syncs that carry deletes in time, by a BEFORE trigger or under a deferred
    key (else the key is checked before the copy is deleted); NOT ENFORCED keys, which nobody checks.
    """
    for sync in state.mirrors:
        carried = sync.on("insert")
        target = state.catalog.relation(sync.target)
        if carried is None or target is None:
            continue
        for key in target.constraints:
            parent = state.catalog.relation(key.references)
            if parent is None or not key.enforced or not _written(state, sync, key.columns):
                continue
            found = _blocked(state, sync, key, parent.oid)
            if found is None:
                continue
            sqlstate, what, event = found
            name = state.catalog.qualified_name(parent)
            yield Violation(
                key=(sync.source, key.oid, sqlstate),
                message=f"{event} {name} fails once {state.relation_name(sync.source)} has a row: {what}",
                at=(key.span, state.column_span(sync.target, key.columns[0])),
                certainty=Certainty.UNKNOWN if sqlstate == "0A000" else Certainty.CERTAIN,
                sync=state.names(carried.firings[0], sync.target),
                related=(Place(carried.write.span, "the copy is made here"),) if carried.write is not None else (),
                sqlstate=sqlstate,
                answer=f'{sqlstate} the foreign key "{key.name}" of {state.relation_name(sync.target)} stands in the way',
                witness=witness_of(parent, "delete", {}, state.catalog) if event.startswith("DELETE") else f"TRUNCATE {name}",
                help=f"ALTER TABLE {state.relation_name(sync.target)} … FOREIGN KEY … ON DELETE CASCADE, as the source has it",
            )


def _written(state: State, sync: Sync, columns: tuple[int, ...]) -> bool:
    """Whether the sync fills the key with something other than NULL."""
    return any(
        all((given := write.given(column)) is not None and given.value.null != "always" for column in columns)
        for carried, _, write in state.writes(sync)
        if write.operation == "insert"
    )


def _blocked(state: State, sync: Sync, key: Constraint, parent: int) -> tuple[str, str, str] | None:
    source = state.source
    table = state.relation_name(sync.target)
    if parent == source.oid:
        return "0A000", f"{table} refers to it, and TRUNCATE does not look at the action", "TRUNCATE of"
    followed = next((own for own in source.constraints if own.references == parent and own.enforced), None)
    if followed is None or followed.on_delete not in ("cascade", "set null", "set default"):
        return None
    on_delete = key.on_delete
    deletes = sync.on("delete")
    in_time = key.initially_deferred or (deletes is not None and any(each.timing == "before" for each in deletes.firings))
    carried = deletes is not None and in_time
    if on_delete in ("no action", "restrict") and not carried:
        return "23503" if on_delete == "no action" else "23001", f"its copy in {table} still refers to the row", "DELETE from"
    columns = [state.column(sync.target, number) for number in key.columns]
    if on_delete == "set null" and any(column is not None and column.not_null for column in columns):
        return "23502", f"{table} is to become NULL where it must not be", "DELETE from"
    return None
