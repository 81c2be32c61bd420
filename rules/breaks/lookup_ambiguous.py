from schemalint.rule import State, Violations, invariant


@invariant("P0003", "21000", shown_by="more rows of what is looked up")
def lookup_ambiguous(state: State) -> Violations:
    """A query of which the trigger wants one row can find several.

    ## Why
    SELECT … INTO STRICT raises when a second row comes, and so does a subquery in the place of a value. Nothing unique
    stands behind the columns by which it looks: the key was dropped, or there never was one.

    ## Way out
    A unique constraint on what is looked up by, or LIMIT 1 with an ORDER BY that says which row is meant.

    ## Not reported
    Look-ups by a primary key or unique constraint, which find one row at most; aggregates and LIMIT 1, which give one row
    whatever they find.
    """
    for failing in state.failing("many-rows"):
        yield state.violation(
            failing,
            f"the function wants one row, and there can be several: {failing.failure.reason}",
            place="looked up here",
            help="make what it looks up by unique, or say which row is meant: ORDER BY … LIMIT 1",
        )
