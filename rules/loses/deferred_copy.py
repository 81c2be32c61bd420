from schemalint.catalog.model import Trigger
from schemalint.rule import Certainty, Severity, State, Sync, Violation, Violations, invariant


@invariant(shown_by="a transaction of several writes")
def deferred_copy(state: State) -> Violations:
    """The copy is made at COMMIT, of a row that the same transaction may have deleted again.

    ## Why
    A constraint trigger that is INITIALLY DEFERRED fires at the end of the transaction, with the row as it was inserted. Where
    the row has been deleted in between and no deferred trigger carries the delete, the copy is made of a row that is not
    there any more, and stays. Other statements of the transaction do not see the copy yet, and an error of the trigger
    comes at COMMIT, where no handler takes it.

    ## Way out
    An AFTER trigger that is not deferred; or carry deletes by a trigger that is deferred too.

    ## Not reported
    Triggers that are DEFERRABLE and fire at once unless a session asks otherwise; syncs whose deletes are deferred as well.
    """
    for sync in state.kept:
        insert, delete = _deferred(state, sync, "insert"), _deferred(state, sync, "delete")
        if insert is None or delete is not None:
            continue
        yield Violation(
            key=(sync.source, sync.identity, "deferred"),
            message=f"a row of {state.relation_name(sync.source)} that its own transaction deletes again is copied to "
            f"{state.relation_name(sync.target)} all the same: {insert.name} fires at COMMIT",
            at=(insert.span,),
            certainty=Certainty.CONDITIONAL,
            severity=Severity.WARNING,
            sync=state.names_of_sync(sync),
            help=f"make {insert.name} a trigger that is not deferred",
        )


def _deferred(state: State, sync: Sync, event: str) -> Trigger | None:
    carried = sync.on(event)
    fired = {each.trigger for each in carried.firings} if carried is not None else set()
    return next((each for each in state.source.triggers if each.oid in fired and each.initially_deferred), None)
