from schemalint.rule import Certainty, Severity, State, Violation, Violations, invariant, witness_of


@invariant(shown_by="the row itself")
def write_skipped(state: State) -> Violations:
    """A BEFORE trigger returns NULL, so that the write to the source itself does not happen.

    ## Why
    In a DELETE, NEW is NULL: a BEFORE DELETE trigger that ends with RETURN NEW cancels the delete. The trigger has deleted
    the copy, the statement answers DELETE 0, and the row stays. RETURN NULL in a BEFORE trigger does the same to any event.

    ## Way out
    RETURN OLD in a DELETE (or COALESCE(NEW, OLD)), or make it an AFTER trigger.

    ## Not reported
    AFTER triggers, whose result does not matter; triggers that cancel only some rows, which is a decision about these rows.
    """
    if not state.mirrors:
        return
    for firing in state.firings:
        paths = [each for each in firing.paths if each.typical and each.outcome not in ("failed", "raised", "unfired")]
        if firing.timing != "before" or not paths or any(each.outcome != "skipped" for each in paths):
            continue
        name = state.relation_name(state.source.oid)
        trigger = next((each for each in state.source.triggers if each.oid == firing.trigger), None)
        yield Violation(
            key=(state.source.oid, firing.event, "skipped", firing.trigger),
            message=f"{firing.event.upper()} on {name} does nothing to the row: the trigger {firing.trigger_name} returns NULL",
            at=(trigger.span if trigger is not None else None,),
            certainty=Certainty.CERTAIN,
            severity=Severity.ERROR,
            sync=state.names_of_sync(state.mirrors[0]),
            witness=witness_of(state.source, firing.event, {}, state.catalog),
            help="RETURN OLD in a DELETE, or make it an AFTER trigger",
        )
