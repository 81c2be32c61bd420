from schemalint.rule import Certainty, Place, Severity, State, Violation, Violations, invariant


@invariant()
def row_text_executed(state: State) -> Violations:
    """A SECURITY DEFINER function executes text that comes from the row.

    ## Why
    EXECUTE of a statement into which a column's value is put as it is: whoever writes the row writes SQL, and it runs with
    the rights of the function's owner.

    ## Way out
    EXECUTE … USING, or format() with %L for values and %I for names.

    ## Not reported
    Values that are quoted (quote_literal, %L), which stay values; numbers, keys and times, whose text cannot hold SQL;
    functions that run as the writer, who could run the statement anyway.
    """
    for failing in state.failing("unquoted"):
        function = state.catalog.function(failing.failure.function)
        if function is None or not function.security_definer:
            continue
        span = failing.failure.span
        yield Violation(
            key=(function.oid, "executed", failing.failure.column),
            message=f"{state.signature(function.oid)} executes text of {state.relation_name(state.source.oid)} with its owner's "
            "rights",
            certainty=Certainty.CERTAIN,
            severity=Severity.ERROR,
            sync=state.names(failing.firing, None),
            related=(Place(span, "executed here"),) if span is not None else (),
            help="EXECUTE … USING, or format() with %L",
        )
