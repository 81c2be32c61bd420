from schemalint.rule import State, Violations, invariant


@invariant("42P01")
def target_gone(state: State) -> Violations:
    """The table that the trigger writes to is not there.

    ## Why
    The function names its target and PostgreSQL looks the name up when the statement runs, through the search_path that
    is in force there. After DROP TABLE, RENAME, SET SCHEMA, or a search_path that no longer holds its schema, there is
    nothing of that name, and every write to the source raises.

    ## Way out
    Drop the trigger (or replace the function) in the same migration that takes the table away; after a rename replace
    the function, or leave an updatable view under the old name.

    ## Not reported
    A table dropped and made again, or renamed back, in the same migration, as no write comes between; a view in its place
    that passes writes on, under the name that the function looks up; tables in schemas that no migration makes, which are
    there or not without the migrations knowing.
    """
    for failing in state.failing("target-gone"):
        failure = failing.failure
        yield state.violation(
            failing,
            f"the trigger writes to {failure.reason}, and there is no such table",
            place="written to here",
            help=f"replace {state.signature(failing.firing.function)} or drop the trigger {failing.firing.trigger_name} "
            "in the same migration",
        )
