from schemalint.rule import Certainty, Place, Severity, State, Violation, Violations, invariant


@invariant("55P03")
def writers_queue(state: State) -> Violations:
    """The trigger takes a lock that lets one writer through at a time.

    ## Why
    REFRESH MATERIALIZED VIEW and LOCK TABLE inside a trigger hold their lock until the writer's transaction ends. All other
    writers of the source stand in line behind it, however different their rows are.

    ## Way out
    Refresh from a job, or after COMMIT (NOTIFY and a listener).

    ## Not reported
    The same on tables that take no part in a sync: no second table depends on how fast their writers are.
    """
    if not state.mirrors:
        return
    for failing in state.failing("queue"):
        failure = failing.failure
        yield Violation(
            key=("queue", *failure.subject),
            message=f"writers of {state.relation_name(state.source.oid)} queue one behind the other: {failure.reason}",
            at=(failure.span,),
            certainty=Certainty.CERTAIN,
            severity=Severity.WARNING,
            sync=state.names_of_sync(state.mirrors[0]),
            related=(Place(failure.span, "held until COMMIT"),) if failure.span is not None else (),
            sqlstate="55P03",
            help="refresh from a job, or after COMMIT",
        )
