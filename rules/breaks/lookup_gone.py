from schemalint.rule import State, Violations, invariant


@invariant("42P01", "42703", "42702")
def lookup_gone(state: State) -> Violations:
    """A table or column that the trigger looks something up in is not there, or a name has become ambiguous.

    ## Why
    The function reads another table, and that table or column was dropped, renamed or moved, or a new column bears the
    name of one of its variables. The names are looked up when the statement runs, so the next write to the source
    raises.

    ## Way out
    Replace the function in the same migration, qualify its column names with the table, and its variables with a
    prefix.

    ## Not reported
    Queries on paths that are never taken; tables in schemas that no migration makes, and system catalogs: they are there or
    not without the migrations knowing.
    """
    for failing in state.failing("lookup-gone", "unknown-column", "ambiguous-name"):
        failure = failing.failure
        yield state.violation(
            failing,
            f"{failure.message}",
            place="read here",
            help=f"replace {state.signature(failing.firing.function)} in the same migration",
        )
