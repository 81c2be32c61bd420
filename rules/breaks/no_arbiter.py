from schemalint.rule import State, Violations, invariant


@invariant("42P10", "42704", "55000")
def no_arbiter(state: State) -> Violations:
    """ON CONFLICT names columns or a constraint that no unique index stands behind.

    ## Why
    INSERT … ON CONFLICT (id) needs a unique index on exactly these columns, not partial (unless its condition is
    repeated), not deferrable; ON CONSTRAINT needs a constraint of that name. Without one the statement is refused,
    whether there is a conflict or not.

    ## Way out
    Make the new unique index before the old one goes, in the same migration; or replace the function together with the
    key.

    ## Not reported
    A unique index of another name on the same columns, which serves as well; ON CONFLICT DO NOTHING without a target, which
    any unique index serves; keys that are only renamed, unless ON CONSTRAINT names them.
    """
    for failing in state.failing("arbiter"):
        failure = failing.failure
        yield state.violation(
            failing,
            f"no unique index of {state.relation_name(failure.relation)} fits the ON CONFLICT of the trigger",
            place="this ON CONFLICT",
            help="make a unique index on the same columns before the old one goes",
        )
