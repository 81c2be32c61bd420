from schemalint.rule import Certainty, Change, Violation, Violations, step


@step("2BP01", "42P07", "42701", "42710", "42703", "42704", "42P01", "23502", "25001", "55P04")
def refused(change: Change) -> Violations:
    """PostgreSQL refuses a statement in the state that the migrations before it have made.

    ## Why
    An object is there already or is not there, others depend on it, or the statement is not allowed inside a transaction.
    The migration stops here with an error; in a transaction nothing of it is kept, outside one the statements before it are.

    ## Way out
    Drop or change what depends on the object first (or say CASCADE, knowing what goes along), use IF [NOT] EXISTS where the
    object may or may not be there, or move the statement to a migration of its own.

    ## Not reported
    Objects that the migrations have never made, as those of the platform, which are there or not without the migrations
    knowing; what depends on the rows that are in a table, which no migration shows.
    """
    if change.sqlstate not in (None, "42601") and change.refusal is not None:
        yield Violation(
            key=(change.span.source.path, change.span.start, change.sqlstate),
            message=f"PostgreSQL refuses this: {change.refusal}",
            at=(change.at,),
            certainty=Certainty.CERTAIN if change.sure else Certainty.CONDITIONAL,
            sqlstate=change.sqlstate,
            answer=f"{change.sqlstate} {change.refusal}",
        )
