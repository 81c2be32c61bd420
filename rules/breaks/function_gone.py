from schemalint.rule import State, Violations, invariant


@invariant("42883", "42725")
def function_gone(state: State) -> Violations:
    """A function that the trigger calls is not there, or not with these arguments.

    ## Why
    PL/pgSQL bodies leave no dependency behind: a function that they call can be dropped, renamed, moved or given other
    arguments without a word. The next write to the source raises.

    ## Way out
    Replace the calling function in the same migration, or keep the old signature as a wrapper.

    ## Not reported
    Functions of extensions and of schemas that no migration makes, which are there or not without the migrations knowing;
    calls on paths that are never taken.
    """
    for failing in state.failing("function-gone"):
        failure = failing.failure
        yield state.violation(
            failing,
            f"{failure.message}",
            place="called here",
            help=f"replace {state.signature(failing.firing.function)} in the same migration, or keep the old signature",
        )
