from schemalint.rule import State, Violations, invariant


@invariant("55000", "42P10")
def replica_identity_missing(state: State) -> Violations:
    """A publication forbids the updates or deletes that the trigger makes.

    ## Why
    A table that is published with its updates and deletes needs a replica identity: its primary key, or another index that
    is named. A row filter may only read columns of it, and a column list must name all of it. Otherwise every UPDATE and
    DELETE raises, an INSERT … ON CONFLICT DO UPDATE as well, whatever it does.

    ## Way out
    ALTER TABLE … REPLICA IDENTITY FULL (or USING INDEX), or publish inserts only.

    ## Not reported
    Publications of inserts only, which need no identity; tables whose key serves as the identity.
    """
    for failing in state.failing("replica-identity"):
        failure = failing.failure
        name = state.relation_name(failure.relation)
        yield state.violation(
            failing,
            f"the publication {failure.reason} sends updates of {name}, which its replica identity does not allow",
            place="written here",
            help=f"ALTER TABLE {name} REPLICA IDENTITY FULL, or let {failure.reason} publish inserts only",
        )
