from schemalint.rule import State, Violations, invariant


@invariant("42601", "0A000", "2F005", "20000", "P0002", "55000")
def function_broken(state: State) -> Violations:
    """The trigger function cannot run as it is written.

    ## Why
    A statement in it has a syntax error that nobody checked, an INSERT has more columns than values, the function was
    declared STABLE or IMMUTABLE although it writes, a path ends without RETURN, SELECT INTO STRICT finds no row, or a record
    variable is read on a path that has not filled it. A statement that EXECUTE builds by concatenation breaks at the first
    quote in a text.

    ## Way out
    Replace the function; run it once on a copy before it goes out.

    ## Not reported
    Paths that are never taken, as a branch for an event on which no trigger fires; errors that an EXCEPTION clause of the
    function takes, which are a loss instead of a failure.
    """
    for failing in state.failing(
        "function-syntax", "arity", "not-volatile", "no-return", "case", "no-rows", "not-assigned", "unquoted"
    ):
        failure = failing.failure
        yield state.violation(
            failing,
            f"{failure.message}, in {state.signature(failure.function or failing.firing.function)}",
            place="here",
            help=f"replace {state.signature(failing.firing.function)}",
        )
