from schemalint.rule import State, Violations, invariant


@invariant("55000", "42809", "0A000")
def target_readonly(state: State) -> Violations:
    """What the trigger writes to takes no such write.

    ## Why
    A view that joins, groups or computes the written column is not updatable, a materialized view never is. The name
    still resolves, so nothing fails until the trigger runs.

    ## Way out
    Give the view an INSTEAD OF trigger, write to the table below it, or drop the sync trigger first.

    ## Not reported
    Views that PostgreSQL updates by itself, as they stand for one table; views with an INSTEAD OF trigger or rule for the
    event, which takes the write.
    """
    for failing in state.failing("target-readonly"):
        failure = failing.failure
        yield state.violation(
            failing,
            f"{failure.reason} does not take what the trigger writes",
            place="written here",
            help=f"write to the table below it in {state.signature(failing.firing.function)}, "
            "or give the view an INSTEAD OF trigger",
        )
