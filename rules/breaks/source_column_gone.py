from schemalint.rule import State, Violations, invariant


@invariant("42703")
def source_column_gone(state: State) -> Violations:
    """A column of the source that the trigger reads is not there.

    ## Why
    The function says NEW.x or OLD.x, and the table has no column x: it was dropped or renamed, or the function was
    written against another table. The body is not checked when the column goes; the next write raises.

    ## Way out
    Replace the function first so that it no longer reads the column, then drop or rename it.

    ## Not reported
    Columns read only on paths that are never taken; functions that the same migration replaces, as no write comes between.
    """
    for failing in state.failing("source-column"):
        failure = failing.failure
        yield state.violation(
            failing,
            f"the trigger reads {failure.subject[-1]}, which {state.relation_name(failure.relation)} does not have",
            place="read here",
            help=f"replace {state.signature(failing.firing.function)} before the column goes, or in the same migration",
        )
