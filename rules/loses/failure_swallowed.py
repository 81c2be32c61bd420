from schemalint.rule import Certainty, Place, Severity, State, Violation, Violations, invariant

# What PostgreSQL refuses of a write, or of the statement as it stands.
KINDS = (
    "required-column", "nullable-value", "written-column", "source-column", "target-gone", "target-readonly", "lookup-gone",
    "unknown-column", "type-mismatch", "operator", "cast", "generated-column", "arbiter", "function-gone", "arity",
    "not-volatile", "check", "value-out-of-range", "unique", "duplicate-key", "foreign-key", "raised",
)  # fmt: skip


@invariant()
def failure_swallowed(state: State) -> Violations:
    """The copy fails, and an EXCEPTION clause of the trigger keeps it quiet.

    ## Why
    The write that carries the row raises an error, the function catches it and goes on. The application's write succeeds,
    what the block did is undone, and the row does not arrive. Nobody sees more than a warning in the server's log.

    ## Way out
    Mend what fails (the message says what), in the same migration; let the clause catch only the condition that it is for.

    ## Not reported
    Clauses that do not match the error, which then reaches the application; errors that only a row that is there already
    brings about, where the row is not missing; deferred constraints, which no clause catches.
    """
    for failing in state.swallowed(*KINDS):
        failure = failing.failure
        if failing.certainty is Certainty.UNKNOWN or state.contract(failure.relation).retired:
            continue
        some = "" if failing.certainty is Certainty.CERTAIN else "some "
        yield Violation(
            key=("swallowed", *failure.subject),
            message=f"{some}{state.writes_in_words(failing)} succeeds and is not copied: {failure.message}",
            at=(failure.definition, state.definition_of(failure), failure.span),
            certainty=failing.certainty,
            severity=Severity.ERROR if failing.certainty is Certainty.CERTAIN else Severity.WARNING,
            sync=state.names(failing.firing, failure.relation),
            related=(Place(failure.span, "this fails, and the error is caught"),) if failure.span is not None else (),
            answer=f"{failure.sqlstate} {failure.message}, which nobody sees",
            witness=state.witness(failing),
            help=f"mend what fails in {state.signature(failing.firing.function)}, or catch only the condition that is meant",
        )
