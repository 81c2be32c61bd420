from schemalint.flow.value import Field
from schemalint.rule import Carried, Certainty, Place, Severity, State, Violation, Violations, invariant


@invariant()
def change_missed(state: State) -> Violations:
    """The trigger's own test for changes lets some changes of the column that it tests go by.

    ## Why
    NEW.subject <> OLD.subject is neither true nor false where one of the two is NULL, and WHEN and IF take only true for an
    answer. An edit that fills the column, or empties it, is no change to the trigger, and the target keeps the old value.

    ## Way out
    NEW.subject IS DISTINCT FROM OLD.subject; or no test at all, as an upsert that changes nothing does no harm.

    ## Not reported
    Columns that the test does not name, which somebody has left out of it; columns that cannot be NULL; edits that another
    trigger carries; what used to be carried is said as a loss of its own.
    """
    for sync in state.kept:
        carried = sync.on("update")
        if carried is None or state.fails("update"):
            continue
        known = {pair for line in state.ledger if line.event == "update" for pair in line.columns - line.missed}
        for target, source in sorted(carried.missed - known):
            column = state.column(sync.source, source)
            if column is None or column.not_null or not _is_tested(carried, sync.source, source):
                continue
            trigger = next((t for t in state.source.triggers if any(f.trigger == t.oid for f in carried.firings)), None)
            name = state.relation_name(sync.source)
            yield Violation(
                key=(sync.source, sync.identity, "change", target, source),
                message=f"an edit of {name} that changes {column.name} from or to NULL does not reach "
                f"{state.relation_name(sync.target)}: the trigger compares with <>, which is not true of NULL",
                at=(trigger.span if trigger is not None else None,),
                certainty=Certainty.CONDITIONAL,
                severity=Severity.WARNING,
                sync=state.names_of_sync(sync),
                related=(Place(carried.write.span, "not reached then"),) if carried.write is not None else (),
                witness=f"UPDATE {name} SET {column.name} = NULL WHERE …",
                help=f"NEW.{column.name} IS DISTINCT FROM OLD.{column.name}",
            )


def _is_tested(carried: Carried, relation: int, column: int) -> bool:
    """Whether a condition of a way that writes nothing compares the column's old value with its new one."""
    sides = [repr(Field(row, relation, column)) for row in ("new", "old")]
    return any(
        all(each in fact for each in sides)
        for firing in carried.firings
        for path in firing.paths
        if not path.writes
        for condition in path.conditions
        for fact in (condition.key, *(key for key, _ in condition.facts))
    )
