from schemalint.rule import State, Violations, invariant


@invariant("23514", shown_by="rows of another partition")
def no_partition(state: State) -> Violations:
    """The partitioned target has no partition for some of the rows that the trigger writes.

    ## Why
    A row goes into the partition whose bounds hold its key. Where there is none, and no DEFAULT partition, the INSERT
    raises: after a partition was detached or dropped, for dates beyond the last one, for a value that no list names.

    ## Way out
    CREATE TABLE … PARTITION OF … DEFAULT, or the missing partitions, in the same migration.

    ## Not reported
    Tables with a DEFAULT partition, which takes the rest; bounds that cover all values, or all that the source's type,
    CHECKs or own partitions let through; keys of several columns or of expressions, whose bounds are not worked out.
    """
    for failing in state.failing("no-partition"):
        name = state.relation_name(failing.failure.relation)
        yield state.violation(
            failing,
            f"{name} has no partition for them",
            place="inserted here",
            help=f"CREATE TABLE … PARTITION OF {name} DEFAULT; or the partitions that are missing",
        )
