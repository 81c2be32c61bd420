from schemalint.rule import Certainty, State, Violations, invariant


@invariant("23502", "23514")
def nullable_value(state: State) -> Violations:
    """A column of the target must not be NULL, and what the trigger writes to it can be.

    ## Why
    The source allows NULL in the column that is copied, or a look-up may find nothing, while the target refuses NULL.
    Rows that have a value go through; the first one without raises, and the application's write is lost with it.

    ## Way out
    Make both sides agree: NOT NULL on the source's column first, or COALESCE in the trigger function, or no NOT NULL on
    the target.

    ## Not reported
    Source columns that are NOT NULL, of a domain that is, or kept from NULL by a CHECK: the row without a value is refused
    at the source. Values that a condition in the function has tested; look-ups through an enforced NOT NULL foreign key,
    which find their row.
    """
    for failing in state.failing("nullable-value", "required-column"):
        failure = failing.failure
        always = failing.certainty is Certainty.CERTAIN or failure.reason.endswith("left out")
        if failure.kind == "required-column" and always:
            continue  # breaks/required-column says it
        column = state.column_name(failure.relation, failure.column)
        target = state.relation_name(failure.relation)
        can = "can be NULL" if failing.certainty is not Certainty.UNKNOWN else "may be NULL, for all that can be told"
        yield state.violation(
            failing,
            f"{target}.{column} must not be NULL, and what the trigger writes to it {can}",
            place=f"this {can}",
            help=f"make the source NOT NULL first, write COALESCE(…) in {state.signature(failing.firing.function)}, "
            f"or let {target}.{column} be NULL",
            at=(state.definition_of(failure),),
        )
