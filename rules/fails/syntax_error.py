from schemalint.rule import Change, Violation, Violations, step


@step("42601")
def syntax_error(change: Change) -> Violations:
    """PostgreSQL cannot parse a statement.

    ## Why
    The migration fails at this statement with 42601, and what the runner does then depends on whether the file runs in one
    transaction. The body of a PL/pgSQL function is parsed when the function is created, unless check_function_bodies is off.

    ## Way out
    Mend the statement at the place that is marked.

    ## Not reported
    psql's own commands and the data behind COPY … FROM stdin, which no server sees as SQL.
    """
    if change.sqlstate == "42601" and change.refusal is not None:
        yield Violation(
            key=(change.span.source.path, change.span.start),
            message=f"PostgreSQL cannot parse this: {change.refusal}",
            at=(change.at,),
            sqlstate="42601",
            answer=f"42601 {change.refusal}",
        )
