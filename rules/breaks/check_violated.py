from schemalint.rule import State, Violations, invariant


@invariant("23514", "44000")
def check_violated(state: State) -> Violations:
    """A CHECK of the target refuses what the trigger writes.

    ## Why
    The condition is checked on each row that the trigger writes, NOT VALID or not. It is looked at with what is known
    of the values: constants and defaults that the trigger writes, and the lengths, ranges and choices that the source's
    own types and CHECKs allow.

    ## Way out
    Put the same CHECK on the source first, so that the application sees the error at its own table, or replace the
    function so that it writes what the target admits.

    ## Not reported
    Conditions that the source demands as well, or that follow from it: the row is refused at the source before it could be
    copied. Conditions that are NULL, which pass; NOT ENFORCED ones, which nobody checks.
    """
    for failing in state.failing("check"):
        failure = failing.failure
        yield state.violation(
            failing,
            f"CHECK {failure.reason} of {state.relation_name(failure.relation)} refuses the row",
            place="written here",
            help="put the same CHECK on the source first, or change what the trigger writes",
        )
