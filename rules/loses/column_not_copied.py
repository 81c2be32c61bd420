from schemalint.rule import State, Violations, invariant


@invariant()
def column_not_copied(state: State) -> Violations:
    """A column that used to be copied no longer is.

    ## Why
    The function was replaced by one that leaves the column out, or UPDATE OF no longer names it, or a condition skips rows
    in which only it has changed. The row arrives, but the target keeps an old value, a default or NULL.

    ## Way out
    Copy the column again, or drop it from the target if nobody reads it there.

    ## Not reported
    Columns that have never been copied, which nobody misses; columns that are dropped on either side, as there is nothing
    to copy or nowhere to put it; an event that is lost as a whole, which is said as such.
    """
    for line, column, source in state.uncopied():
        target_column = state.column_name(line.target, column)
        source_column = state.column_name(line.source, source)
        yield state.loss(
            line,
            f"{line.source_name}.{source_column} no longer reaches {line.target_name}.{target_column} on {line.event.upper()}",
            help=f"copy {source_column} in {state.signature(line.function)} again",
            kind=column,
        )
