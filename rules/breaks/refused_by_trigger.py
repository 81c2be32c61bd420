from schemalint.rule import Certainty, State, Violations, invariant


@invariant("P0001", "54001")
def refused_by_trigger(state: State) -> Violations:
    """A trigger on the way refuses every row that the sync writes.

    ## Why
    A trigger on the target raises an exception for each row, as those do that keep a table read-only, or two syncs fire
    each other without end. What it refuses is refused to the sync too, and with it to the writer of the source.

    ## Way out
    Let the sync through: WHEN (pg_trigger_depth() = 0) on the guarding trigger, IS DISTINCT FROM in the second sync.

    ## Not reported
    Exceptions under a condition on the row, which are there to refuse some rows; triggers that the sync depth or a setting
    keeps quiet; exceptions that the source's own trigger raises to validate rows, which the application is meant to see.
    """
    for failing in state.failing("raised", "recursion"):
        failure = failing.failure
        if failing.certainty is not Certainty.CERTAIN:
            continue
        yield state.violation(
            failing,
            f"{failure.message}",
            place="raised here",
            help="let the sync through: WHEN (pg_trigger_depth() = 0) on the trigger that refuses",
        )
