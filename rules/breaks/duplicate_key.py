from schemalint.rule import State, Violations, invariant


@invariant("23505")
def duplicate_key(state: State) -> Violations:
    """The trigger inserts a key that is there already, or that rows of the source can share.

    ## Why
    A plain INSERT that runs on UPDATE, or twice for one row, meets the row that it made before. A new unique constraint
    on the target demands what the source does not promise: two rows of the source may have the same value.

    ## Way out
    Add ON CONFLICT to the INSERT, or the same unique constraint to the source first.

    ## Not reported
    Unique columns of which the source has the same unique key, where the second row is refused at the source; columns that
    stay NULL, which are never equal; keys that the target makes for itself.
    """
    for failing in state.failing("duplicate-key", "unique"):
        failure = failing.failure
        yield state.violation(
            failing,
            f"two rows with the same key in {failure.reason} of {state.relation_name(failure.relation)}",
            place="inserted here",
            help="add ON CONFLICT to the INSERT, or the same unique constraint to the source first",
        )
