from schemalint.rule import State, Violations, invariant


@invariant("42804", "42883", "42846", "42704", "22P02")
def type_mismatch(state: State) -> Violations:
    """A value that the trigger writes or compares does not fit the type that it meets.

    ## Why
    There is no assignment cast from the value to the type of the column, or no operator for the two types that the
    function compares, or a constant is no label of the enum. A type change on either side applies, as USING converts
    the rows that are there, but the function still hands over the old type.

    ## Way out
    Replace the function with an explicit cast in the same migration as the type change.

    ## Not reported
    Casts that PostgreSQL makes by itself in an assignment (widening, anything to text, date to timestamp), which succeed;
    values whose type is not known, where a mismatch would be a guess.
    """
    for failing in state.failing("type-mismatch", "operator", "cast", "type-gone", "enum-label"):
        failure = failing.failure
        yield state.violation(
            failing,
            f"{failure.message}",
            place="this value",
            help=f"cast it explicitly in {state.signature(failing.firing.function)}, in the same migration",
            at=(state.definition_of(failure),),
        )
