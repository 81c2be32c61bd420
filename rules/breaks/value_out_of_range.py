from schemalint.rule import State, Violations, invariant


@invariant("22001", "22003")
def value_out_of_range(state: State) -> Violations:
    """A column of the target is too small for what the trigger writes.

    ## Why
    The source admits longer strings or larger numbers than the type of the target column. An assignment does not cut or
    round: the write raises.

    ## Way out
    Bring the source to the same bound first (a CHECK or the same type), or shorten the value in the function.

    ## Not reported
    Values that the type or a CHECK of the source keeps short enough, so that none too large exists; explicit casts, which
    cut instead of raising, and so lose.
    """
    for failing in state.failing("value-out-of-range"):
        failure = failing.failure
        yield state.violation(
            failing,
            f"{failure.message} in {state.relation_name(failure.relation)}.{state.column_name(failure.relation, failure.column)}",
            place="this value",
            help="bring the source to the same bound first, or shorten the value in the function",
            at=(state.definition_of(failure),),
        )
