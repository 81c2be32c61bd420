from schemalint.rule import Severity, State, Sync, Violation, Violations, contract_of, invariant


@invariant()
def way_back(state: State) -> Violations:
    """A sync that is declared to go one way has a trigger that carries rows back.

    ## Why
    Rows that are written to the target come to the source, where nobody expects them; and a write on either side can go
    round, if nothing stops it.

    ## Way out
    Drop the trigger, or take `one_way` out of what is declared about the sync.

    ## Not reported
    Syncs of which nothing is declared, as both ways may be meant; writes from the target to the source that carry no rows,
    such as a counter, which cannot bring any back.
    """
    source = state.catalog.qualified_name(state.source)
    for sync in state.mirrors:
        target = state.relation_name(sync.target)
        firing = next((each for carried in sync.carried for each in carried.firings), None)
        if firing is None or not _carries_rows(sync) or not contract_of(state.catalog, target, source).one_way:
            continue
        trigger = next((each for each in state.source.triggers if each.oid == firing.trigger), None)
        yield Violation(
            key=(sync.source, sync.identity, "way back"),
            message=f"rows of {source} are carried back to {target}, from which they are declared to come one way",
            at=(trigger.span if trigger is not None else None,),
            sync=state.names(firing, sync.target),
            severity=Severity.ERROR,
            help=f"drop the trigger {firing.trigger_name}, or take one_way out of the contract",
        )


def _carries_rows(sync: Sync) -> bool:
    """Whether the target gets values of the source, beside those that its rows are found by."""
    return any(pair not in sync.key for carried in sync.carried for pair in carried.columns)
