from schemalint.rule import State, Violations, invariant


@invariant("42703")
def written_column_gone(state: State) -> Violations:
    """A column that the trigger writes is not there.

    ## Why
    The trigger function names the column in an INSERT, an UPDATE or an ON CONFLICT clause, and the target has no column
    of that name: it was dropped or renamed, or never existed. PL/pgSQL looks names up when the statement first runs, so
    the migration applies and the next write to the source raises.

    ## Way out
    Replace the function first, so that it no longer names the column (or names the new one), and drop or rename the
    column in the same migration or a later one.

    ## Not reported
    Columns that only statements on paths that are never taken name; functions that the same migration replaces, as no write
    comes between; columns that the function does not name, which nothing looks for.
    """
    for failing in state.failing("written-column"):
        failure = failing.failure
        yield state.violation(
            failing,
            f"the trigger writes {failure.reason}, which {state.relation_name(failure.relation)} does not have",
            place="written here",
            help=f"replace {state.signature(failing.firing.function)} before the column goes, or in the same migration",
        )
